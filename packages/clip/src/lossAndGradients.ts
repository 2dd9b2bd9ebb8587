import * as tf from "@tensorflow/tfjs";
import { clipLoss, siglipLoss } from "./clipLoss.js";
import { encodeImage, encodeText } from "./encode.js";
import type { ModelConfig } from "./modelConfig.js";
import { normalizeFeatures } from "./ops/normalizeFeatures.js";
import type { BatchStatistics } from "./towers/modifiedResNet.js";

/** What one pass over a batch gives. The caller disposes all of it. */
export interface LossAndGradients {
  readonly loss: tf.Scalar;
  /** One for each trainable variable, shaped as the variable. */
  readonly gradients: Map<string, tf.Tensor>;
  /** New running statistics, to be assigned. */
  readonly batchStatistics: BatchStatistics;
  /** [B, E], normalised. */
  readonly imageFeatures: tf.Tensor2D;
  readonly textFeatures: tf.Tensor2D;
}

/**
 * Both towers in training mode, the loss (CLIP's; SigLIP's if asked for or if the model has a `logit_bias`) and the
 * gradient of every trainable variable.
 *
 * @param images [B, H, W, 3] float32, normalised
 * @param tokens [B, T] int32
 */
export function lossAndGradients(
  parameters: ReadonlyMap<string, tf.Variable>,
  config: ModelConfig,
  images: tf.Tensor4D,
  tokens: tf.Tensor2D,
  options: { loss?: "clip" | "siglip" } = {},
): LossAndGradients {
  const trainable = [...parameters].filter(([, variable]) => variable.trainable);
  const bias = parameters.get("logit_bias") ?? null;
  const kind = options.loss ?? (bias === null ? "clip" : "siglip");
  let batchStatistics: BatchStatistics = new Map();
  let imageFeatures!: tf.Tensor2D;
  let textFeatures!: tf.Tensor2D;
  const forward = (): tf.Scalar => {
    const image = encodeImage(parameters, config, images, { training: true });
    batchStatistics = image.batchStatistics;
    for (const statistic of batchStatistics.values()) tf.keep(statistic);
    imageFeatures = tf.keep(normalizeFeatures(image.features));
    textFeatures = tf.keep(normalizeFeatures(encodeText(parameters, config, tokens)));
    const scale = tf.exp(parameters.get("logit_scale")!);
    return kind === "siglip"
      ? siglipLoss(imageFeatures, textFeatures, scale, bias)
      : clipLoss(imageFeatures, textFeatures, scale);
  };
  const { value: loss, grads } = tf.variableGrads(
    forward,
    trainable.map(([, variable]) => variable),
  );
  const gradients = new Map<string, tf.Tensor>();
  for (const [key, variable] of trainable) gradients.set(key, grads[variable.name] ?? tf.zerosLike(variable));
  return { loss, gradients, batchStatistics, imageFeatures, textFeatures };
}
