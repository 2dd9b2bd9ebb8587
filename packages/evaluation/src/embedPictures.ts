import { imageSize } from "@pairloom/clip";
import { type EvaluatedModel, imageFeatures } from "./encodeFeatures.js";
import type { FeatureTable } from "./featureTable.js";
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

/**
 * Embeds pictures as they come; in memory are one batch of them, their features, and what `keep` keeps.
 *
 * @param options.signal aborted: throws its reason after the batch under way
 */
export async function embedPictures<T, P extends WithPicture>(
  model: EvaluatedModel,
  pictures: AsyncIterable<P>,
  keep: (picture: P) => T,
  { batchSize = 64, signal }: { batchSize?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<EmbeddedPictures<T>> {
  const [side] = imageSize(model.config.vision_cfg);
  const size = side * side * 3;
  const parts: Float32Array[] = [];
  const kept: T[] = [];
  let skipped = 0;
  let group: P[] = [];
  const flush = async () => {
    const decoded = await Promise.all(
      group.map(({ image }) => preprocessPicture(image, side).catch(() => null)),
    );
    const good = group.filter((_, i) => decoded[i] !== null);
    skipped += group.length - good.length;
    group = [];
    if (good.length === 0) return;
    const batch = new Float32Array(good.length * size);
    decoded.filter((picture) => picture !== null).forEach((picture, i) => batch.set(picture, i * size));
    parts.push((await imageFeatures(model, batch, batchSize)).data);
    kept.push(...good.map(keep));
  };
  for await (const picture of pictures) {
    group.push(picture);
    if (group.length < batchSize) continue;
    await flush();
    signal?.throwIfAborted();
  }
  await flush();
  const { embed_dim: width } = model.config;
  const data = new Float32Array(kept.length * width);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { features: { rows: kept.length, width, data }, kept, skipped };
}
