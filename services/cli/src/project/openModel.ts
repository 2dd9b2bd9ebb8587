import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "@pairloom/config";
import type { Engine, EngineChoice } from "@pairloom/engine";
import type { EvaluatedModel } from "@pairloom/evaluation";
import { cacheDir } from "./environment.js";

export interface OpenModel {
  model: EvaluatedModel;
  engine: Engine;
  /** The model's name, or its config's path. */
  name: string;
  /** Stands for the weights: the checkpoint's sha256. */
  fingerprint: string;
  close(): Promise<void>;
}

/**
 * Loads a checkpoint onto an engine. Its model is the config named, or the config.json of its run folder.
 * @throws UserError where the checkpoint or its config can't be read; CheckpointError where they don't fit
 */
export async function openModel(
  checkpoint: string,
  engineName: EngineChoice,
  modelName?: string,
): Promise<OpenModel> {
  if ((await stat(checkpoint).catch(() => null))?.isFile() !== true)
    throw new UserError("checkpoint_missing", `There is no checkpoint ${checkpoint}`, {
      hint: "`pairloom checkpoints list` shows what is there.",
    });
  const config = await configOf(checkpoint, modelName);
  const [{ loadEngine }, clip, { createTokenizer }] = await Promise.all([
    import("@pairloom/engine"),
    import("@pairloom/clip"),
    import("@pairloom/tokenizer"),
  ]);
  const modelConfig = await clip.loadModelConfig(config);
  const state = clip.checkStateDict(await clip.readCheckpointFile(checkpoint), modelConfig);
  const engine = await loadEngine(engineName, { cacheDir: cacheDir() });
  const parameters = clip.createParameters(modelConfig, state);
  return {
    model: { config: modelConfig, parameters, tokenizer: createTokenizer() },
    engine,
    name: config,
    fingerprint: await sha256Of(checkpoint),
    close: async () => {
      clip.disposeParameters(parameters);
      await engine.dispose();
    },
  };
}

async function configOf(checkpoint: string, modelName: string | undefined): Promise<string> {
  if (modelName !== undefined) return modelName;
  const folder = dirname(checkpoint);
  for (const path of [join(folder, "config.json"), join(folder, "..", "config.json")])
    if ((await stat(path).catch(() => null)) !== null) return path;
  throw new UserError("model_unknown", `Nothing beside ${checkpoint} says which model it is`, {
    hint: "Name it with --model: a model's name, or a JSON config in open_clip's schema.",
  });
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
