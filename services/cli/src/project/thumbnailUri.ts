import sharp from "sharp";

/**
 * A picture, upright, as a page can hold it: a JPEG of at most `side` pixels in a data: URI.
 * @throws where it can't be decoded
 */
export async function thumbnailUri(picture: Uint8Array, side = 320): Promise<string> {
  const jpeg = await sharp(picture, { failOn: "none" })
    .autoOrient()
    .resize(side, side, { fit: "inside", withoutEnlargement: true })
    .flatten({ background: "#ffffff" })
    .jpeg({ quality: 82 })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString("base64")}`;
}
