import { rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { UserError } from "@pairloom/config/errors";
import { bindingName } from "./installation.js";
import { nativeFolder } from "./nativeSources.js";
import { lastLines, runProgram } from "./runProgram.js";

/**
 * Compiles the C++ sources of @tensorflow/tfjs-node-gpu, and our own operations (native/), against the headers and
 * libraries in `folder`/tensorflow. The binding finds the libraries relative to itself, so the folder may be moved. A
 * compiler that can't take TensorFlow's C++ headers gives a binding without our operations: slower, and right.
 *
 * @returns whether our operations are in it
 * @throws UserError "compile_failed"
 */
export async function compileBinding(
  source: string,
  folder: string,
  log: (line: string) => void,
): Promise<boolean> {
  const require = createRequire(import.meta.url);
  const nodeHeaders = join(dirname(require.resolve("node-api-headers/package.json")), "include");
  const libraries = join(folder, "tensorflow");
  for (const name of ["libtensorflow_cc.so", "libtensorflow_framework.so"]) {
    await rm(join(libraries, name), { force: true });
    await symlink(`${name}.2`, join(libraries, name));
  }
  const compile = (sources: string[]) =>
    runProgram("g++", [
      ...["-std=c++17", "-O3", "-fPIC", "-shared", "-w", "-DNAPI_VERSION=8"],
      // sums may be taken in vectors where native/ says so, and nothing looks at errno or at traps; a product is rounded
      // before it is added on every processor, so that what cancels exactly still does
      ...["-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"],
      "-DNODE_GYP_MODULE_NAME=tfjs_binding",
      ...["-I", nodeHeaders, "-I", join(libraries, "include"), "-I", join(source, "binding")],
      ...["tfjs_backend.cc", "tfjs_binding.cc"].map((file) => join(source, "binding", file)),
      ...sources,
      // a file of that name may be loaded right now by a process: it keeps what it has
      ...[
        "-o",
        join(folder, `${bindingName}.part`),
        "-L",
        libraries,
        "-ltensorflow_cc",
        "-ltensorflow_framework",
      ],
      "-Wl,-rpath,$ORIGIN/tensorflow",
    ]);
  let native = true;
  let result = await compile([join(nativeFolder, "kernels.cc")]);
  if (result.code !== 0) {
    log(`Our own operations don't compile here (${lastLines(result, 1)}): training will be slower`);
    native = false;
    result = await compile([]);
  }
  if (result.code !== 0)
    throw new UserError("compile_failed", `g++ could not compile the binding:\n${lastLines(result, 20)}`, {
      hint: "It needs a C++17 compiler (g++ 9 or later).",
    });
  await rename(join(folder, `${bindingName}.part`), join(folder, bindingName));
  return native;
}
