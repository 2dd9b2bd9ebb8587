import type { DecodedPicture } from "./decodedPicture.js";

export interface Crop {
  /** Left upper corner as shares of what is left over: 0.5 and 0.5 cut out of the middle. */
  x: number;
  y: number;
  /** Values (0 to 1) are multiplied by `gain`, then `lift` is added; they may leave 0 to 1. */
  gain: number;
  lift: number;
}

/** What a model takes from pixels' values (0 to 1), and divides them by, a channel each. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

export const centreCrop: Crop = { x: 0.5, y: 0.5, gain: 1, lift: 0 };

/**
 * Cuts a square of `side` pixels out of a picture, normalises it and writes it to `target` at `at`: [side, side, 3] floats.
 */
export function cropPicture(
  { data, width, height }: DecodedPicture,
  side: number,
  { x, y, gain, lift }: Crop,
  { mean, deviation }: Normalization,
  target: Float32Array,
  at: number,
): void {
  const left = Math.round(x * (width - side));
  const top = Math.round(y * (height - side));
  const scale = deviation.map((spread) => gain / 255 / spread) as [number, number, number];
  const shift = deviation.map((spread, c) => (lift - (mean[c] as number)) / spread) as [
    number,
    number,
    number,
  ];
  for (let row = 0; row < side; row++) {
    let from = ((top + row) * width + left) * 3;
    for (let column = 0; column < side; column++) {
      target[at] = (data[from] as number) * scale[0] + shift[0];
      target[at + 1] = (data[from + 1] as number) * scale[1] + shift[1];
      target[at + 2] = (data[from + 2] as number) * scale[2] + shift[2];
      at += 3;
      from += 3;
    }
  }
}
