import type { EngineOptions, EngineStatus } from "./engine.js";
import { tensorflowStatus } from "./tensorflow/loadTensorflowEngine.js";
import { wasmStatus } from "./wasm/loadWasmEngine.js";
import { webgpuStatus } from "./webgpu/webgpuStatus.js";

/**
 * Which engines work here, and for the others why not and how to get them. Loads none of them; the GPU's driver is asked
 * in a child process.
 */
export async function listEngines(options: Pick<EngineOptions, "cacheDir"> = {}): Promise<EngineStatus[]> {
  return [tensorflowStatus(options.cacheDir), wasmStatus(), await webgpuStatus()];
}
