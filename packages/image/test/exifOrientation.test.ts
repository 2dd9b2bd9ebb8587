import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { exifOrientation } from "../src/frames/exifOrientation.js";
import { pictureFrame } from "../src/frames/pictureFrame.js";

interface Entry {
  tag: number;
  type: number;
  count: number;
  value: number;
}
interface Block {
  little: boolean;
  entries: Entry[];
  /** Bytes between the TIFF header and the directory. */
  gap: number;
}
const orientation = (value: number, more: Partial<Entry> = {}): Entry => ({
  ...{ tag: 0x0112, type: 3, count: 1, value },
  ...more,
});
const block = ({ little, entries, gap }: Block): Buffer => {
  const tiff = Buffer.alloc(8 + gap + 2 + 12 * entries.length + 4);
  const short = (value: number, at: number) =>
    little ? tiff.writeUInt16LE(value, at) : tiff.writeUInt16BE(value, at);
  const long = (value: number, at: number) =>
    little ? tiff.writeUInt32LE(value, at) : tiff.writeUInt32BE(value, at);
  tiff.write(little ? "II" : "MM");
  short(42, 2);
  long(8 + gap, 4);
  short(entries.length, 8 + gap);
  for (const [i, { tag, type, count, value }] of entries.entries()) {
    const at = 10 + gap + 12 * i;
    short(tag, at);
    short(type, at + 2);
    long(count, at + 4);
    if (type === 3 && count === 1) short(value, at + 8);
    else long(value, at + 8);
  }
  return Buffer.concat([Buffer.from("Exif\0\0"), tiff]);
};
const segment = (marker: number, content: Buffer): Buffer => {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
};

const plain = sharp({ create: { width: 3, height: 5, channels: 3, background: "#777" } });
const [jpeg, webp] = [await plain.jpeg().toBuffer(), await plain.webp().toBuffer()];
const withSegments = (...segments: Buffer[]): Buffer =>
  Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);
const withExif = (exif: Buffer): Buffer => withSegments(segment(0xe1, exif));
const chunk = (name: string, content: Buffer): Buffer => {
  const head = Buffer.from(`${name}\0\0\0\0`);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length & 1)]);
};
const webpWithExif = (exif: Buffer): Buffer => {
  const extended = chunk("VP8X", Buffer.from([8, 0, 0, 0, 2, 0, 0, 4, 0, 0]));
  const chunks = [Buffer.from("WEBP"), extended, webp.subarray(12), chunk("EXIF", exif)];
  return chunk("RIFF", Buffer.concat(chunks));
};

/** What we read where we do is what libvips reads. */
async function agrees(bytes: Buffer, format: "jpeg" | "webp" = "jpeg"): Promise<number | null> {
  const frame = pictureFrame(bytes, format)!;
  const theirs = await sharp(bytes).metadata();
  expect([frame.width, frame.height]).toEqual([theirs.width, theirs.height]);
  if (frame.orientation === null) return null;
  expect(frame.orientation).toBe(theirs.orientation ?? 1);
  expect(frame.exif?.toString("hex")).toBe(theirs.exif?.toString("hex"));
  return frame.orientation;
}

const make = { tag: 0x010f, type: 2, count: 3, value: 0x61616100 };
const later = { tag: 0x0128, type: 3, count: 1, value: 2 };
describe.each([true, false])("with little-endian %s", (little) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("orientation %i is read as libvips reads it", async (value) => {
    const exif = block({ little, entries: [make, orientation(value), later], gap: 0 });
    expect(await agrees(withExif(exif))).toBe(value);
    expect(await agrees(webpWithExif(exif), "webp")).toBe(value);
    expect(await agrees(webpWithExif(exif.subarray(6)), "webp"), "without its prefix").toBe(value);
  });

  test.each([0, 9, 255, 256, 65535])("orientation %i is none", async (value) => {
    const exif = block({ little, entries: [orientation(value)], gap: 6 });
    expect(await agrees(withExif(exif))).toBe(1);
  });

  test("an empty directory and one without orientation say nothing", async () => {
    expect(await agrees(withExif(block({ little, entries: [], gap: 0 })))).toBe(1);
    expect(await agrees(withExif(block({ little, entries: [make, later], gap: 0 })))).toBe(1);
  });

  test.each<[string, Entry[]]>([
    ["twice", [orientation(6), orientation(3)]],
    ["after a later tag", [later, orientation(6)]],
    ["as a long number", [orientation(6, { type: 4 })]],
    ["as two numbers", [orientation(6, { count: 2 })]],
    ["as text", [orientation(6, { type: 2, count: 2 })]],
  ])("said %s, libvips is to be asked", (_how, entries) => {
    expect(exifOrientation(block({ little, entries, gap: 0 }))).toBeNull();
  });

  test("cut off anywhere, nobody is wrong", async () => {
    const exif = block({ little, entries: [make, orientation(6), later], gap: 3 });
    for (let length = 0; length <= exif.length; length++) await agrees(withExif(exif.subarray(0, length)));
  });
});

test("of several EXIF segments the first counts, XMP is none", async () => {
  const [first, second] = [3, 6].map((value) =>
    segment(0xe1, block({ little: true, entries: [orientation(value)], gap: 0 })),
  );
  const xmp = segment(0xe1, Buffer.from("http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"));
  expect(await agrees(withSegments(xmp, first!, second!))).toBe(3);
  expect(await agrees(withSegments(second!, xmp, first!))).toBe(6);
  expect(await agrees(withSegments(xmp))).toBe(1);
});

test("whatever the block, we read what libvips reads, or nothing", async () => {
  const entry = fc.record({
    tag: fc.oneof(fc.constantFrom(0x0112, 0x8769, 0x8825, 0x0201, 0x0110), fc.nat(0xffff)),
    type: fc.oneof(fc.constant(3), fc.nat(13)),
    count: fc.oneof(fc.constant(1), fc.nat(5)),
    value: fc.oneof(fc.nat(9), fc.nat(200), fc.nat(0xffff)),
  });
  const blocks = fc.record({
    little: fc.boolean(),
    entries: fc.array(
      fc.oneof(
        entry,
        fc.nat(9).map((value) => orientation(value)),
      ),
      { maxLength: 6 },
    ),
    isSorted: fc.boolean(),
    gap: fc.nat(4),
    hits: fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 2 }),
    length: fc.oneof(fc.constant(1000), fc.nat(90)),
  });
  let read = 0;
  await fc.assert(
    fc.asyncProperty(blocks, async ({ entries, isSorted, hits, length, ...rest }) => {
      if (isSorted) entries.sort((a, b) => a.tag - b.tag);
      const exif = block({ entries, ...rest });
      for (const [at, value] of hits) exif[at % exif.length] = value;
      const given = exif.subarray(0, length);
      if ((await agrees(withExif(given))) !== null) read++;
      await agrees(webpWithExif(given), "webp");
    }),
    { numRuns: 300 },
  );
  expect(read).toBeGreaterThan(60);
});
