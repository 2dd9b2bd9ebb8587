import { UserError } from "@pairloom/config/errors";
import type { Engine, EngineChoice, EngineName, EngineOptions, EngineStatus } from "./engine.js";
import { loadTensorflowEngine, tensorflowStatus } from "./tensorflow/loadTensorflowEngine.js";
import { loadWasmEngine, wasmStatus } from "./wasm/loadWasmEngine.js";
import { hardwareAdapter, webgpuStatus } from "./webgpu/webgpuStatus.js";

/**
 * Loads an engine and makes it TensorFlow.js's current back end. `auto` takes tensorflow if it is installed; else webgpu
 * if a real GPU is there (never a driver that computes on the CPU); else wasm.
 * @throws UserError "engine_unavailable" if the named engine is not there; its hint says how to get it.
 */
export async function loadEngine(choice: EngineChoice, options: EngineOptions = {}): Promise<Engine> {
  const name = choice === "auto" ? await bestEngine(options) : choice;
  const { available, why } = await engineStatus(name, options);
  if (!available)
    throw new UserError("engine_unavailable", `The ${name} engine is not available here`, {
      hint: why ?? "`pairloom engine list` shows the engines.",
    });
  switch (name) {
    case "tensorflow":
      return loadTensorflowEngine(options);
    case "wasm":
      return loadWasmEngine(options);
    case "webgpu": {
      // only now: it brings the stock back end's kernels
      const { loadWebgpuEngine } = await import("./webgpu/loadWebgpuEngine.js");
      return loadWebgpuEngine(options);
    }
  }
}

async function bestEngine(options: EngineOptions): Promise<EngineName> {
  if (tensorflowStatus(options.cacheDir).available) return "tensorflow";
  return (await hardwareAdapter()) ? "webgpu" : "wasm";
}

/** Whether an engine works here, and else why not and how to get it; without loading it. */
export async function engineStatus(
  name: EngineName,
  options: Pick<EngineOptions, "cacheDir"> = {},
): Promise<EngineStatus> {
  if (name === "tensorflow") return tensorflowStatus(options.cacheDir);
  return name === "wasm" ? wasmStatus() : await webgpuStatus();
}
