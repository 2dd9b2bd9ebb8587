import * as tf from "@tensorflow/tfjs";
import { visionHeads, type VisionConfig } from "../modelConfig.js";
import { attention } from "../ops/attention.js";
import { batchNorm, columnMoments, frozenBatchNorm, movedStatistics } from "../ops/batchNorm.js";
import { linear } from "../ops/linear.js";
import { relu } from "../ops/relu.js";
import type { ParameterScope } from "../parameters.js";

/** New running statistics by state-dict key, to be assigned after a training step. */
export type BatchStatistics = Map<string, tf.Tensor>;

/** What each layer needs beside its input: the mode, and where new statistics go. */
interface Pass {
  readonly training: boolean;
  readonly statistics: BatchStatistics;
}

/**
 * CLIP's ResNet: a three-convolution stem, average pools in place of strides, attention in place of the last pool.
 *
 * @param images [B, H, W, 3], normalised
 * @param statistics gets the new running statistics when training
 * @returns [B, E], not normalised
 */
export function modifiedResNet(
  visual: ParameterScope,
  vision: VisionConfig,
  images: tf.Tensor4D,
  pass: Pass,
): tf.Tensor2D {
  // PyTorch pads both sides by one; "same" at stride 2 would pad one side only
  const padded = tf.pad(images, [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ]);
  let x: tf.Tensor4D = tf.conv2d(padded, visual.get("conv1.weight") as tf.Tensor4D, 2, "valid");
  x = rectified(visual, "bn1", x, pass);
  x = rectified(visual, "bn2", convolution(visual, "conv2", x), pass);
  x = rectified(visual, "bn3", convolution(visual, "conv3", x), pass);
  x = tf.avgPool(x, 2, 2, "valid");
  (vision.layers as readonly number[]).forEach((blocks, stage) => {
    for (let index = 0; index < blocks; index++) {
      const stride = stage > 0 && index === 0 ? 2 : 1;
      x = bottleneck(visual.in(`layer${stage + 1}`).in(String(index)), x, stride, pass);
    }
  });
  return attentionPool(visual.in("attnpool"), x, visionHeads(vision));
}

function bottleneck(block: ParameterScope, x: tf.Tensor4D, stride: number, pass: Pass): tf.Tensor4D {
  const pool = (input: tf.Tensor4D): tf.Tensor4D =>
    stride === 1 ? input : tf.avgPool(input, stride, stride, "valid");
  let out = rectified(block, "bn1", convolution(block, "conv1", x), pass);
  out = pool(rectified(block, "bn2", convolution(block, "conv2", out), pass));
  out = norm(block, "bn3", convolution(block, "conv3", out), pass);
  const identity = block.has("downsample.0.weight")
    ? norm(block, "downsample.1", convolution(block, "downsample.0", pool(x)), pass)
    : x;
  return relu(tf.add(out, identity));
}

/** A convolution of stride 1 that keeps the size; one of side 1 is a matrix product. x [B, H, W, I] → [B, H, W, O]. */
function convolution(scope: ParameterScope, name: string, x: tf.Tensor4D): tf.Tensor4D {
  const kernel = scope.get(`${name}.weight`) as tf.Tensor4D;
  const [batch, height, width, inputs] = x.shape;
  const [side, , , outputs] = kernel.shape;
  if (side !== 1) return tf.conv2d(x, kernel, 1, "same");
  const rows = tf.reshape(x, [batch * height * width, inputs]);
  const product = tf.matMul(rows, tf.reshape(kernel, [inputs, outputs]));
  return tf.reshape(product, [batch, height, width, outputs]);
}

/** Normalised, and what is below zero is zero. */
function rectified(scope: ParameterScope, name: string, x: tf.Tensor4D, pass: Pass): tf.Tensor4D {
  return norm(scope, name, x, pass, true);
}

function norm(
  scope: ParameterScope,
  name: string,
  x: tf.Tensor4D,
  pass: Pass,
  isRectified = false,
): tf.Tensor4D {
  const at = scope.in(name);
  const rows = tf.reshape(x, [-1, x.shape[3]]);
  const running = { mean: at.get("running_mean"), variance: at.get("running_var") };
  const weight = at.get("weight");
  const bias = at.get("bias");
  if (!pass.training) {
    const frozen = frozenBatchNorm(rows, weight, bias, running);
    return tf.reshape(isRectified ? relu(frozen) : frozen, x.shape);
  }
  if (rows.shape[0] < 2) {
    throw new RangeError(
      `Expected 2 values a channel or more to train batch normalisation \`${at.key("weight")}\` on, got 1; use larger batches or pictures`,
    );
  }
  const moments = columnMoments(rows);
  const moved = movedStatistics(running, moments, rows.shape[0]);
  const tracked = tf.add(at.get("num_batches_tracked"), tf.scalar(1, "int32"));
  pass.statistics.set(at.key("running_mean"), moved.mean);
  pass.statistics.set(at.key("running_var"), moved.variance);
  pass.statistics.set(at.key("num_batches_tracked"), tracked);
  return tf.reshape(batchNorm(rows, weight, bias, moments, { rectified: isRectified }), x.shape);
}

/**
 * Attention with the mean of all places as the only query.
 *
 * @param x [B, h, w, C]
 * @returns [B, E]
 */
function attentionPool(pool: ParameterScope, x: tf.Tensor4D, heads: number): tf.Tensor2D {
  const [batch, height, width, channels] = x.shape;
  const depth = channels / heads;
  const places = tf.reshape(x, [batch, height * width, channels]);
  const sequence = tf.concat([tf.mean(places, 1, true), places], 1);
  const placed = tf.add(sequence, pool.get("positional_embedding"));
  const tokens = height * width + 1;
  const flat = tf.reshape(placed, [batch * tokens, channels]);
  const first = tf.reshape(tf.slice(placed, [0, 0, 0], [batch, 1, channels]), [batch, channels]);
  const project = (input: tf.Tensor, name: string): tf.Tensor2D =>
    linear(input, pool.get(`${name}.weight`), pool.get(`${name}.bias`));
  const q = tf.reshape(project(first, "q_proj"), [batch * heads, 1, depth]);
  const [k, v] = ["k_proj", "v_proj"].map((name) => {
    const split = tf.reshape(project(flat, name), [batch, tokens, heads, depth]);
    return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [batch * heads, tokens, depth]);
  }) as [tf.Tensor, tf.Tensor];
  return project(tf.reshape(attention(q, k, v), [batch, channels]), "c_proj");
}
