import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { openLibWebp } from "../src/codecs/libWebp.js";
import { openCodecs } from "../src/codecs/openCodecs.js";
import { openTurboJpeg } from "../src/codecs/turboJpeg.js";
import type { ImageSize } from "../src/frames/pictureFrame.js";
import { pictureFrame } from "../src/frames/pictureFrame.js";
import { sniffFormat } from "../src/sniffFormat.js";

const waves = (width: number, height: number): Sharp => {
  const data = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at++)
    for (let channel = 0; channel < 3; channel++)
      data[at * 3 + channel] =
        128 + 100 * Math.sin(((at % width) * (channel + 1)) / 23 + Math.floor(at / width) / 31);
  return sharp(data, { raw: { width, height, channels: 3 } });
};
const frameOf = (bytes: Buffer) => {
  const sniffed = sniffFormat(bytes);
  return pictureFrame(bytes, sniffed.kind === "raster" ? sniffed.format : "gif")!;
};
const meanDifference = (a: Buffer, b: Buffer): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0) / a.length;
};

test("without a library there is none", async () => {
  expect(await openTurboJpeg(["libnowhere.so.9"])).toBeNull();
  expect(await openLibWebp(["libnowhere.so.9"])).toBeNull();
});

const codecs = await openCodecs();
const [hasJpeg, hasWebp] = [codecs?.libraries["libjpeg-turbo"], codecs?.libraries.libwebp];
if (!hasJpeg) console.log("libjpeg-turbo's own tests are skipped: this machine has no libturbojpeg");
if (!hasWebp) console.log("libwebp's own tests are skipped: this machine has no libwebp");
const decoded = (bytes: Buffer, to: ImageSize = { width: 203, height: 151 }) =>
  codecs!.decode(bytes, frameOf(bytes), to);

/** Half of the rows and columns, as means of four pixels. */
async function halved(picture: Sharp): Promise<Buffer> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  const [width, height] = [info.width / 2, info.height / 2];
  const out = Buffer.alloc(width * height * 3);
  const value = (x: number, y: number, c: number) => data[(y * info.width + x) * 3 + c]!;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        out[(y * width + x) * 3 + c] = Math.round(
          (value(2 * x, 2 * y, c) +
            value(2 * x + 1, 2 * y, c) +
            value(2 * x, 2 * y + 1, c) +
            value(2 * x + 1, 2 * y + 1, c)) /
            4,
        );
  return out;
}

type Kind = [string, (width?: number, height?: number) => Sharp];
const jpegs: Kind[] = [
  ["a baseline JPEG", (w = 203, h = 151) => waves(w, h).jpeg({ optimiseCoding: false })],
  ["a progressive JPEG", (w = 203, h = 151) => waves(w, h).jpeg({ progressive: true })],
  ["a JPEG without subsampling", (w = 203, h = 151) => waves(w, h).jpeg({ chromaSubsampling: "4:4:4" })],
  ["a grey JPEG", (w = 203, h = 151) => waves(w, h).toColourspace("b-w").jpeg()],
];
const webps: Kind[] = [
  ["a lossy WebP", (w = 203, h = 151) => waves(w, h).webp()],
  ["a lossless WebP", (w = 203, h = 151) => waves(w, h).webp({ lossless: true })],
];

