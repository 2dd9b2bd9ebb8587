import { imageSettings } from "@pairloom/config";
import sharp, { type Sharp } from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { type Codecs, openCodecs } from "../src/codecs/openCodecs.js";
import { processImage, type ProcessedImage } from "../src/processImage.js";
import { setupSharp } from "../src/setupSharp.js";

const settings = imageSettings.parse({ imageSize: 64, resizeMode: "keep_ratio_largest" });

/** A picture whose left half is red and right half is blue, with a green top-left corner. */
function twoHalves(width = 120, height = 80): Sharp {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="50%" height="100%" fill="#f00"/><rect x="50%" width="50%" height="100%" fill="#00f"/>
    <rect width="20" height="20" fill="#0f0"/></svg>`;
  return sharp(Buffer.from(svg));
}

const found = await openCodecs();
if (found === null) console.log("Pictures by faster codecs are skipped: this machine has none");
const ways: [name: string, codecs: Codecs | null][] = [["sharp alone", null]];
if (found !== null) ways.push(["faster codecs", found]);

async function okWith(codecs: Codecs | null, bytes: Buffer, given = settings): Promise<ProcessedImage> {
  const result = await processImage(bytes, given, { codecs });
  if (result.status === "failed") throw new Error(`${result.reason}: ${result.errorMessage}`);
  return result;
}

/** RGB at a place given in hundredths of the sides. */
async function colourAt(bytes: Buffer, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const at = (Math.floor((y / 100) * info.height) * info.width + Math.floor((x / 100) * info.width)) * 3;
  expect(info.channels).toBe(3);
  return [...data.subarray(at, at + 3)];
}

function near(colour: number[], expected: number[], tolerance = 12): void {
  for (const [i, value] of expected.entries()) {
    expect(Math.abs(colour[i]! - value), `${colour.join()} should be ${expected.join()}`).toBeLessThanOrEqual(
      tolerance,
    );
  }
}

const made: Record<string, Buffer> = {};
beforeAll(async () => {
  made.rotated = await twoHalves().jpeg().withMetadata({ orientation: 6 }).toBuffer();
  made.large = await twoHalves(301, 200).flatten().png().toBuffer();
  made.jpeg = await twoHalves().jpeg().toBuffer();
  made.progressive = await twoHalves().jpeg({ progressive: true }).toBuffer();
  made.cmyk = await twoHalves().flatten().toColourspace("cmyk").jpeg().toBuffer();
  made.grey = await twoHalves().flatten().greyscale().jpeg().toBuffer();
  made.png16 = await twoHalves().toColourspace("rgb16").png().toBuffer();
  made.grey16 = await twoHalves().flatten().toColourspace("grey16").png().toBuffer();
  made.palette = await twoHalves().png({ palette: true }).toBuffer();
  made.webp = await twoHalves().webp().toBuffer();
  made.avif = await twoHalves().avif().toBuffer();
  made.gif = await twoHalves().gif().toBuffer();
  made.tiff = await twoHalves().tiff().toBuffer();
  made.alpha = await sharp({
    create: { width: 40, height: 40, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0.5 } },
  })
    .png()
    .toBuffer();
  const frames = await Promise.all(
    ["#ff0000", "#0000ff"].map((background) =>
      sharp({ create: { width: 50, height: 30, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  made.animatedGif = await sharp(frames, { join: { animated: true } })
    .gif()
    .toBuffer();
  made.animatedWebp = await sharp(frames, { join: { animated: true } })
    .webp()
    .toBuffer();
  const noise = Buffer.alloc(300 * 200 * 3);
  for (let i = 0, state = 1; i < noise.length; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    noise[i] = state >> 16;
  }
  made.noise = await sharp(noise, { raw: { width: 300, height: 200, channels: 3 } })
    .jpeg()
    .toBuffer();
  made.p3 = await twoHalves().flatten().withIccProfile("p3").png().toBuffer();
  setupSharp();
});

describe.each(ways)("what is taken with %s", (_way, codecs) => {
  const ok = (bytes: Buffer, given = settings) => okWith(codecs, bytes, given);

  test.each(["jpeg", "progressive", "png16", "palette", "webp", "avif", "gif", "cmyk", "p3"])(
    "%s becomes an sRGB JPEG of the asked size with the right colours",
    async (name) => {
      const image = await ok(made[name]!);
      expect([image.width, image.height, image.originalWidth, image.originalHeight]).toEqual([
        64, 43, 120, 80,
      ]);
      expect((await sharp(image.bytes).metadata()).chromaSubsampling).toBe("4:2:0");
      // CMYK without a profile can't hold these primaries
      const tolerance = name === "cmyk" ? 70 : 12;
      near(await colourAt(image.bytes, 30, 80), [254, 0, 0], tolerance);
      near(await colourAt(image.bytes, 80, 50), [0, 0, 254], name === "cmyk" ? 150 : 12);
    },
  );

  test.each(["grey", "grey16"])("%s becomes three equal channels", async (name) => {
    const image = await ok(made[name]!);
    const [r, g, b] = await colourAt(image.bytes, 30, 80);
    expect(Math.abs(r! - g!) + Math.abs(g! - b!)).toBeLessThanOrEqual(2);
    expect(r).toBeGreaterThan(30);
  });

  test("EXIF orientation is applied and the original size is that of the upright picture", async () => {
    const image = await ok(made.rotated!);
    expect([image.originalWidth, image.originalHeight, image.width, image.height]).toEqual([80, 120, 43, 64]);
    near(await colourAt(image.bytes, 90, 5), [0, 255, 0], 40);
    near(await colourAt(image.bytes, 50, 30), [254, 0, 0]);
    near(await colourAt(image.bytes, 50, 80), [0, 0, 254]);
  });

  test("alpha is laid on white", async () => {
    near(await colourAt((await ok(made.alpha!)).bytes, 50, 50), [127, 127, 127], 3);
  });

  test.each(["animatedGif", "animatedWebp"])("of %s the first frame is taken", async (name) => {
    const image = await ok(made[name]!);
    expect([image.originalWidth, image.originalHeight]).toEqual([50, 30]);
    near(await colourAt(image.bytes, 50, 50), [254, 0, 0]);
  });

  test("the same bytes give the same result, hashes included", async () => {
    const [a, b] = await Promise.all([ok(made.noise!), ok(made.noise!)]);
    expect(a).toEqual(b);
    expect(a.pdq).toMatch(/^[0-9a-f]{64}$/);
    expect(a.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("border pads with white, center_crop cuts the middle, no keeps the size", async () => {
    const border = await ok(made.jpeg!, { ...settings, resizeMode: "border" });
    expect([border.width, border.height]).toEqual([64, 64]);
    near(await colourAt(border.bytes, 30, 4), [255, 255, 255]);
    near(await colourAt(border.bytes, 30, 96), [255, 255, 255]);
    near(await colourAt(border.bytes, 30, 70), [254, 0, 0]);
    const crop = await ok(made.jpeg!, { ...settings, resizeMode: "center_crop" });
    expect([crop.width, crop.height]).toEqual([64, 64]);
    near(await colourAt(crop.bytes, 30, 90), [254, 0, 0]);
    near(await colourAt(crop.bytes, 70, 90), [0, 0, 254]);
    const whole = await ok(made.jpeg!, { ...settings, resizeMode: "no" });
    expect([whole.width, whole.height]).toEqual([120, 80]);
  });

  test.each(["jpg", "png", "webp"] as const)("it encodes %s", async (encodeFormat) => {
    const image = await ok(made.jpeg!, { ...settings, encodeFormat });
    const metadata = await sharp(image.bytes).metadata();
    expect([metadata.format, metadata.width, metadata.height]).toEqual([
      encodeFormat === "jpg" ? "jpeg" : encodeFormat,
      64,
      43,
    ]);
    expect(metadata.exif).toBeUndefined();
  });
});

describe.runIf(found !== null)("pictures with EXIF data, without sharp", () => {
  /** Counts what the codecs decode. */
  const counting = (): { codecs: Codecs; count: () => number } => {
    let count = 0;
    const decode: Codecs["decode"] = (...given) => {
      const pixels = found!.decode(...given);
      if (pixels !== null) count++;
      return pixels;
    };
    return { codecs: { ...found!, decode }, count: () => count };
  };

  test.each([1, 2, 3, 4, 5, 6, 7, 8])("orientation %i: what sharp alone makes", async (orientation) => {
    const bytes = await sharp(made.large)
      .jpeg({ quality: 95 })
      .withExif({ IFD0: { Copyright: "us" } })
      .withMetadata({ orientation })
      .toBuffer();
    for (const resizeMode of ["border", "center_crop", "keep_ratio", "no"] as const) {
      for (const skipReencode of [false, true]) {
        const { codecs, count } = counting();
        const given = { ...settings, resizeMode, skipReencode, encodeFormat: "png" as const };
        const { bytes: stored, pdq, pdqQuality, ...rest } = await okWith(codecs, bytes, given);
        const theirs = await okWith(null, bytes, given);
        expect(count()).toBe(1);
        expect(theirs).toMatchObject({ ...rest, originalWidth: orientation >= 5 ? 200 : 301 });
        const [a, b] = await Promise.all([stored, theirs.bytes].map((file) => sharp(file).raw().toBuffer()));
        const difference = a!.reduce((sum, value, at) => sum + Math.abs(value - b![at]!), 0) / a!.length;
        expect(difference).toBeLessThan(2.5);
        expect(pdq).toHaveLength(theirs.pdq!.length);
        expect(Math.abs(pdqQuality! - theirs.pdqQuality!)).toBeLessThan(10);
      }
    }
  });
});

describe.each(ways)("what is refused with %s", (_way, codecs) => {
  const reasonOf = async (bytes: Buffer, given = settings): Promise<string> => {
    const result = await processImage(bytes, given, { codecs });
    return result.status === "failed" ? result.reason : "ok";
  };

  test.each([
    ["nothing", Buffer.alloc(0), "empty_body"],
    ["a page", Buffer.from("<!doctype html><title>404</title>"), "not_an_image"],
    ["text", Buffer.from("hello"), "not_an_image"],
    ["one byte", Buffer.from([0xff]), "not_an_image"],
    [
      "SVG",
      Buffer.from('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'),
      "format_refused",
    ],
    ["SVG with a comment", Buffer.from('<!-- by -->\n<svg width="1"/>'), "format_refused"],
    ["a page with SVG in it", Buffer.from("<html><body><svg></svg></body></html>"), "not_an_image"],
    ["PDF", Buffer.from("%PDF-1.7\n"), "format_refused"],
    ["BMP", Buffer.from("BM\0\0\0\0\0\0\0\0"), "format_refused"],
    ["HEIC", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"), "format_refused"],
    ["video", Buffer.from("\0\0\0\x18ftypisom\0\0\0\0isommp42", "latin1"), "not_an_image"],
    [
      "a JPEG of noise after the marker",
      Buffer.from("\xff\xd8\xff\xe0 garbage \xff\xd9", "latin1"),
      "decode_failed",
    ],
    ["a PNG signature alone", Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), "decode_truncated"],
  ])("%s", async (_name, bytes, reason) => {
    expect(await reasonOf(bytes)).toBe(reason);
  });

  test("TIFF unless asked for", async () => {
    expect(await reasonOf(made.tiff!)).toBe("format_refused");
  });

  test.each(["noise", "progressive", "png16", "webp", "gif", "avif"])("a truncated %s", async (name) => {
    const whole = made[name]!;
    expect(await reasonOf(whole)).toBe("ok");
    for (const part of [0.5, 0.7, 0.9]) {
      expect(await reasonOf(whole.subarray(0, Math.floor(whole.length * part)))).toBe("decode_truncated");
    }
  });

  test("more pixels than allowed, before anything is decoded", async () => {
    // a header that promises 60000 x 60000 pixels, and no data
    const bomb = Buffer.from(made.png16!);
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    const { crc32 } = await import("node:zlib");
    bomb.writeUInt32BE(crc32(bomb.subarray(12, 29)), 29);
    expect(await reasonOf(bomb)).toBe("too_many_pixels");
    expect(await reasonOf(made.jpeg!, { ...settings, maxImageArea: 9599 })).toBe("too_many_pixels");
    expect(await reasonOf(made.jpeg!, { ...settings, maxImageArea: 9600 })).toBe("ok");
  });

  test("too small and too thin pictures", async () => {
    expect(await reasonOf(made.jpeg!, { ...settings, minImageSize: 81 })).toBe("too_small");
    expect(await reasonOf(made.jpeg!, { ...settings, minImageSize: 80 })).toBe("ok");
    expect(await reasonOf(made.jpeg!, { ...settings, maxAspectRatio: 1.49 })).toBe("aspect_ratio");
    expect(await reasonOf(made.jpeg!, { ...settings, maxAspectRatio: 1.5 })).toBe("ok");
  });
});
