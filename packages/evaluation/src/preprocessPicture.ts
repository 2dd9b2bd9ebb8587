import sharp from "sharp";

const mean = [0.48145466, 0.4578275, 0.40821073] as const;
const deviation = [0.26862954, 0.26130258, 0.27577711] as const;

/** A picture as the image tower takes it: shorter side resized to `side`, centre cropped, normalised: [side, side, 3]. */
export async function preprocessPicture(bytes: Uint8Array, side: number): Promise<Float32Array> {
  const { data, info } = await sharp(bytes, { limitInputPixels: 100_000_000 })
    .autoOrient()
    .resize(side, side, { fit: "cover", kernel: "cubic" })
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pixels = new Float32Array(side * side * 3);
  const { channels } = info;
  for (let i = 0; i < side * side; i++) {
    for (let c = 0; c < 3; c++) {
      const value = data[i * channels + (channels === 1 ? 0 : c)]! / 255;
      pixels[i * 3 + c] = (value - mean[c]!) / deviation[c]!;
    }
  }
  return pixels;
}
