import sharp from "sharp";

/** RGB pixels, row by row: 3·width·height bytes. */
export interface DecodedPicture {
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * Decodes a picture and resizes its shorter side to `side`, in libuv's threads. A JPEG is decoded at ½, ¼ or ⅛ where that
 * is still large enough.
 *
 * @param enlarge false leaves a picture that is smaller as it is
 * @throws where sharp can't decode it
 */
export async function decodePicture(
  bytes: Uint8Array,
  side: number,
  enlarge = true,
): Promise<DecodedPicture> {
  const { data, info } = await sharp(bytes, { failOn: "error", limitInputPixels: 100_000_000 })
    .autoOrient()
    .resize(side, side, { fit: "outside", kernel: "cubic", withoutEnlargement: !enlarge })
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { data, width, height };
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = data[i * channels + (channels === 1 ? 0 : c)] as number;
  }
  return { data: rgb, width, height };
}
