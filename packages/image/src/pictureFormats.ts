import sharp from "sharp";
import { processImage } from "./processImage.js";
import { imageSettings } from "@pairloom/config";

/** Which picture formats can be read on this machine: tried with a picture of each. */
export async function pictureFormats(): Promise<{ name: string; works: boolean }[]> {
  const settings = imageSettings.parse({ imageSize: 8, computePdq: false });
  return Promise.all(
    (["jpeg", "png", "webp", "gif", "avif"] as const).map(async (name) => {
      try {
        const raw = { width: 16, height: 16, channels: 3 as const };
        const sample = await sharp(Buffer.alloc(16 * 16 * 3, 128), { raw })
          .toFormat(name)
          .toBuffer();
        return { name, works: (await processImage(sample, settings)).status === "ok" };
      } catch {
        return { name, works: false };
      }
    }),
  );
}
