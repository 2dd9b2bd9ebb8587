import { UserError } from "@pairloom/config/errors";
import type { BackendValues } from "@tensorflow/tfjs-core";
import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";

/**
 * TensorFlow.js's webgpu back end, made honest: WebGPU reports a refused command, exhausted memory or a lost device
 * beside the results, which are then zeros; here the next read throws.
 */
export class WebgpuBackend extends WebGPUBackend {
  private failure: Error | null = null;

  /** @param gpu what the device came from: held, since Dawn ends with it, whatever still runs */
  constructor(
    readonly gpu: GPU,
    device: GPUDevice,
    info: GPUAdapterInfo,
  ) {
    super(device, info);
    device.onuncapturederror = (event) => {
      // else Dawn prints it, and all that follows from it
      event.preventDefault();
      this.failure ??= failureOf(event.error);
    };
    void device.lost.then(({ reason, message }) => {
      if (reason !== "destroyed") this.failure ??= new Error(`The GPU was lost: ${message}`);
    });
  }

  override async read(dataId: object): Promise<BackendValues> {
    if (this.failure !== null) throw this.failure;
    const values = await super.read(dataId);
    // what failed before the read is reported before the read ends
    if (this.failure !== null) throw this.failure as Error;
    return values;
  }

  /** Only what never left for the GPU can be read at once. */
  override readSync(dataId: object): BackendValues {
    const { values } = this.tensorMap.get(dataId);
    if (values === null || values === undefined)
      throw new Error(
        "A tensor on the GPU can't be read synchronously: use `data()` instead of `dataSync()`",
      );
    return values;
  }

  /** Destroying the device frees all that was made on it. */
  override dispose(): void {
    this.device.destroy();
  }
}

function failureOf(error: GPUError): Error {
  const [what = ""] = error.message.split("\n");
  if (error instanceof GPUOutOfMemoryError || /larger than the max|exceeds the max/.test(what))
    return new UserError("gpu_too_small", `This is too much for the GPU: ${what}`, {
      hint: "Take a smaller --batch-size, a smaller model, or another engine.",
    });
  return new Error(`The GPU refused a command: ${error.message}`);
}
