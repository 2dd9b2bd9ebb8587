import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { expect, test } from "vitest";
import { headerSize } from "../src/headerSize.js";
import { type RasterFormat, sniffFormat } from "../src/sniffFormat.js";

const formatOf = (bytes: Buffer): RasterFormat => {
  const sniffed = sniffFormat(bytes);
  if (sniffed.kind !== "raster") throw new Error("no picture");
  return sniffed.format;
};
const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
const picture = (width = 37, height = 211) =>
  sharp({ create: { width, height, channels: 3, background: "#fff", noise } });

const plain: [string, () => Sharp][] = [
  ["a baseline JPEG", () => picture().jpeg()],
  ["a progressive JPEG", () => picture().jpeg({ progressive: true })],
  ["a JPEG with a colour profile and XMP", () => picture().jpeg().keepIccProfile().withXmp("<x:xmpmeta/>")],
  ["a grey JPEG", () => picture().greyscale().jpeg()],
  ["a PNG", () => picture().png()],
  ["a PNG with a palette", () => picture().png({ palette: true })],
  ["a lossy WebP", () => picture().webp()],
  ["a lossless WebP", () => picture().webp({ lossless: true })],
  ["a WebP with alpha", () => picture().ensureAlpha(0.5).webp()],
];
test.each(plain)("%s: the size that libvips finds", async (_name, make) => {
  const bytes = await make().toBuffer();
  const { width, height } = await sharp(bytes).metadata();
  expect(headerSize(bytes, formatOf(bytes))).toEqual({ width, height });
});

test("EXIF data behind a JPEG's frame header are found", async () => {
  const bytes = await picture().jpeg({ optimiseCoding: false }).withMetadata({ orientation: 6 }).toBuffer();
  const exif = bytes.subarray(bytes.indexOf("\xff\xe1", 0, "latin1"));
  const segment = exif.subarray(0, 2 + exif.readUInt16BE(2));
  const without = Buffer.from(bytes.toString("latin1").replace(segment.toString("latin1"), ""), "latin1");
  expect(headerSize(without, "jpeg")).toEqual({ width: 37, height: 211 });
  const scan = without.indexOf("\xff\xda", 0, "latin1");
  const late = Buffer.concat([without.subarray(0, scan), segment, without.subarray(scan)]);
  expect(headerSize(late, "jpeg")).toBeNull();
});

const turned = { IFD0: { Copyright: "us" } };
test.each([
  ["a JPEG with EXIF data", () => picture().jpeg().withMetadata({ orientation: 6 })],
  ["a PNG with EXIF data", () => picture().png().withExif(turned)],
  ["a WebP with EXIF data", () => picture().webp().withExif(turned)],
  ["a GIF", () => picture().gif()],
  ["an AVIF", () => picture().avif({ effort: 0 })],
])("%s: libvips is to be asked", async (_name, make) => {
  const bytes = await make().toBuffer();
  expect(headerSize(bytes, formatOf(bytes))).toBeNull();
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
        const size = headerSize(bytes, format);
        expect(size === null || (size.width > 0 && size.height > 0)).toBe(true);
      },
    ),
  );
});
