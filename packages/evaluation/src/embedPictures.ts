import { imageSize, preprocessingOf } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import { type EvaluatedModel, imageFeatures } from "./encodeFeatures.js";
import { checkFinite, type FeatureTable } from "./featureTable.js";
import { preprocessPicture } from "./preprocessPicture.js";

/** Something that has a picture, still encoded. */
export interface WithPicture {
  image: Uint8Array;
}

export interface EmbeddedPictures<T> {
  /** Normalised, one row for each of `kept`. */
  features: FeatureTable;
  /** What is kept of each picture that could be read, in the order they came. */
  kept: T[];
  /** Pictures that could not be decoded. */
  skipped: number;
}

export interface EmbedPicturesOptions<P = WithPicture> {
  batchSize?: number | undefined;
  /** Aborted: throws its reason after the batch under way. */
  signal?: AbortSignal | undefined;
  /** Makes a picture ready, [H, W, 3]; throws where it can't be decoded. By default in this thread and libuv's. */
  preprocess?: ((image: Uint8Array) => Promise<Float32Array>) | undefined;
  /** Told of each picture that could not be decoded. */
  onLost?: ((picture: P, problem: string) => void) | undefined;
}

/** Batches that are decoded while one is computed. */
const batchesAhead = 2;

/**
 * Embeds pictures as they come; in memory are three batches of them, their features, and what `keep` keeps. Batches are
 * cut by the pictures that came, so features don't depend on how fast they were decoded.
 *
 * @throws UserError "features_not_finite"
 */
export async function embedPictures<T, P extends WithPicture>(
  model: EvaluatedModel,
  pictures: AsyncIterable<P>,
  keep: (picture: P) => T,
  options: EmbedPicturesOptions<P> = {},
): Promise<EmbeddedPictures<T>> {
  const { batchSize = 64 } = options;
  const parts: Float32Array[] = [];
  const kept: T[] = [];
  let skipped = 0;
  for await (const { good, lost, features } of embedBatches(model, pictures, { ...options, batchSize })) {
    parts.push(features.data);
    kept.push(...good.map(keep));
    skipped += lost.length;
    for (const { picture, problem } of lost) options.onLost?.(picture, problem);
  }
  const { embed_dim: width } = model.config;
  const data = new Float32Array(kept.length * width);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { features: { rows: kept.length, width, data }, kept, skipped };
}

export interface EmbeddedBatch<P> {
  /** Pictures that could be read, … */
  good: P[];
  /** … and one row for each. */
  features: FeatureTable;
  lost: { picture: P; problem: string }[];
}

/** The same, batch by batch: while one is computed, the next two are decoded. @throws UserError "features_not_finite" */
export async function* embedBatches<P extends WithPicture>(
  model: EvaluatedModel,
  pictures: AsyncIterable<P>,
  { batchSize = 64, signal, preprocess }: EmbedPicturesOptions<P> = {},
): AsyncGenerator<EmbeddedBatch<P>, void> {
  const preprocessing = preprocessingOf(model.config);
  const ready = preprocess ?? ((image: Uint8Array) => preprocessPicture(image, preprocessing));
  const decoded: Promise<DecodedBatch<P>>[] = [];
  let group: P[] = [];
  for await (const picture of pictures) {
    group.push(picture);
    if (group.length < batchSize) continue;
    decoded.push(decodeBatch(group, ready));
    group = [];
    if (decoded.length <= batchesAhead) continue;
    yield await encodeBatch(model, await decoded.shift()!);
    signal?.throwIfAborted();
  }
  if (group.length > 0) decoded.push(decodeBatch(group, ready));
  for (const batch of decoded) {
    signal?.throwIfAborted();
    yield await encodeBatch(model, await batch);
  }
}

interface DecodedBatch<P> {
  good: { picture: P; pixels: Float32Array }[];
  lost: EmbeddedBatch<P>["lost"];
}

function decodeBatch<P extends WithPicture>(
  group: readonly P[],
  preprocess: (image: Uint8Array) => Promise<Float32Array>,
): Promise<DecodedBatch<P>> {
  const batch = Promise.all(
    group.map((picture) =>
      preprocess(picture.image).then(
        (pixels) => ({ picture, pixels }),
        (error: unknown) => {
          // what the whole run fails of is no picture's fault
          if (error instanceof UserError) throw error;
          return { picture, problem: error instanceof Error ? error.message : String(error) };
        },
      ),
    ),
  ).then((all) => ({
    good: all.filter((one) => "pixels" in one),
    lost: all.filter((one) => "problem" in one),
  }));
  // an error belongs to whoever asks for the batch
  batch.catch(() => {});
  return batch;
}

async function encodeBatch<P>(
  model: EvaluatedModel,
  { good, lost }: DecodedBatch<P>,
): Promise<EmbeddedBatch<P>> {
  const [height, width] = imageSize(model.config.vision_cfg);
  const size = height * width * 3;
  const batch = new Float32Array(good.length * size);
  good.forEach(({ pixels }, i) => batch.set(pixels, i * size));
  const features = checkFinite(await imageFeatures(model, batch, Math.max(1, good.length)));
  return { good: good.map(({ picture }) => picture), lost, features };
}
