import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { pictureFrame } from "../src/frames/pictureFrame.js";
import { isSrgbProfile } from "../src/profiles/isSrgbProfile.js";

type Xyz = [number, number, number];
interface Wish {
  class?: string;
  space?: string;
  version?: number;
  primaries?: [Xyz, Xyz, Xyz];
  curves?: [Buffer, Buffer, Buffer];
  more?: [string, Buffer][];
}

const fixed = (values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeInt32BE(Math.round(value * 65536), 4 * i);
  return bytes;
};
const table = (entries: number, curve: (value: number) => number): Buffer => {
  const bytes = Buffer.alloc(12 + 2 * entries);
  bytes.write("curv");
  bytes.writeUInt32BE(entries, 8);
  for (let i = 0; i < entries; i++)
    bytes.writeUInt16BE(Math.round(65535 * curve(i / (entries - 1))), 12 + 2 * i);
  return bytes;
};
const gamma = (power: number): Buffer => {
  const bytes = Buffer.from("curv\0\0\0\0\0\0\0\x01\0\0\0\0", "latin1");
  bytes.writeUInt16BE(Math.round(power * 256), 12);
  return bytes;
};
const parametric = (type: number, ...values: number[]): Buffer =>
  Buffer.concat([Buffer.from([...Buffer.from("para"), 0, 0, 0, 0, 0, type, 0, 0]), fixed(values)]);
const xyz = (values: Xyz): Buffer => Buffer.concat([Buffer.from("XYZ \0\0\0\0"), fixed(values)]);

const srgbCurve = (value: number): number =>
  value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const srgbParameters = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045];
const three = (curve: Buffer): [Buffer, Buffer, Buffer] => [curve, curve, curve];
// D50; two ways in which sRGB's are rounded out there.
const srgb: [Xyz, Xyz, Xyz] = [
  [0.43607, 0.22249, 0.01392],
  [0.38515, 0.71687, 0.09708],
  [0.14307, 0.06061, 0.7141],
];
const roundedSrgb: [Xyz, Xyz, Xyz] = [
  [0.43585, 0.22238, 0.01392],
  [0.38533, 0.71704, 0.09714],
  [0.14302, 0.06059, 0.71384],
];
const adobeRgb: [Xyz, Xyz, Xyz] = [
  [0.60974, 0.31111, 0.01947],
  [0.20528, 0.62567, 0.06087],
  [0.14919, 0.06322, 0.74457],
];
const displayP3: [Xyz, Xyz, Xyz] = [
  [0.51512, 0.2412, -0.00105],
  [0.29198, 0.69225, 0.04189],
  [0.1571, 0.06657, 0.78407],
];

function profile(wish: Wish = {}): Buffer {
  const { primaries = srgb, curves = three(table(1024, srgbCurve)), more = [] } = wish;
  const description = Buffer.concat([Buffer.from("desc\0\0\0\0\0\0\0\x05mine\0"), Buffer.alloc(78)]);
  const tags: [string, Buffer][] = [
    ["desc", description],
    ["cprt", Buffer.from("text\0\0\0\0none\0")],
    ["wtpt", xyz([0.9642, 1, 0.8249])],
    ...["rXYZ", "gXYZ", "bXYZ"].map((name, i): [string, Buffer] => [name, xyz(primaries[i]!)]),
    ...["rTRC", "gTRC", "bTRC"].map((name, i): [string, Buffer] => [name, curves[i]!]),
    ...more,
  ];
  const head = Buffer.alloc(132 + 12 * tags.length);
  head[8] = wish.version ?? 2;
  head.write(`${wish.class ?? "mntr"}${wish.space ?? "RGB "}XYZ `, 12);
  head.write("acsp", 36);
  fixed([0.9642, 1, 0.8249]).copy(head, 68);
  head.writeUInt32BE(tags.length, 128);
  const data: Buffer[] = [];
  let at = head.length;
  for (const [i, [name, tag]] of tags.entries()) {
    head.write(name, 132 + 12 * i);
    head.writeUInt32BE(at, 136 + 12 * i);
    head.writeUInt32BE(tag.length, 140 + 12 * i);
    data.push(tag, Buffer.alloc(-tag.length & 3));
    at += tag.length + (-tag.length & 3);
  }
  head.writeUInt32BE(at, 0);
  return Buffer.concat([head, ...data]);
}

const segment = (icc: Buffer, number = 1, of = 1): Buffer => {
  const head = Buffer.from(`\xff\xe2\0\0ICC_PROFILE\0${String.fromCharCode(number, of)}`, "latin1");
  head.writeUInt16BE(icc.length + 16, 2);
  return Buffer.concat([head, icc]);
};
const withSegments = (jpeg: Buffer, ...segments: Buffer[]): Buffer =>
  Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]);

/** Every sixth colour, and all greys, side by side. */
const gradients = (): Sharp => {
  const colours: number[] = [];
  for (let r = 0; r <= 255; r += 15)
    for (let g = 0; g <= 255; g += 15) for (let b = 0; b <= 255; b += 15) colours.push(r, g, b);
  for (let grey = 0; grey < 256; grey++) for (let i = 0; i < 9; i++) colours.push(grey, grey, grey);
  const height = colours.length / 3 / 72;
  return sharp(Buffer.from(colours), { raw: { width: 72, height, channels: 3 } });
};
const jpeg = await gradients().jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer();
const asIs = await sharp(jpeg).raw().toBuffer();
/** By how many steps of 255 sharp moves colours because of a profile. */
async function moved(icc: Buffer): Promise<{ most: number; mean: number }> {
  const pixels = await sharp(withSegments(jpeg, segment(icc)))
    .raw()
    .toBuffer();
  let [most, sum] = [0, 0];
  for (const [i, value] of pixels.entries()) {
    const step = Math.abs(value - asIs[i]!);
    most = Math.max(most, step);
    sum += step;
  }
  return { most, mean: sum / pixels.length };
}

