import { isDeepStrictEqual } from "node:util";
import type { ModelConfig } from "../modelConfig.js";
import { clipPreprocessConfig, writtenPreprocess } from "../preprocessConfig.js";
import { CheckpointError } from "./checkpointError.js";
import { safetensorsParts } from "./safetensors.js";
import type { StateDict } from "./stateDict.js";

/** The names that open_clip's `local-dir:` looks for. */
export const openClipConfigName = "open_clip_config.json";
export const openClipWeightsName = "open_clip_model.safetensors";

/**
 * The files of a folder that open_clip's `create_model_and_transforms("local-dir:…")` loads, each in pieces.
 *
 * @throws CheckpointError "checkpoint_layout_unsupported" where open_clip can't make images as the model says
 */
export function openClipFiles(state: StateDict, config: ModelConfig): Map<string, Iterable<Uint8Array>> {
  const preprocess_cfg = config.preprocess_cfg ?? clipPreprocessConfig;
  if (!["bicubic", "bilinear", "random"].includes(preprocess_cfg.interpolation)) {
    throw new CheckpointError(
      "checkpoint_layout_unsupported",
      `open_clip knows no interpolation ${JSON.stringify(preprocess_cfg.interpolation)}, by which this model's images are resized`,
      { hint: "Export it with --format hf or onnx instead." },
    );
  }
  const described = {
    model_cfg: openClipModelConfig(config),
    preprocess_cfg: writtenPreprocess(preprocess_cfg),
  };
  return new Map<string, Iterable<Uint8Array>>([
    [openClipConfigName, [Buffer.from(`${JSON.stringify(described, null, 2)}\n`)]],
    [openClipWeightsName, safetensorsParts(state, { format: "pt" })],
  ]);
}

/** A config as open_clip takes one: what is null is left out, and what it keeps beside it. */
export function openClipModelConfig({ preprocess_cfg: _, ...config }: ModelConfig): object {
  const said = (part: object): object =>
    Object.fromEntries(Object.entries(part).filter(([, value]) => value !== null && value !== undefined));
  return { ...said(config), vision_cfg: said(config.vision_cfg), text_cfg: said(config.text_cfg) };
}

/**
 * A model's config as a file of its own: open_clip's model config, or, where its images are made otherwise than CLIP's, that and
 * `preprocess_cfg` beside it as in open_clip's folders.
 */
export function describeModel({ preprocess_cfg, ...model }: ModelConfig): object {
  const isUsual = preprocess_cfg === undefined || isDeepStrictEqual(preprocess_cfg, clipPreprocessConfig);
  return isUsual ? model : { model_cfg: model, preprocess_cfg: writtenPreprocess(preprocess_cfg) };
}
