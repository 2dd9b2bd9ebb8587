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
  if ("model_cfg" in value) return parseModelConfig(value.model_cfg, name);
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
