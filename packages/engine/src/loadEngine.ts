import { UserError } from "@pairloom/config";
import type { Engine, EngineChoice, EngineOptions } from "./engine.js";
import { listEngines } from "./listEngines.js";
import { loadTensorflowEngine } from "./tensorflow/loadTensorflowEngine.js";
import { loadWasmEngine } from "./wasm/loadWasmEngine.js";

/**
 * Loads an engine and makes it TensorFlow.js's current back end. `auto` takes tensorflow if it is installed, else wasm.
 * @throws UserError "engine_unavailable" if the named engine is not there; its hint says how to get it.
 */
export async function loadEngine(choice: EngineChoice, options: EngineOptions = {}): Promise<Engine> {
  const statuses = await listEngines(options);
  const status = (name: string) => statuses.find((s) => s.name === name);
  const name = choice === "auto" ? (status("tensorflow")?.available ? "tensorflow" : "wasm") : choice;
  const found = status(name);
  if (found?.available !== true)
    throw new UserError("engine_unavailable", `The ${name} engine is not available here`, {
      hint: found?.why ?? "`pairloom engine list` shows the engines.",
    });
  return name === "tensorflow" ? loadTensorflowEngine(options) : loadWasmEngine(options);
}
