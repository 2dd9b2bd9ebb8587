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
const ordinary = { isOrdinary: true };
const known: [string, () => Sharp, { isOrdinary?: boolean; orientation?: number | null }][] = [
  ["a baseline JPEG", () => picture().jpeg(), ordinary],
  ["a progressive JPEG", () => picture().jpeg({ progressive: true }), ordinary],
  ["a grey JPEG", () => picture().greyscale().jpeg(), ordinary],
  ["a JPEG with another profile than sRGB's", () => picture().jpeg().withIccProfile("p3"), {}],
  ["a JPEG with sRGB's profile", () => picture().jpeg().withIccProfile("srgb"), ordinary],
  ["a JPEG in CMYK", () => picture().toColourspace("cmyk").jpeg(), {}],
  ["a JPEG with XMP", () => picture().jpeg().withXmp("<x:xmpmeta/>"), ordinary],
  ["a JPEG with EXIF data", () => picture().jpeg().withExif(exif), ordinary],
  [
    "a JPEG to be turned",
    () => picture().jpeg().withMetadata({ orientation: 6 }),
    { ...ordinary, orientation: 6 },
  ],
  ["a PNG", () => picture().png(), {}],
  ["a PNG with a palette", () => picture().png({ palette: true }), {}],
  ["a PNG with EXIF data", () => picture().png().withExif(exif), { orientation: null }],
  ["a lossy WebP", () => picture().webp(), ordinary],
  ["a lossless WebP", () => picture().webp({ lossless: true }), ordinary],
  ["a WebP with alpha", () => picture().ensureAlpha(0.5).webp(), {}],
  ["a lossless WebP with alpha", () => picture().ensureAlpha(0.5).webp({ lossless: true }), {}],
  ["a WebP with another profile than sRGB's", () => picture().webp().withIccProfile("p3"), {}],
  ["a WebP with sRGB's profile", () => picture().webp().withIccProfile("srgb"), ordinary],
  ["a WebP with EXIF data", () => picture().webp().withExif(exif), ordinary],
  [
    "a WebP to be turned",
    () => picture().webp().withIccProfile("srgb").withMetadata({ orientation: 8 }),
    { ...ordinary, orientation: 8 },
  ],
];
test.each(known)("%s: size and EXIF data that libvips finds, and its kind", async (_name, make, kind) => {
  const bytes = await make().toBuffer();
  const { format, width, height, exif } = await sharp(bytes).metadata();
  const wanted = { format, width, height, orientation: 1, isOrdinary: false, ...kind };
  const frame = pictureFrame(bytes, formatOf(bytes));
  expect(frame).toEqual({ ...wanted, exif: wanted.orientation === null ? undefined : exif });
});

test("EXIF data behind a JPEG's frame header are found", async () => {
  const bytes = await picture().jpeg({ optimiseCoding: false }).withMetadata({ orientation: 6 }).toBuffer();
  const exif = bytes.subarray(bytes.indexOf("\xff\xe1", 0, "latin1"));
  const segment = exif.subarray(0, 2 + exif.readUInt16BE(2));
  const without = Buffer.from(bytes.toString("latin1").replace(segment.toString("latin1"), ""), "latin1");
  expect(pictureFrame(without, "jpeg")).toMatchObject({ width: 37, height: 211, orientation: 1 });
  const scan = without.indexOf("\xff\xda", 0, "latin1");
  const late = Buffer.concat([without.subarray(0, scan), segment, without.subarray(scan)]);
  expect(pictureFrame(late, "jpeg")).toMatchObject({ orientation: 6, exif: segment.subarray(4) });
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
