import type { ImageSettings } from "@pairloom/config";

/** What to do with a picture of a known size; everything in pixels. */
export interface ResizePlan {
  /** Size to scale to; equal to the original where nothing is scaled. */
  scaled: { width: number; height: number };
  /** Window to cut out of the scaled picture, or null. */
  crop: { left: number; top: number; width: number; height: number } | null;
  /** White margins around the scaled picture, or null. */
  pad: { left: number; right: number; top: number; bottom: number } | null;
  /** Size as stored. */
  width: number;
  height: number;
}

/** Rounds halves to the even neighbour, as Python's `round` does. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * The sizes and the crop window that img2dataset arrives at in each resize mode (its `Resizer` with
 * albumentations' SmallestMaxSize, LongestMaxSize, CenterCrop and PadIfNeeded): scale = size / side, both sides
 * rounded half to even and at least 1, crop and margins centred with the odd pixel at the far side.
 */
export function resizePlan(
  originalWidth: number,
  originalHeight: number,
  settings: Pick<ImageSettings, "imageSize" | "resizeMode" | "resizeOnlyIfBigger">,
): ResizePlan {
  const { imageSize: size, resizeMode: mode } = settings;
  const byShortSide = mode === "keep_ratio" || mode === "center_crop";
  const side = byShortSide
    ? Math.min(originalWidth, originalHeight)
    : Math.max(originalWidth, originalHeight);
  const original = { width: originalWidth, height: originalHeight };
  if (mode === "no" || (settings.resizeOnlyIfBigger && side <= size)) {
    return { scaled: original, crop: null, pad: null, ...original };
  }
  const scale = size / side;
  const width = Math.max(1, roundHalfEven(originalWidth * scale));
  const height = Math.max(1, roundHalfEven(originalHeight * scale));
  const scaled = { width, height };
  if (mode === "center_crop" && (width !== size || height !== size)) {
    const left = Math.floor((width - size) / 2);
    const top = Math.floor((height - size) / 2);
    return { scaled, crop: { left, top, width: size, height: size }, pad: null, width: size, height: size };
  }
  if (mode === "border" && (width !== size || height !== size)) {
    const left = Math.floor((size - width) / 2);
    const top = Math.floor((size - height) / 2);
    const pad = { left, right: size - width - left, top, bottom: size - height - top };
    return { scaled, crop: null, pad, width: size, height: size };
  }
  return { scaled, crop: null, pad: null, width, height };
}
