import { checkTokenizerFit, type ModelConfig } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import { checkEagerOptions, type Engine } from "@pairloom/engine";
import type { TrainSettings } from "./trainSettings.js";

/**
 * Whether a model and an engine can do what the settings ask for; before anything is read, written or allocated.
 *
 * @throws UserError "precision_unsupported", "patch_dropout_unsupported", "tokenizer_misfit"
 */
export function checkAgainst(
  { precision, xla, patchDropout }: Pick<TrainSettings, "precision" | "xla" | "patchDropout">,
  config: Pick<ModelConfig, "vision_cfg" | "text_cfg">,
  engine: Pick<Engine, "name">,
): void {
  // the one engine that compiles
  if (engine.name !== "tensorflow") checkEagerOptions({ precision, xla });
  checkTokenizerFit(config);
  if (patchDropout > 0 && typeof config.vision_cfg.layers !== "number") {
    throw new UserError("patch_dropout_unsupported", "A ResNet has no patches that could be dropped", {
      hint: "Leave `patchDropout` at 0, or choose a vision transformer.",
    });
  }
}
