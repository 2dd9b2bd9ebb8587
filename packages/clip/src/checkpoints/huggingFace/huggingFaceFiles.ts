import { vocabularySize } from "@pairloom/tokenizer";
import { clipDeviation, clipMean } from "../../images/preprocess.js";
import type { ModelConfig } from "../../modelConfig.js";
import { safetensorsParts } from "../safetensors.js";
import type { StateDict } from "../stateDict.js";
import { huggingFaceConfig } from "./huggingFaceConfig.js";
import { toHuggingFaceTensors } from "./huggingFaceTensors.js";
import { tokenizerFiles } from "./tokenizerFiles.js";

/**
 * The files of a folder that transformers' `CLIPModel.from_pretrained` and `CLIPProcessor.from_pretrained` load without
 * a network, by name, each in pieces.
 *
 * @throws CheckpointError "checkpoint_layout_unsupported" where a CLIPModel can't be this model
 */
export function huggingFaceFiles(state: StateDict, config: ModelConfig): Map<string, Iterable<Uint8Array>> {
  const texts = new Map([["config.json", json(huggingFaceConfig(config))], ...inputFiles(config)]);
  const files = new Map<string, Iterable<Uint8Array>>(
    [...texts].map(([name, text]) => [name, [Buffer.from(text)]]),
  );
  return files.set("model.safetensors", safetensorsParts(toHuggingFaceTensors(state), { format: "pt" }));
}

/** The files that turn pictures and texts into a model's inputs; for texts only where the vocabulary is CLIP's. */
export function inputFiles(config: ModelConfig): Map<string, string> {
  const files = new Map([["preprocessor_config.json", json(imageProcessor(config))]]);
  const { vocab_size: size, context_length: length } = config.text_cfg;
  return size === vocabularySize ? new Map([...files, ...tokenizerFiles(length)]) : files;
}

/** CLIPImageProcessor's settings: the shorter side resized, the centre cut out. */
function imageProcessor({ vision_cfg: vision }: ModelConfig): object {
  const side = vision.image_size;
  const [height, width] = typeof side === "number" ? [side, side] : side;
  return {
    image_processor_type: "CLIPImageProcessor",
    processor_class: "CLIPProcessor",
    do_convert_rgb: true,
    do_resize: true,
    size: typeof side === "number" ? { shortest_edge: side } : { height, width },
    resample: 3,
    do_center_crop: true,
    crop_size: { height, width },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: clipMean,
    image_std: clipDeviation,
  };
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
