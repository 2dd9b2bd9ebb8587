import type { ModelConfig } from "../modelConfig.js";
import { clipPreprocessConfig, writtenPreprocess } from "../preprocessConfig.js";
import { huggingFaceFiles } from "./huggingFace/huggingFaceFiles.js";
import { onnxFiles } from "./onnx/onnxFiles.js";
import { openClipFiles, openClipModelConfig } from "./openClipFolder.js";
import { pyTorchParts } from "./pytorch/writePyTorch.js";
import { configMetadataKey, preprocessMetadataKey } from "./modelOrigin.js";
import { safetensorsParts } from "./safetensors.js";
import type { StateDict } from "./stateDict.js";

/** A folder's files by name, or one file; each in pieces. */
export type ExportedModel =
  | { readonly kind: "file"; readonly parts: Iterable<Uint8Array> }
  | { readonly kind: "folder"; readonly files: ReadonlyMap<string, Iterable<Uint8Array>> };

/** The forms in which a model is handed out, and what each is. */
export const exportFormats = {
  openclip: "a folder for open_clip's local-dir:",
  hf: "a folder for transformers' CLIPModel",
  onnx: "a folder of the two towers for onnxruntime",
  safetensors: "one file in open_clip's layout",
  pt: "one file of torch.save's form",
} as const;

export type ExportFormat = keyof typeof exportFormats;

/**
 * A model in a form that other programs take. Pieces are made as they are asked for.
 *
 * @param state checked against the config (`checkStateDict`)
 * @throws CheckpointError "checkpoint_layout_unsupported" where the form has no place for the model
 */
export function exportModel(format: ExportFormat, state: StateDict, config: ModelConfig): ExportedModel {
  switch (format) {
    case "openclip":
      return { kind: "folder", files: openClipFiles(state, config) };
    case "hf":
      return { kind: "folder", files: huggingFaceFiles(state, config) };
    case "onnx":
      return { kind: "folder", files: onnxFiles(state, config) };
    case "safetensors":
      return { kind: "file", parts: safetensorsParts(state, modelMetadata(config)) };
    case "pt":
      return { kind: "file", parts: pyTorchParts(state, modelMetadata(config)) };
  }
}

/** What our files say of themselves: that PyTorch can read them, their model, and how its images are made. */
export function modelMetadata(config: ModelConfig): Record<string, string> {
  return {
    format: "pt",
    [configMetadataKey]: JSON.stringify(openClipModelConfig(config)),
    [preprocessMetadataKey]: JSON.stringify(writtenPreprocess(config.preprocess_cfg ?? clipPreprocessConfig)),
  };
}
