import { existsSync } from "node:fs";
import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@pairloom/config/errors";
import { tensorflowVersion } from "./installation.js";
import { lastLines, runProgram } from "./runProgram.js";

/** Any Python's pip can fetch this wheel: the libraries in it don't depend on Python's version. */
const wheelFor = { python: "3.11", abi: "cp311" };
const platforms = {
  x64: ["manylinux_2_27_x86_64", "manylinux_2_17_x86_64"],
  arm64: ["manylinux_2_27_aarch64", "manylinux_2_17_aarch64"],
};

/**
 * Fetches TensorFlow's wheel (and CUDA's, as its own `and-cuda` extra names them) and unpacks the libraries and the C
 * headers into `folder`. What is already there is not fetched again.
 */
export async function downloadTensorflow(
  folder: string,
  gpu: boolean,
  log: (line: string) => void,
): Promise<void> {
  const done = join(folder, "unpacked-with-headers");
  if (existsSync(done)) return;
  const wheels = join(folder, "wheels");
  await mkdir(wheels, { recursive: true });
  const name = gpu || process.arch === "arm64" ? "tensorflow" : "tensorflow-cpu";
  log(
    `Fetching ${name} ${tensorflowVersion} with pip (${gpu ? "620" : "280"} MB, about a minute on a fast line)`,
  );
  await pipDownload(`${name}==${tensorflowVersion}`, wheels);
  const libraries = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"].map(
    (file) => `tensorflow/${file}`,
  );
  // what C++ operations include; the rest is for those who build TensorFlow itself
  const headers = [
    ...["tensorflow", "tsl", "xla/tsl", "absl", "Eigen", "unsupported", "google/protobuf"],
    ...["ml_dtypes", "third_party"],
  ];
  log("Unpacking the libraries and headers (1 GB)");
  const wheel = await wheelIn(wheels, name.replace("-", "_"));
  await unpack(wheel, folder, [...libraries, ...headers.map((h) => `tensorflow/include/${h}/`)]);
  if (gpu) await downloadCuda(wheel, wheels, folder, log);
  await writeFile(done, "");
}

/**
 * TensorFlow's libraries look for CUDA's in their own folder first: links there find them, whatever else a wheel's
 * search path says. The wheels' own layout (nvidia/X/lib) stays beside it.
 */
async function downloadCuda(
  wheel: string,
  wheels: string,
  folder: string,
  log: (line: string) => void,
): Promise<void> {
  const metadata = await runPython(
    `import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(z.read(next(n for n in z.namelist() if n.endswith(".dist-info/METADATA"))).decode())`,
    [wheel],
  );
  const requirements = [...metadata.matchAll(/^Requires-Dist: (nvidia-[^;]+); extra == "and-cuda"/gm)].map(
    (m) => (m[1] ?? "").trim(),
  );
  if (requirements.length === 0)
    throw new UserError(
      "cuda_list_missing",
      "TensorFlow's wheel names no CUDA libraries (its `and-cuda` extra is empty)",
    );
  for (const requirement of requirements) {
    log(`Fetching ${requirement} with pip`);
    await pipDownload(requirement, wheels);
    const fetched = await wheelIn(wheels, (/^[a-z0-9-]+/.exec(requirement)?.[0] ?? "").replaceAll("-", "_"));
    await unpack(fetched, folder, ["nvidia/"]);
  }
  await linkCuda(folder);
}

/** Links every nvidia/X/lib/*.so* into tensorflow/. */
export async function linkCuda(folder: string): Promise<void> {
  for (const part of await readdir(join(folder, "nvidia"))) {
    const libraries = await readdir(join(folder, "nvidia", part, "lib")).catch(() => []);
    for (const name of libraries.filter((file) => /\.so(\.|$)/.test(file))) {
      const link = join(folder, "tensorflow", name);
      await rm(link, { force: true });
      await symlink(join("..", "nvidia", part, "lib", name), link);
    }
  }
}

async function pipDownload(requirement: string, to: string): Promise<void> {
  const target = platforms[process.arch as keyof typeof platforms].flatMap((p) => ["--platform", p]);
  const args = [
    "-m",
    "pip",
    "download",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--only-binary=:all:",
  ];
  const python = [
    "--implementation",
    "cp",
    "--python-version",
    wheelFor.python,
    "--abi",
    wheelFor.abi,
    "--abi",
    "none",
  ];
  const result = await runProgram("python3", [...args, ...python, ...target, "--dest", to, requirement]);
  if (result.code !== 0)
    throw new UserError("download_failed", `pip could not fetch ${requirement}:\n${lastLines(result)}`, {
      hint: "Check the network (pip reads its proxy and index settings), then run the command again: it goes on where it stopped.",
    });
}

async function wheelIn(folder: string, prefix: string): Promise<string> {
  const name = (await readdir(folder)).find((file) => file.startsWith(`${prefix}-`) && file.endsWith(".whl"));
  if (name === undefined) throw new Error(`pip left no wheel of ${prefix} in ${folder}`);
  return join(folder, name);
}

/** Unpacks the members that are named, or lie under a named folder (ending in a slash). */
async function unpack(wheel: string, to: string, wanted: readonly string[]): Promise<void> {
  await runPython(
    `import sys, zipfile
wheel, to, *wanted = sys.argv[1:]
z = zipfile.ZipFile(wheel)
for name in z.namelist():
    if any(name == w or (w.endswith("/") and name.startswith(w)) for w in wanted):
        z.extract(name, to)`,
    [wheel, to, ...wanted],
  );
}

async function runPython(code: string, args: readonly string[]): Promise<string> {
  const result = await runProgram("python3", ["-c", code, ...args]);
  if (result.code === 0) return result.stdout;
  const full = /No space left/.test(result.stderr);
  throw new UserError(full ? "disk_full" : "unpack_failed", `Unpacking failed:\n${lastLines(result)}`, {
    hint: full ? "Free 2 GB (10 GB with --gpu) and run the command again." : "Run the command again.",
  });
}
