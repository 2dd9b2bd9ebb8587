import { isObject } from "@pairloom/config/isObject";
import type { ModelConfig } from "../modelConfig.js";
import { ModelConfigError, parseModelConfig } from "../parseModelConfig.js";
import { fromHuggingFaceConfig } from "./huggingFace/fromHuggingFaceConfig.js";

/**
 * A model's config from the JSON that open_clip or transformers writes beside weights; null where it is neither's.
 *
 * @param name for messages only
 * @throws ModelConfigError
 */
export function describedModel(value: unknown, name: string): ModelConfig | null {
  if (typeof value !== "object" || value === null) return null;
  if ("model_cfg" in value) {
    const { model_cfg: model } = value;
    const input = "preprocess_cfg" in value ? value.preprocess_cfg : undefined;
    // beside the model is where open_clip has it
    return parseModelConfig(
      isObject(model) && isObject(input) ? { ...model, preprocess_cfg: input } : model,
      name,
    );
  }
  if ("text_config" in value || "vision_config" in value || "text_config_dict" in value)
    return fromHuggingFaceConfig(value, name);
  if ("model_type" in value)
    throw new ModelConfigError(
      "model_type",
      `a model of transformers that is no CLIP (${JSON.stringify(value.model_type)})`,
      name,
    );
  return null;
}

/** Whether the JSON describes a model of transformers, whose inputs other files describe. */
export function isHuggingFace(value: unknown): boolean {
  return isObject(value) && !("model_cfg" in value) && "model_type" in value;
}
