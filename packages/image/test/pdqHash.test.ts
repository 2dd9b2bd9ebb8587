import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { axisWeights } from "../src/axisWeights.js";
import { pdqHash } from "../src/pdqHash.js";

/** The picture that test/interop/pdq_reference.py draws as well. */
function pattern(width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      pixels[p++] = x * 7 + y * 3 + ((x * y) >> 4);
      pixels[p++] = ((x >> 3) * 31) ^ ((y >> 2) * 17);
      pixels[p++] = (x * x + y * y) >> 7;
    }
  }
  return pixels;
}

const distance = (a: string, b: string): number => {
  let bits = BigInt(`0x${a}`) ^ BigInt(`0x${b}`);
  let count = 0;
  for (; bits; bits &= bits - 1n) count++;
  return count;
};

describe("pdqHash", () => {
  // made by: python test/interop/pdq_reference.py (pdqhash 0.2.8)
  test.each([
    [300, 200, "7fff5f545fffa8eaa80239f4a0ab2cffa8ab60bf0f408b44171027472a440f10", 100],
    [64, 64, "a6e53e41aeaa29b666e87789546da52e656dca551ee5e8f603ad76498018cda2", 100],
    [37, 513, "fccc838cfc3c41fcffc08000fff0f090afe0f090aff4f000ffe8e8b0ef70d844", 100],
  ])("of a %i x %i pattern is the reference's, bit for bit", (width, height, pdq, pdqQuality) => {
    expect(pdqHash(pattern(width, height), width, height, 3)).toEqual({ pdq, pdqQuality });
  });

  test("of a picture that was scaled down stays within 10 bits of the whole picture's", async () => {
    const [width, height] = [1000, 640];
    const whole = await sharp(Buffer.from(pattern(width, height)), { raw: { width, height, channels: 3 } })
      .blur(6)
      .raw()
      .toBuffer();
    const expected = pdqHash(whole, width, height, 3);
    const small = await sharp(whole, { raw: { width, height, channels: 3 } })
      .resize(256, 164, { fit: "fill" })
      .raw()
      .toBuffer();
    const scaled = pdqHash(small, 256, 164, 3, { width, height });
    expect(distance(scaled.pdq, expected.pdq)).toBeLessThanOrEqual(10);
    expect(Math.abs(scaled.pdqQuality - expected.pdqQuality)).toBeLessThanOrEqual(3);
  });

  test("grey pixels hash as their colour equivalents do", () => {
    const grey = pattern(90, 70).filter((_, i) => i % 3 === 0);
    const colour = new Uint8Array(grey.length * 3).map((_, i) => grey[Math.floor(i / 3)]!);
    expect(pdqHash(grey, 90, 70, 1)).toEqual(pdqHash(colour, 90, 70, 3));
  });

  test("flat and tiny pictures have quality 0", () => {
    expect(pdqHash(new Uint8Array(100 * 100).fill(7), 100, 100, 1).pdqQuality).toBe(0);
    expect(pdqHash(new Uint8Array(4 * 100), 4, 100, 1)).toEqual({ pdq: "0".repeat(64), pdqQuality: 0 });
  });
});

describe("axisWeights", () => {
  test.each([
    [5, 5],
    [64, 64],
    [700, 700],
    [1000, 256],
    [3000, 1],
    [100, 300],
  ])("of a length of %i, now %i, sum to one for each sample and stay on the line", (original, length) => {
    const { first, offset, weights } = axisWeights(original, length);
    for (let i = 0; i < 64; i++) {
      const row = weights.subarray(offset[i], offset[i + 1]);
      expect(row.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9);
      expect(first[i]).toBeGreaterThanOrEqual(0);
      expect(first[i]! + row.length).toBeLessThanOrEqual(length);
    }
  });
});
