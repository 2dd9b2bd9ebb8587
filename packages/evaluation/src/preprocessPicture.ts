import { decodeImage, preprocessImage } from "@pairloom/clip";

/** An encoded picture as the image tower takes it, [side, side, 3]: equal to open_clip's transform. @throws where it can't be decoded */
export async function preprocessPicture(bytes: Uint8Array, side: number): Promise<Float32Array> {
  const image = await decodeImage(bytes);
  return preprocessImage(image, { size: side, resample: image.resample });
}
