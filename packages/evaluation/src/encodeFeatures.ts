import * as tf from "@tensorflow/tfjs";
import {
  checkTokenizerFit,
  encodeImage,
  encodeText,
  imageSize,
  type ModelConfig,
  type Parameters,
} from "@pairloom/clip";
import type { Tokenizer } from "@pairloom/tokenizer";
import { type FeatureTable, normalizeRows } from "./featureTable.js";

/** A model on the engine, with its tokenizer. It owns none of them. */
export interface EvaluatedModel {
  config: ModelConfig;
  parameters: Parameters;
  tokenizer: Tokenizer;
}

/** Normalised features of pictures, [N, S, S, 3] already preprocessed. */
export async function imageFeatures(
  { config, parameters }: EvaluatedModel,
  pixels: Float32Array,
  batchSize = 64,
): Promise<FeatureTable> {
  const [height, width] = imageSize(config.vision_cfg);
  const size = height * width * 3;
  return inBatches(pixels.length / size, config.embed_dim, batchSize, (start, end) => {
    const images = tf.tensor4d(pixels.subarray(start * size, end * size), [end - start, height, width, 3]);
    return encodeImage(parameters, config, images).features;
  });
}

/**
 * Normalised features of texts; those longer than the context are cut.
 * @throws UserError "tokenizer_misfit"
 */
export async function textFeatures(
  model: EvaluatedModel,
  texts: readonly string[],
  batchSize = 64,
): Promise<FeatureTable> {
  checkTokenizerFit(model.config);
  return tokenFeatures(
    model,
    model.tokenizer.tokenize(texts, model.config.text_cfg.context_length),
    batchSize,
  );
}

/** Normalised features of texts that are ids already, [N, T]. */
export async function tokenFeatures(
  { config, parameters }: Pick<EvaluatedModel, "config" | "parameters">,
  ids: Int32Array,
  batchSize = 64,
): Promise<FeatureTable> {
  const length = config.text_cfg.context_length;
  return inBatches(ids.length / length, config.embed_dim, batchSize, (start, end) => {
    const tokens = tf.tensor2d(ids.subarray(start * length, end * length), [end - start, length], "int32");
    return encodeText(parameters, config, tokens);
  });
}

async function inBatches(
  rows: number,
  width: number,
  batchSize: number,
  encode: (start: number, end: number) => tf.Tensor,
): Promise<FeatureTable> {
  const data = new Float32Array(rows * width);
  for (let start = 0; start < rows; start += batchSize) {
    const features = tf.tidy(() => encode(start, Math.min(rows, start + batchSize)));
    data.set(await features.data(), start * width);
    features.dispose();
  }
  return normalizeRows({ rows, width, data });
}
