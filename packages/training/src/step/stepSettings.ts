import { type LossKind, lossKindOf } from "@pairloom/clip";
import type { TrainSettings } from "../settings/trainSettings.js";
import { lossLimit } from "./lossLimit.js";
import type { StepVariables } from "./stepVariables.js";

/** A training's settings as its step needs them: what was left to the model is settled. */
export type StepSettings = TrainSettings & {
  loss: LossKind;
  /** Beyond it the loss has exploded: the step is refused. */
  mostLoss: number;
};

/** The loss that was asked for, else the model's own; and its limit. */
export function stepSettings(
  settings: TrainSettings,
  { parameters, logitsAtStart }: Pick<StepVariables, "parameters" | "logitsAtStart">,
): StepSettings {
  const { batchSize, maxLogitScale } = settings;
  const loss = settings.loss ?? lossKindOf(parameters);
  const start = { ...logitsAtStart, scale: Math.min(logitsAtStart.scale, maxLogitScale) };
  return { ...settings, loss, mostLoss: lossLimit(loss, batchSize, start) };
}
