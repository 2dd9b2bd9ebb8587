import type { EngineOptions, EngineStatus } from "./engine.js";
import { wasmStatus } from "./wasm/loadWasmEngine.js";

/** Which engines work here, and for the others why not and how to get them. Loads none of them. */
export function listEngines(options: Pick<EngineOptions, "cacheDir"> = {}): Promise<EngineStatus[]> {
  void options;
  return Promise.resolve([
    { name: "tensorflow", available: false, version: null, why: "Not installed: `pairloom engine install`." },
    wasmStatus(),
    { name: "webgpu", available: false, version: null, why: "npm's `webgpu` is not installed." },
  ]);
}
