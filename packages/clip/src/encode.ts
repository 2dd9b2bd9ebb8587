import type * as tf from "@tensorflow/tfjs";
import type { ModelConfig } from "./modelConfig.js";
import { ParameterScope, type Parameters } from "./parameters.js";
import { modifiedResNet, type BatchStatistics } from "./towers/modifiedResNet.js";
import { textTransformer } from "./towers/textTransformer.js";
import { visionTransformer } from "./towers/visionTransformer.js";

export interface ImageEncoding {
  /** [B, E], not normalised. */
  readonly features: tf.Tensor2D;
  /**
   * When training a ResNet: the new `running_mean`, `running_var` and `num_batches_tracked` by state-dict key, for the
   * caller to assign. Empty otherwise.
   */
  readonly batchStatistics: BatchStatistics;
}

/**
 * The image tower. `training` matters to batch normalisation alone: the batch's statistics or the running ones.
 * `recompute` and `keptPatches` ([B, K] int32) matter to vision transformers alone: see `PassOptions`.
 *
 * @param images [B, H, W, 3] float32, normalised by the preprocessing's mean and standard deviation
 */
export function encodeImage(
  parameters: Parameters,
  config: ModelConfig,
  images: tf.Tensor4D,
  options: { training?: boolean; recompute?: boolean; keptPatches?: tf.Tensor2D } = {},
): ImageEncoding {
  const visual = new ParameterScope(parameters, "visual.");
  const batchStatistics: BatchStatistics = new Map();
  if (typeof config.vision_cfg.layers === "number") {
    const features = visionTransformer(visual, config.vision_cfg, config.quick_gelu, images, options);
    return { features, batchStatistics };
  }
  const pass = { training: options.training ?? false, statistics: batchStatistics };
  return { features: modifiedResNet(visual, config.vision_cfg, images, pass), batchStatistics };
}

/**
 * The text tower.
 *
 * @param tokens [B, T] int32, as the tokenizer gives them
 * @returns [B, E], not normalised
 */
export function encodeText(
  parameters: Parameters,
  config: ModelConfig,
  tokens: tf.Tensor2D,
  options: { recompute?: boolean } = {},
): tf.Tensor2D {
  const root = new ParameterScope(parameters, config.custom_text === true ? "text." : "");
  return textTransformer(root, config.text_cfg, config.quick_gelu, tokens, options);
}
