import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { UserError } from "@pairloom/config/errors";
import type { Engine, EngineOptions, EngineStatus, Tf } from "../engine.js";
import { howToAdd } from "../howToAdd.js";
import { portableOps } from "../ops/portableOps.js";
import {
  bindingName,
  bindingPackage,
  bindingPackageVersion,
  findInstallation,
  stockBinding,
} from "./installation.js";
import { nativeFingerprint } from "./nativeSources.js";
import { requireBindingPath } from "./requireBindingPath.js";
import { compilePrograms } from "./compiled/compilePrograms.js";
import { xlaNotLoaded } from "./compiled/xlaNotLoaded.js";
import { registerFloat32MatMulKernel } from "./kernels/float32MatMulKernel.js";
import { registerFusedMatMulKernel } from "./kernels/fusedMatMulKernel.js";
import { registerGatherKernel } from "./kernels/gatherKernel.js";
import { registerNativeKernels } from "./kernels/nativeKernels.js";
import { registerReluGradientKernel } from "./kernels/reluGradientKernel.js";
import { registerStepKernel } from "./kernels/stepKernel.js";
import { registerSumKernel } from "./kernels/sumKernel.js";
import { nativeOps, trimMemory } from "./nativeOps.js";

/** Whether the tensorflow engine is installed; without loading it. */
export function tensorflowStatus(cacheDir: string | undefined): EngineStatus {
  const missing = (why: string): EngineStatus => ({
    name: "tensorflow",
    available: false,
    version: null,
    why,
  });
  if (bindingPackage() === null)
    return missing(`npm's @tensorflow/tfjs-node-gpu is not installed: ${howToAdd(bindingPackageVersion)}`);
  const found = findBinding(cacheDir);
  if (found === null)
    return missing(
      "TensorFlow is not installed: `pairloom engine install` (needs python3, pip and g++; fetches 280 MB).",
    );
  return { name: "tensorflow", available: true, version: found.version, why: null };
}

function findBinding(
  cacheDir: string | undefined,
): { binding: string; version: string; gpu: boolean; native: boolean } | null {
  const installed = cacheDir === undefined ? null : findInstallation(cacheDir);
  if (installed !== null)
    return {
      binding: join(installed.folder, bindingName),
      version: installed.tensorflow,
      gpu: installed.gpu,
      native: installed.native !== null && installed.native === nativeFingerprint(),
    };
  const stock = stockBinding();
  return stock === null ? null : { binding: stock, version: "2.9.1", gpu: false, native: false };
}

/** What holds in this process from the first load on. */
let loaded: { threads: number; xla: boolean } | null = null;

/**
 * Loads TensorFlow into this process (for good: the library can't be unloaded) and makes it the current back end. The
 * number of threads, and whether XLA compiles, hold from the first load on.
 *
 * @throws UserError "xla_not_loaded" where XLA is asked for and TensorFlow is there already without it
 */
export async function loadTensorflowEngine(options: EngineOptions): Promise<Engine> {
  const found = findBinding(options.cacheDir);
  const folder = bindingPackage();
  if (found === null || folder === null)
    throw new UserError("engine_unavailable", "The tensorflow engine is not installed", {
      hint: tensorflowStatus(options.cacheDir).why ?? "`pairloom engine install`",
    });
  if (loaded !== null && options.xla === true && !loaded.xla) throw xlaNotLoaded();
  const { threads, xla } = loaded ?? {
    threads: options.threads ?? availableParallelism(),
    xla: options.xla ?? false,
  };
  if (loaded === null) setLibrarySettings(threads, xla);
  const require = createRequire(import.meta.url);
  const requireBinding = require(requireBindingPath()) as (folder: string, binding: string) => Tf;
  const tf = requireBinding(folder, found.binding);
  loaded = { threads, xla };
  if (!(await tf.setBackend("tensorflow"))) throw new Error("The tensorflow back end did not start");
  const { binding } = tf.backend() as unknown as {
    binding: { TF_Version: string; isUsingGpuDevice(): boolean };
  };
  registerStepKernel(tf);
  registerGatherKernel(tf);
  registerReluGradientKernel(tf);
  registerFloat32MatMulKernel(tf);
  registerFusedMatMulKernel(tf);
  // the binding's own operations are for the CPU; TensorFlow's stock binding has none
  const native = found.native && !binding.isUsingGpuDevice();
  if (native) {
    registerNativeKernels(tf);
    registerSumKernel(tf);
  }
  const device = tf.engine().backendName === "tensorflow" && found.gpu ? "GPU if one is there, else " : "";
  options.log?.(`tensorflow engine: TensorFlow ${binding.TF_Version}, ${threads} threads`);
  if (!found.native && !binding.isUsingGpuDevice())
    options.log?.(
      "without pairloom's own operations: `pairloom engine install` compiles them, for faster training",
    );
  return {
    name: "tensorflow",
    tf,
    version: binding.TF_Version,
    description: `TensorFlow ${binding.TF_Version} on ${device}${threads} CPU ${threads === 1 ? "thread" : "threads"}`,
    threads,
    ops: native ? nativeOps(tf) : portableOps,
    openPrograms: compilePrograms(tf, { xla, ...(native ? { trimMemory: () => trimMemory(tf) } : {}) }),
    dispose: () => Promise.resolve(),
  };
}

/** TensorFlow reads its settings from the environment when it is loaded; the environment is the only way to give them. */
function setLibrarySettings(threads: number, xla: boolean): void {
  const settings = {
    TF_NUM_INTRAOP_THREADS: String(threads),
    // One op after another, in one order
    TF_NUM_INTEROP_THREADS: "1",
    TF_CPP_MIN_LOG_LEVEL: "2",
    // oneDNN's own allocator keeps for good what recording a program took, and grows by doubling
    TF_ONEDNN_USE_SYSTEM_ALLOCATOR: "1",
  };
  for (const [name, value] of Object.entries(settings)) process.env[name] ??= value;
  if (!xla) return;
  const given = process.env["TF_XLA_FLAGS"];
  process.env["TF_XLA_FLAGS"] = [given, "--tf_xla_auto_jit=2", "--tf_xla_cpu_global_jit"]
    .filter((flags) => flags !== undefined)
    .join(" ");
}
