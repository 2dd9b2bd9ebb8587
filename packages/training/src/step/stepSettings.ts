import { type LossKind, lossKindOf } from "@pairloom/clip";
import type { TrainSettings } from "../settings/trainSettings.js";

/** A training's settings as its step needs them: what was left to the model is settled. */
export type StepSettings = TrainSettings & { loss: LossKind };

/** The loss that was asked for, else the model's own. @param parameters the model's, by key */
export function stepSettings(
  settings: TrainSettings,
  parameters: ReadonlyMap<string, unknown>,
): StepSettings {
  return { ...settings, loss: settings.loss ?? lossKindOf(parameters) };
}
