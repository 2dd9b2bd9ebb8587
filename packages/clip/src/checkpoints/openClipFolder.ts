import { clipDeviation, clipMean } from "../images/preprocess.js";
import type { ModelConfig } from "../modelConfig.js";
import { safetensorsParts } from "./safetensors.js";
import type { StateDict } from "./stateDict.js";

/** The names that open_clip's `local-dir:` looks for. */
export const openClipConfigName = "open_clip_config.json";
export const openClipWeightsName = "open_clip_model.safetensors";

/** The fields of a text tower's config that name another tokenizer than CLIP's, which our models all have. */
const ofOtherTokenizers: ReadonlySet<string> = new Set([
  "hf_tokenizer_name",
  "tokenizer_mode",
  "tokenizer_kwargs",
]);

/** The files of a folder that open_clip's `create_model_and_transforms("local-dir:…")` loads, each in pieces. */
export function openClipFiles(state: StateDict, config: ModelConfig): Map<string, Iterable<Uint8Array>> {
  const described = {
    model_cfg: openClipModelConfig(config),
    preprocess_cfg: { mean: clipMean, std: clipDeviation, interpolation: "bicubic", resize_mode: "shortest" },
  };
  return new Map<string, Iterable<Uint8Array>>([
    [openClipConfigName, [Buffer.from(`${JSON.stringify(described, null, 2)}\n`)]],
    [openClipWeightsName, safetensorsParts(state, { format: "pt" })],
  ]);
}

/** A config as open_clip takes one: what is null or names another tokenizer is left out. */
export function openClipModelConfig(config: ModelConfig): object {
  const said = (part: object): object =>
    Object.fromEntries(
      Object.entries(part).filter(
        ([name, value]) => value !== null && value !== undefined && !ofOtherTokenizers.has(name),
      ),
    );
  return { ...said(config), vision_cfg: said(config.vision_cfg), text_cfg: said(config.text_cfg) };
}
