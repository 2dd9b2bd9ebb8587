import * as tf from "@tensorflow/tfjs";
import * as stock from "@tensorflow/tfjs-backend-wasm";
import type { Engine, EngineOptions, EngineStatus } from "../engine.js";
import { registerKernels } from "./kernels/registerKernels.js";
import { startWasmModule } from "./wasmModule.js";

/** The wasm engine is always there: npm brings it. */
export function wasmStatus(): EngineStatus {
  return { name: "wasm", available: true, version: stock.version_wasm, why: null };
}

/** Starts the wasm back end with our kernels on top. One per process: a second call gives a fresh, empty heap. */
export async function loadWasmEngine(options: EngineOptions): Promise<Engine> {
  const { module } = await startWasmModule();
  stock.setThreadsCount(1);
  registerKernels();
  unregister();
  tf.registerBackend("wasm", () => new stock.BackendWasm(module as never), 2);
  if (!(await tf.setBackend("wasm"))) throw new Error("The wasm back end did not start");
  options.log?.(`wasm engine: tfjs-backend-wasm ${stock.version_wasm}, SIMD`);
  return {
    name: "wasm",
    tf,
    version: stock.version_wasm,
    description: `WebAssembly SIMD (tfjs-backend-wasm ${stock.version_wasm}), 1 thread`,
    threads: 1,
    dispose: () => {
      unregister();
      return Promise.resolve();
    },
  };
}

/** Not by `findBackend`, which would start the stock back end. */
function unregister(): void {
  if (tf.findBackendFactory("wasm") !== null) tf.removeBackend("wasm");
}
