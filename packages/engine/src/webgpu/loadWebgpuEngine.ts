import * as tf from "@tensorflow/tfjs";
import { UserError } from "@pairloom/config/errors";
import type { Engine, EngineOptions } from "../engine.js";
import { eagerPrograms } from "../ops/eagerPrograms.js";
import { adapterFacts } from "./adapterFacts.js";
import { type Adapter, type Dawn, startDawn } from "./dawn.js";
import { installGlobals, withNavigator } from "./globals.js";
import { registerKernels } from "./kernels/registerKernels.js";
import { WebgpuBackend } from "./webgpuBackend.js";
import { webgpuOps } from "./webgpuOps.js";
import { backendVersion, whyNone } from "./webgpuStatus.js";

/** What the back end's own start asks of a device: as much as the adapter has. */
const limits = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
] as const;

/**
 * Starts TensorFlow.js's webgpu back end on the fastest adapter, with our kernels on top. One per process: a second call
 * gives a fresh one. Every result has the same bits each time on one machine: no kernel that training uses adds in an
 * order left to chance.
 *
 * @throws UserError "engine_unavailable" if no driver offers an adapter
 */
export async function loadWebgpuEngine(options: EngineOptions): Promise<Engine> {
  const dawn = await startDawn();
  const adapter = await dawn.requestAdapter();
  if (adapter === null)
    throw new UserError("engine_unavailable", "The webgpu engine found no GPU", {
      hint: whyNone("", process.platform),
    });
  unregister();
  const removeGlobals = installGlobals(dawn.globals);
  const backend = await startBackend(dawn, adapter);
  tf.registerBackend("webgpu", () => backend, 3);
  if (!(await tf.setBackend("webgpu"))) throw new Error("The webgpu back end did not start");
  const { name } = adapterFacts(adapter);
  const version = `${backendVersion()} on ${name}`;
  options.log?.(`webgpu engine: tfjs-backend-webgpu ${version}`);
  return {
    name: "webgpu",
    tf,
    version,
    description: `WebGPU (tfjs-backend-webgpu ${backendVersion()}) on ${name}`,
    threads: 1,
    ops: webgpuOps(backend),
    openPrograms: eagerPrograms,
    dispose: () => {
      unregister();
      removeGlobals();
      return Promise.resolve();
    },
  };
}

async function startBackend(dawn: Dawn, adapter: Adapter): Promise<WebgpuBackend> {
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(limits.map((name) => [name, adapter.limits[name]])),
  });
  registerKernels();
  // one kind of matrix product: the stock choice for deep ones adds their parts in an order left to chance
  tf.env().set("WEBGPU_MATMUL_PROGRAM_TYPE", 3);
  // the gradient of a convolution's input in tiles, not a thread for each number
  tf.env().set("WEBGPU_USE_NAIVE_CONV2D_TRANSPOSE", false);
  // else what is small and still on the host is computed there, with other last digits: a resumed run would differ
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  return withNavigator(dawn.gpu, () => new WebgpuBackend(dawn.gpu, device, adapter.info));
}

/** Not by `findBackend`, which would start another. */
function unregister(): void {
  if (tf.findBackendFactory("webgpu") !== null) tf.removeBackend("webgpu");
}
