import type { EngineOptions, EngineStatus } from "./engine.js";
import { tensorflowStatus } from "./tensorflow/loadTensorflowEngine.js";
import { wasmStatus } from "./wasm/loadWasmEngine.js";
import { webgpuStatus } from "./webgpuStatus.js";

/** Which engines work here, and for the others why not and how to get them. Loads none of them. */
export function listEngines(options: Pick<EngineOptions, "cacheDir"> = {}): Promise<EngineStatus[]> {
  return Promise.resolve([tensorflowStatus(options.cacheDir), wasmStatus(), webgpuStatus()]);
}
