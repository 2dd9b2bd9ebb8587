import { symlink, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { UserError } from "@pairloom/config";
import { bindingName } from "./installation.js";
import { lastLines, runProgram } from "./runProgram.js";

/**
 * Compiles the C++ sources of @tensorflow/tfjs-node-gpu against the headers and libraries in `folder`/tensorflow. The
 * binding finds the libraries relative to itself, so the folder may be moved.
 */
export async function compileBinding(source: string, folder: string): Promise<void> {
  const require = createRequire(import.meta.url);
  const nodeHeaders = join(dirname(require.resolve("node-api-headers/package.json")), "include");
  const libraries = join(folder, "tensorflow");
  for (const name of ["libtensorflow_cc.so", "libtensorflow_framework.so"]) {
    await rm(join(libraries, name), { force: true });
    await symlink(`${name}.2`, join(libraries, name));
  }
  const args = [
    ...["-std=c++17", "-O2", "-fPIC", "-shared", "-DNAPI_VERSION=8", "-DNODE_GYP_MODULE_NAME=tfjs_binding"],
    ...["-I", nodeHeaders, "-I", join(libraries, "include"), "-I", join(source, "binding")],
    ...["tfjs_backend.cc", "tfjs_binding.cc"].map((file) => join(source, "binding", file)),
    ...["-o", join(folder, bindingName), "-L", libraries, "-ltensorflow_cc", "-ltensorflow_framework"],
    "-Wl,-rpath,$ORIGIN/tensorflow",
  ];
  const result = await runProgram("g++", args);
  if (result.code !== 0)
    throw new UserError("compile_failed", `g++ could not compile the binding:\n${lastLines(result, 20)}`, {
      hint: "It needs a C++17 compiler (g++ 8 or later).",
    });
}