describe.each([
  ["libjpeg-turbo", hasJpeg, jpegs, () => waves(203, 151).jpeg()],
  ["libwebp", hasWebp, webps, () => waves(203, 151).webp()],
] as const)("%s", (_library, isThere, kinds, make) => {
  test.runIf(isThere).each(kinds)("%s: libvips' pixels", async (_name, made) => {
    const bytes = await made().toBuffer();
    const pixels = decoded(bytes)!;
    expect(pixels).toMatchObject({ width: 203, height: 151, channels: 3 });
    const theirs = await sharp(bytes).toColourspace("srgb").raw().toBuffer();
    expect(meanDifference(pixels.data, theirs)).toBeLessThan(0.5);
  });

  test.runIf(isThere).each(kinds)("%s, scaled down: the mean of the area", async (_name, made) => {
    const bytes = await made(400, 300).toBuffer();
    const pixels = decoded(bytes, { width: 200, height: 150 })!;
    const theirs = await halved(sharp(bytes).toColourspace("srgb"));
    expect(meanDifference(pixels.data, theirs)).toBeLessThan(1);
  });

  test.runIf(isThere)(
    "what would have to be scaled up, and whatever is spoilt, is left to sharp",
    async () => {
      const bytes = await make().toBuffer();
      expect(decoded(bytes, { width: 204, height: 151 })).toBeNull();
      const cut = bytes.subarray(0, bytes.length - 300);
      expect(decoded(cut, { width: 10, height: 10 })).toBeNull();
      expect(decoded(bytes, { width: 10, height: 10 }), "the next picture is not touched").not.toBeNull();
    },
  );
});

test.runIf(hasJpeg && hasWebp).each(["jpeg", "webp"] as const)(
  "a %s's EXIF data and sRGB's profile change no pixel",
  async (format) => {
    const picture = waves(203, 151).toFormat(format, { quality: 90 });
    const bytes = await picture.clone().toBuffer();
    const dressed = await picture.withIccProfile("srgb").withMetadata({ orientation: 3 }).toBuffer();
    expect(dressed.length).toBeGreaterThan(bytes.length + 480);
    expect(decoded(dressed)).toEqual(decoded(bytes));
  },
);

test.runIf(hasJpeg)("another profile, CMYK, and a JPEG that gives a warning are left to sharp", async () => {
  const bytes = await waves(203, 151).jpeg().toBuffer();
  const profiled = await waves(20, 20).withIccProfile("p3").jpeg().toBuffer();
  const cmyk = await waves(20, 20).toColourspace("cmyk").jpeg().toBuffer();
  const noisy = Buffer.concat([bytes.subarray(0, -2), Buffer.alloc(400, 7), bytes.subarray(-2)]);
  const spoiled = Buffer.from(bytes);
  spoiled.fill(0, 2000, 2200);
  for (const one of [profiled, cmyk, noisy, spoiled])
    expect(decoded(one, { width: 10, height: 10 })).toBeNull();
  expect(decoded(bytes, { width: 10, height: 10 })).not.toBeNull();
});

test.runIf(hasWebp)("a WebP with alpha is left to sharp, which lays it on white", async () => {
  for (const lossless of [false, true]) {
    const bytes = await waves(20, 20).ensureAlpha(0.5).webp({ lossless }).toBuffer();
    expect(decoded(bytes, { width: 10, height: 10 })).toBeNull();
  }
});

test.runIf(hasJpeg)(
  "pixels become a baseline JPEG of the asked quality; grey ones are left to sharp",
  async () => {
    const data = await waves(203, 151).raw().toBuffer();
    const pixels = { data, width: 203, height: 151, channels: 3 as const };
    const [fine, coarse] = [codecs!.encodeJpeg(pixels, 95)!, codecs!.encodeJpeg(pixels, 30)!];
    expect(coarse.length).toBeLessThan(fine.length / 2);
    expect(await sharp(fine).metadata()).toMatchObject({
      ...{ format: "jpeg", width: 203, height: 151, chromaSubsampling: "4:2:0", isProgressive: false },
    });
    const sharps = await sharp(data, { raw: pixels })
      .jpeg({ quality: 95, optimiseCoding: false, chromaSubsampling: "4:2:0" })
      .toBuffer();
    expect(fine.length / sharps.length).toBeCloseTo(1, 1);
    const loss = async (jpeg: Buffer) => meanDifference(await sharp(jpeg).raw().toBuffer(), data);
    expect((await loss(fine)) / (await loss(sharps))).toBeLessThan(1.05);
    expect(codecs!.encodeJpeg({ ...pixels, channels: 1 }, 95)).toBeNull();
  },
);
