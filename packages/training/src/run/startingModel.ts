import {
  completedBy,
  initialParameters,
  loadModelConfig,
  type ModelConfig,
  readModel,
  type StateDict,
} from "@pairloom/clip";
import type { TrainSettings } from "../settings/trainSettings.js";
import type { RunRecord } from "./runRecord.js";

/** The model that a training begins with. */
export interface StartingModel {
  readonly config: ModelConfig;
  /** Its weights: to be asked for once, so that nothing holds them afterwards. */
  readonly state: () => Promise<StateDict>;
}

/**
 * The model of a training: the one that the settings name, with the preprocessing of the weights that it starts from; or those
 * weights' own, where `model` is their path.
 *
 * @param before the run that is gone on with: its model is known, and its first weights may be gone
 * @throws CheckpointError "checkpoint_model_contradicted" where the weights are of another model
 */
export async function startingModel(
  { model, initialCheckpoint, seed }: Pick<TrainSettings, "model" | "initialCheckpoint" | "seed">,
  before: Pick<RunRecord, "model"> | null,
  log: (line: string) => void,
): Promise<StartingModel> {
  const isItsOwn = model === initialCheckpoint;
  const read = (path: string) => readModel(path, isItsOwn ? {} : { model });
  if (before !== null) {
    const config = isItsOwn ? before.model : completedBy(await loadModelConfig(model), before.model);
    const again = async () =>
      initialCheckpoint === null ? initialParameters(config, seed) : (await read(initialCheckpoint)).state;
    return { config, state: again };
  }
  if (initialCheckpoint === null) {
    const config = await loadModelConfig(model);
    return { config, state: () => Promise.resolve(initialParameters(config, seed)) };
  }
  const { config, notes, warnings, assumed, ...first } = await read(initialCheckpoint);
  for (const note of notes) log(`${initialCheckpoint}: ${note}`);
  for (const warning of warnings) log(`warning: ${warning}`);
  for (const what of assumed)
    log(`warning: ${initialCheckpoint} doesn't tell its whole model: assumed ${what}`);
  const weights: { state?: StateDict } = first;
  const take = async () => {
    const state = weights.state ?? (await read(initialCheckpoint)).state;
    delete weights.state;
    return state;
  };
  return { config, state: take };
}

/** The config of the model that a training would begin with, before its settings are complete. */
export async function startingConfig(
  model: string,
  initialCheckpoint: string | null,
  before: Pick<RunRecord, "model"> | null,
): Promise<ModelConfig> {
  if (model !== initialCheckpoint) return loadModelConfig(model);
  return before?.model ?? (await readModel(initialCheckpoint)).config;
}
