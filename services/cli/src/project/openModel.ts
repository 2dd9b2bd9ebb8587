import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { ReadModel } from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import type { Engine, EngineChoice } from "@pairloom/engine";
import type { EvaluatedModel } from "@pairloom/evaluation";
import { cacheDir } from "./environment.js";

export interface OpenModel {
  model: EvaluatedModel;
  engine: Engine;
  /** The model's name, or its config's path, or that of the weights that hold it. */
  name: string;
  /** Stands for the weights: the checkpoint's sha256. */
  fingerprint: string;
  close(): Promise<void>;
}

export interface OpenModelOptions {
  /** A file of weights, or a model's folder. */
  checkpoint: string;
  engine: EngineChoice;
  /** Its config, where the weights don't tell it. */
  model?: string | undefined;
  /** Takes the config that is named where the weights say otherwise. */
  force?: boolean | undefined;
  /** Refuses a model that can't take the texts of CLIP's tokenizer. */
  readsTexts?: boolean;
}

/**
 * Loads a model onto an engine: the one that the weights say they are, in the file or beside it, or the one that is named.
 *
 * @param warn called with what is taken for granted and what may be wrong
 * @throws UserError where there is no checkpoint, "tokenizer_misfit"; CheckpointError, "checkpoint_model_contradicted" where the
 *   named model is not what the weights say
 */
export async function openModel(
  { checkpoint, engine: engineName, model: modelName, force, readsTexts }: OpenModelOptions,
  warn: (line: string) => void,
): Promise<OpenModel> {
  if ((await stat(checkpoint).catch(() => null)) === null)
    throw new UserError("checkpoint_missing", `There is no checkpoint ${checkpoint}`, {
      hint: "`pairloom checkpoints list` shows what is there.",
    });
  const [{ loadEngine }, clip, { createTokenizer }] = await Promise.all([
    import("@pairloom/engine"),
    import("@pairloom/clip"),
    import("@pairloom/tokenizer"),
  ]);
  const read = await clip.readModel(checkpoint, { model: modelName, force });
  const { config, state, configFile } = read;
  if (readsTexts === true) clip.checkTokenizerFit(config);
  tellOfModel(checkpoint, read, warn);
  const fingerprint = await sha256Of(await clip.filesOf(read.file));
  const engine = await loadEngine(engineName, { cacheDir: cacheDir() });
  const parameters = clip.createParameters(config, state);
  return {
    model: { config, parameters, tokenizer: createTokenizer() },
    engine,
    name: modelName ?? configFile ?? checkpoint,
    fingerprint,
    close: async () => {
      clip.disposeParameters(parameters);
      await engine.dispose();
    },
  };
}

/** Tells what of a model is not as the file says it alone. */
export function tellOfModel(
  path: string,
  { assumed, notes, warnings }: Pick<ReadModel, "assumed" | "notes" | "warnings">,
  warn: (line: string) => void,
  note: (line: string) => void = () => {},
): void {
  for (const line of notes) note(`${path}: ${line}`);
  for (const line of warnings) warn(line);
  for (const what of assumed)
    warn(`${path} doesn't tell its whole model: assumed ${what}; --model says otherwise`);
}

async function sha256Of(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) await addFile(hash, path);
  return hash.digest("hex");
}

async function addFile(hash: Hash, path: string): Promise<void> {
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
}