test.each<[string, Wish]>([
  ["a table of 1,024 entries", {}],
  ["a table of 42 entries", { curves: three(table(42, srgbCurve)) }],
  ["primaries rounded otherwise", { primaries: roundedSrgb }],
  ["a formula, version 4", { version: 4, curves: three(parametric(3, ...srgbParameters)) }],
  ["the longer formula", { version: 4, curves: three(parametric(4, ...srgbParameters, 0, 0)) }],
])("%s: sRGB, and sharp moves hardly a colour", async (_name, wish) => {
  const icc = profile(wish);
  expect(isSrgbProfile(icc)).toBe(true);
  const { most, mean } = await moved(icc);
  expect(most).toBeLessThanOrEqual(2);
  expect(mean).toBeLessThan(0.1);
});

test.each<[string, Wish]>([
  ["Adobe RGB", { primaries: adobeRgb, curves: three(gamma(2.2)) }],
  ["Display P3", { version: 4, primaries: displayP3, curves: three(parametric(3, ...srgbParameters)) }],
  ["a power of 2.2", { curves: three(gamma(2.2)) }],
  ["a power of 2.2 as a table", { curves: three(table(1024, (value) => value ** 2.2)) }],
  ["a power of 2.2 as a formula", { version: 4, curves: three(parametric(0, 2.2)) }],
  ["linear light", { curves: three(Buffer.from("curv\0\0\0\0\0\0\0\0")) }],
  ["red and green the wrong way round", { primaries: [srgb[1], srgb[0], srgb[2]] }],
  ["one channel of another curve", { curves: [table(1024, srgbCurve), gamma(1.8), table(1024, srgbCurve)] }],
  ["a curve a little off", { curves: three(table(1024, (value) => srgbCurve(value) ** 1.04)) }],
])("%s: not sRGB, and sharp moves colours", async (_name, wish) => {
  const icc = profile(wish);
  expect(isSrgbProfile(icc)).toBe(false);
  expect((await moved(icc)).most).toBeGreaterThan(2);
});

test.each<[string, Wish]>([
  ["a scanner's", { class: "scnr" }],
  ["one with a table of colours", { more: [["A2B0", Buffer.alloc(40)]] }],
  ["one with a tag twice", { more: [["gXYZ", xyz(srgb[1])]] }],
  ["version 5", { version: 5 }],
  ["grey", { space: "GRAY" }],
  ["not a number", { curves: three(parametric(3, 2.4, -1, 0, 0, 0)) }],
])("%s is not looked at more closely", (_name, wish) => {
  expect(isSrgbProfile(profile(wish))).toBe(false);
});

test("libvips' own sRGB is sRGB, its Display P3 is not", async () => {
  const of = async (name: string) =>
    (await sharp(await gradients().withIccProfile(name).webp().toBuffer()).metadata()).icc!;
  expect(isSrgbProfile(await of("srgb"))).toBe(true);
  expect(isSrgbProfile(await of("p3"))).toBe(false);
});

describe("in a JPEG", () => {
  const isOrdinary = (...segments: Buffer[]) =>
    pictureFrame(withSegments(jpeg, ...segments), "jpeg")?.isOrdinary;
  const icc = profile();

  test("it says nothing of greys", async () => {
    const grey = await gradients().toColourspace("b-w").jpeg().toBuffer();
    expect(pictureFrame(grey, "jpeg")?.isOrdinary).toBe(true);
    expect(pictureFrame(withSegments(grey, segment(icc)), "jpeg")?.isOrdinary).toBe(false);
  });

  test("only a profile in one segment counts", () => {
    expect(isOrdinary(segment(icc))).toBe(true);
    expect(isOrdinary(segment(icc.subarray(0, 999), 1, 2), segment(icc.subarray(999), 2, 2))).toBe(false);
    expect(isOrdinary(segment(icc, 1, 2))).toBe(false);
    expect(isOrdinary(segment(icc), segment(icc))).toBe(false);
    expect(isOrdinary(segment(Buffer.alloc(0)))).toBe(false);
  });

  test("cut off anywhere, it is not sRGB", () => {
    for (let length = 0; length < icc.length; length += length < 400 ? 1 : 50)
      expect(isOrdinary(segment(icc.subarray(0, length)))).toBe(false);
  });
});

test("whatever the bytes, there is an answer, and the same one again", () => {
  const files = [profile(), profile({ version: 4, curves: three(parametric(3, ...srgbParameters)) })];
  const hurt = fc.record({
    file: fc.constantFrom(...files),
    hits: fc.array(fc.tuple(fc.oneof(fc.nat(260), fc.nat(2600)), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    }),
  });
  fc.assert(
    fc.property(hurt, ({ file, hits }) => {
      const icc = Buffer.from(file);
      for (const [at, value] of hits) icc[at % icc.length] = value;
      const first = isSrgbProfile(icc);
      expect(isSrgbProfile(Buffer.from(icc))).toBe(first);
    }),
    { numRuns: 1000 },
  );
});
