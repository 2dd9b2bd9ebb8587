import { vocabularySize } from "@pairloom/tokenizer";
import type { ModelConfig } from "../../modelConfig.js";
import { hasForeignTokenizer } from "../../tokenizerFit.js";
import { safetensorsParts } from "../safetensors.js";
import type { StateDict } from "../stateDict.js";
import { huggingFaceConfig } from "./huggingFaceConfig.js";
import { toHuggingFaceTensors } from "./huggingFaceTensors.js";
import { imageProcessor, processorProblem } from "./imageProcessor.js";
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

/**
 * The files that turn pictures and texts into a model's inputs: for pictures where transformers can do as the model says, for
 * texts where the model was made for CLIP's tokenizer and vocabulary.
 */
export function inputFiles(config: ModelConfig): Map<string, string> {
  const files = new Map<string, string>();
  if (processorProblem(config) === null) files.set("preprocessor_config.json", json(imageProcessor(config)));
  const { vocab_size: size, context_length: length } = config.text_cfg;
  const isClips = size === vocabularySize && !hasForeignTokenizer(config.text_cfg);
  return isClips ? new Map([...files, ...tokenizerFiles(length)]) : files;
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
