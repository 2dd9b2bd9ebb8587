import type { RandomNumbers } from "../randomNumbers.js";
import type { PixelBox } from "./rawImage.js";

/**
 * How training images are cropped before they are resized to the model's size:
 * - `square`: the largest square, at a random place: the CLIP paper's only augmentation
 * - `resized`: a part of random area and shape: open_clip's RandomResizedCrop
 * - `center`: the largest square in the middle: none
 */
export type TrainingCrop =
  | { readonly kind: "square" }
  | {
      readonly kind: "resized";
      /** Share of the area; default [0.9, 1], as open_clip. */
      readonly scale?: readonly [number, number];
      /** Width through height; default [3/4, 4/3]. */
      readonly ratio?: readonly [number, number];
    }
  | { readonly kind: "center" };

/** Chooses the part of an image that is trained on. The same random stream chooses the same part. */
export function trainingCrop(
  image: { readonly width: number; readonly height: number },
  crop: TrainingCrop,
  random: RandomNumbers,
): PixelBox {
  const { width, height } = image;
  const side = Math.min(width, height);
  switch (crop.kind) {
    case "square":
      return {
        left: random.integer(0, width - side + 1),
        top: random.integer(0, height - side + 1),
        width: side,
        height: side,
      };
    case "center":
      return {
        left: Math.floor((width - side) / 2),
        top: Math.floor((height - side) / 2),
        width: side,
        height: side,
      };
    case "resized":
      return resizedCrop(width, height, crop.scale ?? [0.9, 1], crop.ratio ?? [3 / 4, 4 / 3], random);
  }
}

/** torchvision's way: ten tries, then the largest allowed part in the middle. */
function resizedCrop(
  width: number,
  height: number,
  scale: readonly [number, number],
  ratio: readonly [number, number],
  random: RandomNumbers,
): PixelBox {
  const [low, high] = [Math.log(ratio[0]), Math.log(ratio[1])];
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * (scale[0] + random.uniform() * (scale[1] - scale[0]));
    const shape = Math.exp(low + random.uniform() * (high - low));
    const wide = Math.round(Math.sqrt(area * shape));
    const tall = Math.round(Math.sqrt(area / shape));
    if (wide < 1 || tall < 1 || wide > width || tall > height) continue;
    const top = random.integer(0, height - tall + 1);
    return { left: random.integer(0, width - wide + 1), top, width: wide, height: tall };
  }
  const shape = width / height;
  const wide = shape > ratio[1] ? Math.round(height * ratio[1]) : width;
  const tall = shape < ratio[0] ? Math.round(width / ratio[0]) : height;
  return {
    left: Math.floor((width - wide) / 2),
    top: Math.floor((height - tall) / 2),
    width: wide,
    height: tall,
  };
}
