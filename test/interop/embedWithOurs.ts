import {
  createParameters,
  disposeParameters,
  encodeImage,
  encodeText,
  type HostTensor,
  type ModelConfig,
  readSafetensorsFile,
  type StateDict,
} from "@pairloom/clip";
import * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";

/** What our own towers make of images [B, 3, H, W] and ids [B, T], on the current engine. */
export async function embedWithOurs(
  config: ModelConfig,
  state: StateDict,
  images: HostTensor,
  ids: HostTensor,
): Promise<{ image: Float32Array; text: Float32Array }> {
  const parameters = createParameters(config, state);
  const [image, text] = tf.tidy((): [tf.Tensor2D, tf.Tensor2D] => {
    const pixels = tf.tensor4d(images.data as Float32Array, images.shape as [number, number, number, number]);
    const rows = Int32Array.from(ids.data as ArrayLike<number | bigint>, Number);
    const tokens = tf.tensor2d(rows, ids.shape as [number, number], "int32");
    return [
      encodeImage(parameters, config, tf.transpose(pixels, [0, 2, 3, 1])).features,
      encodeText(parameters, config, tokens),
    ];
  });
  try {
    return { image: (await image.data()) as Float32Array, text: (await text.data()) as Float32Array };
  } finally {
    tf.dispose([image, text]);
    disposeParameters(parameters);
  }
}

/** How near two tables of embeddings are: the least cosine of two rows, and the largest difference of two numbers. */
export function nearness(
  ours: ArrayLike<number>,
  theirs: ArrayLike<number>,
  width: number,
): { cosine: number; difference: number } {
  expect(ours.length).toBe(theirs.length);
  expect(ours.length).toBeGreaterThan(0);
  let cosine = 1;
  let difference = 0;
  for (let row = 0; row < ours.length; row += width) {
    let [dot, a, b] = [0, 0, 0];
    for (let i = row; i < row + width; i++) {
      dot += ours[i]! * theirs[i]!;
      a += ours[i]! ** 2;
      b += theirs[i]! ** 2;
      difference = Math.max(difference, Math.abs(ours[i]! - theirs[i]!));
    }
    cosine = Math.min(cosine, dot / Math.sqrt(a * b));
  }
  return { cosine, difference };
}

/** Says that embeddings of a file are ours, and by how much they aren't where `PAIRLOOM_SHOW` is set. */
export async function expectOurs(
  file: string,
  ours: { image: Float32Array; text: Float32Array },
  config: ModelConfig,
  { prefix = "", least = 0.99999 } = {},
): Promise<void> {
  const theirs = await readSafetensorsFile(file);
  for (const tower of ["image", "text"] as const) {
    const found = nearness(ours[tower], theirs.get(prefix + tower)!.data as Float32Array, config.embed_dim);
    if (process.env["PAIRLOOM_SHOW"] !== undefined) console.log(file, prefix + tower, found);
    expect(found.cosine, `${file}: ${prefix}${tower}`).toBeGreaterThanOrEqual(least);
  }
}
