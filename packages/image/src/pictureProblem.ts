import sharp from "sharp";
import { sniffFormat } from "./sniffFormat.js";

/** Larger ones are not decoded: what they would take is more than a picture is worth. */
const maxPixels = 2 ** 28;

/**
 * Decodes a picture to its last byte and keeps nothing of it: what is wrong with it, or null. JPEGs are decoded to an
 * eighth, which reads all of the file and costs a third. What the file's name claims doesn't matter, as it doesn't to
 * whoever decodes. Needs `setupSharp()`; runs in libuv's threads.
 */
export async function pictureProblem(bytes: Buffer): Promise<string | null> {
  if (sniffFormat(bytes).kind !== "raster") return "its bytes are no picture";
  try {
    await sharp(bytes, { failOn: "truncated", limitInputPixels: maxPixels })
      .resize(32, 32, { fit: "fill", kernel: "nearest" })
      .raw()
      .toBuffer();
    return null;
  } catch (error) {
    return `it can't be decoded: ${(error as Error).message.split("\n", 1)[0] ?? ""}`;
  }
}
