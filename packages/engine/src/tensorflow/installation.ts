import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export const tensorflowVersion = "2.21.0";
export const bindingName = "tfjs_binding.node";
const markerName = "installed.json";

/** What `installEngine` writes last into a folder: the folder counts only with it. */
export interface Installation {
  folder: string;
  tensorflow: string;
  gpu: boolean;
  /** Fingerprint of the operations that the binding was compiled with; null without any. */
  native: string | null;
}

/** The folder of one variant. Libraries lie in tensorflow/, CUDA's in nvidia/, the binding beside both. */
export function installationFolder(cacheDir: string, gpu: boolean): string {
  const machine = `${process.platform}-${process.arch}`;
  return join(cacheDir, "engines", `tensorflow-${tensorflowVersion}-${gpu ? "gpu" : "cpu"}-${machine}`);
}

export function markerOf(folder: string): string {
  return join(folder, markerName);
}

/** A header that operations of our own include: without it they can't be compiled. */
export function headersOf(folder: string): string {
  return join(folder, "tensorflow", "include", "tensorflow", "core", "framework", "op_kernel.h");
}

/** The complete installation in a folder; null where there is none. */
export function readInstallation(folder: string): Installation | null {
  if (!existsSync(markerOf(folder)) || !existsSync(join(folder, bindingName))) return null;
  const marker = JSON.parse(readFileSync(markerOf(folder), "utf8")) as Omit<
    Installation,
    "folder" | "native"
  >;
  return { native: null, ...marker, folder };
}

/** The complete installation in a cache folder, the one for GPUs first; null if there is none. */
export function findInstallation(cacheDir: string): Installation | null {
  for (const gpu of [true, false]) {
    const found = readInstallation(installationFolder(cacheDir, gpu));
    if (found !== null) return found;
  }
  return null;
}

/** The version whose sources and kernels fit ours. */
export const bindingPackageVersion = "@tensorflow/tfjs-node-gpu@4.22.0";

/** The folder of the optional @tensorflow/tfjs-node-gpu, or null where npm left it out. */
export function bindingPackage(): string | null {
  try {
    const require = createRequire(import.meta.url);
    return dirname(require.resolve("@tensorflow/tfjs-node-gpu/package.json"));
  } catch {
    return null;
  }
}

/** Where the package's own install step puts its binding (TensorFlow 2.9.1), if it ran. */
export function stockBinding(): string | null {
  const folder = bindingPackage();
  if (folder === null) return null;
  const path = join(folder, "lib", "napi-v8", bindingName);
  return existsSync(path) ? path : null;
}
