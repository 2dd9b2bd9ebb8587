import { decodeImage, preprocessImage, type PreprocessOptions } from "@pairloom/clip/images";

/**
 * An encoded picture as a model's image tower takes it, [H, W, 3]: equal to open_clip's transform.
 * @param preprocessing the model's (`preprocessingOf`)
 * @throws where it can't be decoded
 */
export async function preprocessPicture(
  bytes: Uint8Array,
  preprocessing: PreprocessOptions,
): Promise<Float32Array> {
  const image = await decodeImage(bytes);
  return preprocessImage(image, { ...preprocessing, resample: image.resample });
}
