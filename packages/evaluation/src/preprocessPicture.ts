import { decodeImage, preprocessImage, type PreprocessOptions } from "@pairloom/clip/images";

/**
 * An encoded picture as the image tower takes it, [H, W, 3]: equal to open_clip's transform.
 * @throws where it can't be decoded
 */
export async function preprocessPicture(
  bytes: Uint8Array,
  size: PreprocessOptions["size"],
): Promise<Float32Array> {
  const image = await decodeImage(bytes);
  return preprocessImage(image, { size, resample: image.resample });
}
