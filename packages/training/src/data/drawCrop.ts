import { cropImage, type RandomNumbers, resizeImage, trainingCrop } from "@pairloom/clip/images";
import { centreCrop, type Crop, cropPicture, type Normalization } from "./cropPicture.js";
import type { DecodedPicture } from "./decodedPicture.js";

/** How a picture becomes the model's square; drawn anew each time it is seen. */
export interface CropSettings {
  /**
   * - `square`: a random square of the model's size out of the picture, whose shorter side is that size plus `cropMargin`
   *   (with 0 the CLIP paper's random square crop)
   * - `resized`: a part of random area and shape, resized to the square: open_clip's RandomResizedCrop
   */
  crop: "square" | "resized";
  cropMargin: number;
  /** Least share of the picture's area that `resized` takes. */
  cropMinArea: number;
  /** Values are scaled and shifted by up to this share of the full range. */
  brightness: number;
}

/** Width through height of the parts that `resized` takes: open_clip's defaults. */
const ratio = [3 / 4, 4 / 3] as const;

/** Shorter side that pictures are decoded to: `resized` enlarges no part of a square picture that is as large. */
export function decodedSide({ crop, cropMargin, cropMinArea }: CropSettings, side: number): number {
  return crop === "square" ? side + cropMargin : Math.ceil(side / Math.sqrt(cropMinArea * ratio[0]));
}

/**
 * Cuts a random part out of a picture and writes it to `target` at `at`, normalised as the model wants it: [side, side, 3]. Parts
 * are resized by a bicubic filter whatever the model's own is, as open_clip does in training.
 */
export function drawCrop(
  picture: DecodedPicture,
  side: number,
  settings: CropSettings & Normalization,
  random: RandomNumbers,
  target: Float32Array,
  at: number,
): void {
  if (settings.crop === "square") {
    const place = { x: random.uniform(), y: random.uniform() };
    cropPicture(picture, side, { ...place, ...drawBrightness(settings, random) }, settings, target, at);
    return;
  }
  const box = trainingCrop(picture, { kind: "resized", scale: [settings.cropMinArea, 1], ratio }, random);
  const { data } = resizeImage(cropImage({ ...picture, channels: 3 }, box), side, side);
  const square = { data: data as Uint8Array, width: side, height: side };
  cropPicture(square, side, { ...centreCrop, ...drawBrightness(settings, random) }, settings, target, at);
}

function drawBrightness({ brightness }: CropSettings, random: RandomNumbers): Pick<Crop, "gain" | "lift"> {
  const sway = () => (2 * random.uniform() - 1) * brightness;
  return { gain: 1 + sway(), lift: sway() };
}
