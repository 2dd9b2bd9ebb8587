import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs";
import * as stock from "@tensorflow/tfjs-backend-wasm";
import type { Engine, EngineOptions, EngineStatus } from "../engine.js";
import { registerKernels } from "./kernels/registerKernels.js";
import { eagerPrograms } from "../ops/eagerPrograms.js";
import { KernelPool } from "./kernelPool.js";
import { TrainingBackend } from "./trainingBackend.js";
import { wasmOps } from "./wasmOps.js";
import { startWasmModule } from "./wasmModule.js";

/** Beyond this, waking them costs more than they bring. */
const mostThreads = 16;

/** The wasm engine is always there: npm brings it. */
export function wasmStatus(): EngineStatus {
  return { name: "wasm", available: true, version: stock.version_wasm, why: null };
}

/** Starts the wasm back end with our kernels on top. One per process: a second call gives a fresh, empty heap. */
export async function loadWasmEngine(options: EngineOptions): Promise<Engine> {
  const { module, memory } = await startWasmModule();
  const threads = Math.max(1, Math.min(options.threads ?? availableParallelism(), mostThreads));
  const pool = await KernelPool.start(module, memory, threads);
  stock.setThreadsCount(1);
  registerKernels();
  unregister();
  let backend: TrainingBackend | undefined;
  tf.registerBackend("wasm", () => (backend = new TrainingBackend(module, pool)), 2);
  if (!(await tf.setBackend("wasm")) || backend === undefined)
    throw new Error("The wasm back end did not start");
  options.log?.(`wasm engine: tfjs-backend-wasm ${stock.version_wasm}, SIMD, ${threads} threads`);
  return {
    name: "wasm",
    tf,
    version: stock.version_wasm,
    description: `WebAssembly SIMD (tfjs-backend-wasm ${stock.version_wasm}), ${threads} ${threads === 1 ? "thread" : "threads"}`,
    threads,
    ops: wasmOps(backend),
    openPrograms: eagerPrograms,
    dispose: async () => {
      unregister();
      await pool.stop();
    },
  };
}

/** Not by `findBackend`, which would start the stock back end. */
function unregister(): void {
  if (tf.findBackendFactory("wasm") !== null) tf.removeBackend("wasm");
}
