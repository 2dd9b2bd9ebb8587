import * as tf from "@tensorflow/tfjs";
import { clipLoss, siglipLoss } from "./clipLoss.js";
import { encodeImage, encodeText } from "./encode.js";
import type { ModelConfig } from "./modelConfig.js";
import { normalizeFeatures } from "./ops/normalizeFeatures.js";
import type { BatchStatistics } from "./towers/modifiedResNet.js";

/** Which loss: CLIP's softmax over the batch, or SigLIP's sigmoid of every pair. */
export type LossKind = "clip" | "siglip";

/** How the towers run in a training step. */
export interface PassOptions {
  /** [B, K] int32: for each image, the patches that a vision transformer sees; all of them where it is left out. */
  keptPatches?: tf.Tensor2D;
  /** The image tower is not trained: batch normalisation by its running statistics, which stay. */
  imageLocked?: boolean;
  /** Transformer blocks keep only their inputs and are computed again for the gradient. */
  recompute?: boolean;
}

/** A batch: images [B, H, W, 3] float32, normalised; tokens [B, T] int32. */
export interface PairBatch {
  images: tf.Tensor4D;
  tokens: tf.Tensor2D;
}

/** Both towers' features, [B, E], normalised, and the image tower's new running statistics. */
export interface EncodedPairs {
  imageFeatures: tf.Tensor2D;
  textFeatures: tf.Tensor2D;
  batchStatistics: BatchStatistics;
}

/** What one pass over a batch gives. The caller disposes all of it. */
export interface LossAndGradients extends EncodedPairs {
  readonly loss: tf.Scalar;
  /** One for each trainable variable, shaped as the variable. */
  readonly gradients: Map<string, tf.Tensor>;
}

/** Both towers in training mode. */
export function encodePairs(
  parameters: ReadonlyMap<string, tf.Tensor>,
  config: ModelConfig,
  { images, tokens }: PairBatch,
  { keptPatches, imageLocked = false, recompute = false }: PassOptions = {},
): EncodedPairs {
  const image = encodeImage(parameters, config, images, {
    training: !imageLocked,
    recompute,
    ...(keptPatches === undefined ? {} : { keptPatches }),
  });
  return {
    imageFeatures: normalizeFeatures(image.features),
    textFeatures: normalizeFeatures(encodeText(parameters, config, tokens, { recompute })),
    batchStatistics: image.batchStatistics,
  };
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
  options: PassOptions & { loss?: LossKind } = {},
): LossAndGradients {
  const bias = parameters.get("logit_bias") ?? null;
  const kind = options.loss ?? lossKindOf(parameters);
  const { value: loss, ...pass } = passAndGradients(parameters, (keep) => {
    const encoded = keep(encodePairs(parameters, config, { images, tokens }, options));
    const { imageFeatures, textFeatures } = encoded;
    const scale = tf.exp(parameters.get("logit_scale")!);
    return kind === "siglip"
      ? siglipLoss(imageFeatures, textFeatures, scale, bias)
      : clipLoss(imageFeatures, textFeatures, scale);
  });
  return { loss, ...pass };
}

/**
 * The gradient of every trainable variable, where the loss's slopes at the features are known already: the second pass
 * over a part of a batch whose loss was taken over the whole (Gao et al. 2021, GradCache).
 *
 * @param slopes of the loss by the normalised features of these pairs, [B, E] each
 */
export function gradientsFromSlopes(
  parameters: ReadonlyMap<string, tf.Variable>,
  config: ModelConfig,
  pairs: PairBatch,
  slopes: { image: tf.Tensor2D; text: tf.Tensor2D },
  options: PassOptions = {},
): Omit<LossAndGradients, "loss"> {
  const { value, ...pass } = passAndGradients(parameters, (keep) => {
    const { imageFeatures, textFeatures } = keep(encodePairs(parameters, config, pairs, options));
    // its gradient by the features is the slopes
    const along: tf.Scalar = tf.add(
      tf.sum(tf.mul(imageFeatures, slopes.image)),
      tf.sum(tf.mul(textFeatures, slopes.text)),
    );
    return along;
  });
  value.dispose();
  return pass;
}

/** SigLIP's for models that have a `logit_bias`, else CLIP's. */
export function lossKindOf(parameters: ReadonlyMap<string, unknown>): LossKind {
  return parameters.has("logit_bias") ? "siglip" : "clip";
}

function passAndGradients(
  parameters: ReadonlyMap<string, tf.Variable>,
  forward: (keep: (encoded: EncodedPairs) => EncodedPairs) => tf.Scalar,
): EncodedPairs & { value: tf.Scalar; gradients: Map<string, tf.Tensor> } {
  const trainable = [...parameters].filter(([, variable]) => variable.trainable);
  let encoded!: EncodedPairs;
  const keep = (given: EncodedPairs): EncodedPairs => {
    encoded = given;
    for (const tensor of [given.imageFeatures, given.textFeatures, ...given.batchStatistics.values()])
      tf.keep(tensor);
    return given;
  };
  const { value, grads } = tf.variableGrads(
    () => forward(keep),
    trainable.map(([, variable]) => variable),
  );
  const gradients = new Map<string, tf.Tensor>();
  for (const [key, variable] of trainable) gradients.set(key, grads[variable.name] ?? tf.zerosLike(variable));
  return { value, ...encoded, gradients };
}
