import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { expect, test } from "vitest";
import { pictureFrame } from "../src/frames/pictureFrame.js";
import { type RasterFormat, sniffFormat } from "../src/sniffFormat.js";

const formatOf = (bytes: Buffer): RasterFormat => {
  const sniffed = sniffFormat(bytes);
  if (sniffed.kind !== "raster") throw new Error("no picture");
  return sniffed.format;
};
const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
const picture = (width = 37, height = 211) =>
  sharp({ create: { width, height, channels: 3, background: "#fff", noise } });

const exif = { IFD0: { Copyright: "us" } };
const [ordinary, hasExif] = [{ isOrdinary: true }, { hasExif: true }];
const known: [string, () => Sharp, { isOrdinary?: boolean; hasExif?: boolean }][] = [
  ["a baseline JPEG", () => picture().jpeg(), ordinary],
  ["a progressive JPEG", () => picture().jpeg({ progressive: true }), ordinary],
  ["a grey JPEG", () => picture().greyscale().jpeg(), ordinary],
  ["a JPEG with a colour profile", () => picture().jpeg().withIccProfile("p3"), {}],
  ["a JPEG in CMYK", () => picture().toColourspace("cmyk").jpeg(), {}],
  ["a JPEG with XMP", () => picture().jpeg().withXmp("<x:xmpmeta/>"), ordinary],
  ["a JPEG with EXIF data", () => picture().jpeg().withExif(exif), { ...ordinary, ...hasExif }],
  ["a PNG", () => picture().png(), {}],
  ["a PNG with a palette", () => picture().png({ palette: true }), {}],
  ["a PNG with EXIF data", () => picture().png().withExif(exif), hasExif],
  ["a lossy WebP", () => picture().webp(), ordinary],
  ["a lossless WebP", () => picture().webp({ lossless: true }), ordinary],
  ["a WebP with alpha", () => picture().ensureAlpha(0.5).webp(), {}],
  ["a lossless WebP with alpha", () => picture().ensureAlpha(0.5).webp({ lossless: true }), {}],
  ["a WebP with a colour profile", () => picture().webp().withIccProfile("p3"), {}],
  ["a WebP with EXIF data", () => picture().webp().withExif(exif), { ...ordinary, ...hasExif }],
];
test.each(known)("%s: the size that libvips finds, and its kind", async (_name, make, kind) => {
  const bytes = await make().toBuffer();
  const { format, width, height } = await sharp(bytes).metadata();
  const frame = pictureFrame(bytes, formatOf(bytes));
  expect(frame).toEqual({ format, width, height, hasExif: false, isOrdinary: false, ...kind });
});

test("EXIF data behind a JPEG's frame header are found", async () => {
  const bytes = await picture().jpeg({ optimiseCoding: false }).withMetadata({ orientation: 6 }).toBuffer();
  const exif = bytes.subarray(bytes.indexOf("\xff\xe1", 0, "latin1"));
  const segment = exif.subarray(0, 2 + exif.readUInt16BE(2));
  const without = Buffer.from(bytes.toString("latin1").replace(segment.toString("latin1"), ""), "latin1");
  expect(pictureFrame(without, "jpeg")).toMatchObject({ width: 37, height: 211, hasExif: false });
  const scan = without.indexOf("\xff\xda", 0, "latin1");
  const late = Buffer.concat([without.subarray(0, scan), segment, without.subarray(scan)]);
  expect(pictureFrame(late, "jpeg")).toMatchObject({ hasExif: true });
});

const frames = await Promise.all(
  [picture(9, 9), picture(9, 9).blur()].map((frame) => frame.png().toBuffer()),
);
test.each([
  ["a GIF", () => picture().gif()],
  ["an animated WebP", () => sharp(frames, { join: { animated: true } }).webp()],
  ["an AVIF", () => picture().avif({ effort: 0 })],
])("%s: libvips is to be asked", async (_name, make) => {
  const bytes = await make().toBuffer();
  expect(pictureFrame(bytes, formatOf(bytes))).toBeNull();
});

test("whatever bytes come, there is an answer: a size above zero, or none", async () => {
  const files = await Promise.all([
    picture(9, 9).jpeg().toBuffer(),
    picture(9, 9).png().toBuffer(),
    picture(9, 9).webp().toBuffer(),
  ]);
  const hurt = fc.record({
    file: fc.constantFrom(...files),
    length: fc.nat(700),
    hits: fc.array(fc.tuple(fc.nat(200), fc.nat(255))),
  });
  fc.assert(
    fc.property(
      hurt,
      fc.constantFrom<RasterFormat>("jpeg", "png", "webp"),
      ({ file, length, hits }, format) => {
        const bytes = Buffer.from(file.subarray(0, length));
        for (const [at, value] of hits) if (at < bytes.length) bytes[at] = value;
        const frame = pictureFrame(bytes, format);
        expect(frame === null || (frame.width > 0 && frame.height > 0)).toBe(true);
      },
    ),
  );
});
