import { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { KernelPool } from "./kernelPool.js";
import type { WasmModule } from "./wasmModule.js";

/** TensorFlow.js's wasm back end, with our kernels at hand. */
export class TrainingBackend extends BackendWasm {
  declare wasm: WasmModule & BackendWasm["wasm"];

  constructor(
    module: WasmModule,
    readonly pool: KernelPool,
  ) {
    super(module as never);
  }
}
