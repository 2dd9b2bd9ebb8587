import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { jpegFrame } from "../src/jpeg/jpegFrame.js";
import { openTurboJpeg } from "../src/jpeg/turboJpeg.js";

const waves = (width: number, height: number): Sharp => {
  const data = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at++)
    for (let channel = 0; channel < 3; channel++)
      data[at * 3 + channel] =
        128 + 100 * Math.sin(((at % width) * (channel + 1)) / 23 + Math.floor(at / width) / 31);
  return sharp(data, { raw: { width, height, channels: 3 } });
};
const ordinary: [string, () => Sharp, number][] = [
  ["a baseline JPEG", () => waves(203, 151).jpeg({ optimiseCoding: false }), 3],
  ["a progressive JPEG", () => waves(203, 151).jpeg({ progressive: true }), 3],
  ["a JPEG without subsampling", () => waves(203, 151).jpeg({ chromaSubsampling: "4:4:4" }), 3],
  ["a grey JPEG", () => waves(203, 151).toColourspace("b-w").jpeg(), 1],
];

describe("a JPEG's frame", () => {
  test.each(ordinary)("of %s", async (_name, make, components) => {
    expect(jpegFrame(await make().toBuffer())).toEqual({
      ...{ width: 203, height: 151, components, precision: 8 },
      ...{ isHuffman: true, hasExif: false, hasProfile: false },
    });
  });

  test("of one with a profile, with EXIF data, in CMYK", async () => {
    const profiled = await waves(20, 20).withIccProfile("p3").jpeg().toBuffer();
    expect(jpegFrame(profiled)).toMatchObject({ hasProfile: true, hasExif: false });
    const turned = await waves(20, 20).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(jpegFrame(turned)).toMatchObject({ hasExif: true });
    const cmyk = await waves(20, 20).toColourspace("cmyk").jpeg().toBuffer();
    expect(jpegFrame(cmyk)).toMatchObject({ components: 4 });
  });

  test("whatever bytes come, there is an answer", async () => {
    const whole = await waves(20, 20).jpeg().toBuffer();
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(400), fc.nat(255), (length, at, value) => {
        const bytes = Buffer.from(whole.subarray(0, length));
        if (at < bytes.length) bytes[at] = value;
        const frame = jpegFrame(bytes);
        expect(frame === null || (frame.width > 0 && frame.height > 0)).toBe(true);
      }),
    );
  });
});

test("without the library there is none", async () => {
  expect(await openTurboJpeg(["libnowhere.so.9"])).toBeNull();
});

const turbo = await openTurboJpeg();
if (turbo === null) console.log("libjpeg-turbo's own tests are skipped: this machine has no libturbojpeg");

describe.skipIf(turbo === null)("libjpeg-turbo", () => {
  const decoded = (bytes: Buffer, width: number, height: number) =>
    turbo!.decode(bytes, jpegFrame(bytes)!, { width, height });
  const meanDifference = (a: Buffer, b: Buffer): number =>
    a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0) / a.length;

  test.each(ordinary)("%s: libvips' pixels", async (_name, make, components) => {
    const bytes = await make().toBuffer();
    const pixels = decoded(bytes, 203, 151)!;
    expect(pixels).toMatchObject({ width: 203, height: 151, channels: components });
    const theirs = await sharp(bytes)
      .toColourspace(components === 1 ? "b-w" : "srgb")
      .raw()
      .toBuffer();
    expect(pixels.data.length).toBe(theirs.length);
    expect(meanDifference(pixels.data, theirs)).toBeLessThan(0.5);
  });

  test("a picture is shrunk to the least of a half, a quarter and an eighth that is large enough", async () => {
    const bytes = await waves(203, 151).jpeg().toBuffer();
    const size = (width: number, height: number) => {
      const pixels = decoded(bytes, width, height)!;
      expect(pixels.data.length).toBe(pixels.width * pixels.height * 3);
      return [pixels.width, pixels.height];
    };
    expect(size(1, 1)).toEqual([26, 19]);
    expect(size(26, 19)).toEqual([26, 19]);
    expect(size(26, 20)).toEqual([51, 38]);
    expect(size(102, 76)).toEqual([102, 76]);
    expect(size(103, 10)).toEqual([203, 151]);
    expect(size(500, 500)).toEqual([203, 151]);
  });

  test("a profile, CMYK, and whatever gives a warning are left to sharp", async () => {
    const bytes = await waves(203, 151).jpeg().toBuffer();
    const profiled = await waves(20, 20).withIccProfile("p3").jpeg().toBuffer();
    const cmyk = await waves(20, 20).toColourspace("cmyk").jpeg().toBuffer();
    const cut = bytes.subarray(0, bytes.length - 300);
    const noisy = Buffer.concat([bytes.subarray(0, -2), Buffer.alloc(400, 7), bytes.subarray(-2)]);
    const spoiled = Buffer.from(bytes);
    spoiled.fill(0, 2000, 2200);
    for (const one of [profiled, cmyk, cut, noisy, spoiled]) expect(decoded(one, 10, 10)).toBeNull();
    expect(decoded(bytes, 10, 10), "the next picture is not touched by that").not.toBeNull();
  });

  test("pixels become a baseline JPEG of the asked quality, and grey ones are left to sharp", async () => {
    const { data } = await waves(203, 151).raw().toBuffer({ resolveWithObject: true });
    const pixels = { data, width: 203, height: 151, channels: 3 as const };
    const [fine, coarse] = [turbo!.encode(pixels, 95)!, turbo!.encode(pixels, 30)!];
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
    expect(turbo!.encode({ ...pixels, channels: 1 }, 95)).toBeNull();
  });
});
