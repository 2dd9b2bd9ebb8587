import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sourcesOf } from "../../../infra/assembly/sources.mjs";
import { AreaScaler } from "../src/scaling/areaScaler.js";
import { kernelSourceHash } from "../src/scaling/kernelBytes.js";

const scaler = new AreaScaler();

interface Given {
  width: number;
  height: number;
  extent: { width: number; height: number };
  to: { width: number; height: number };
}

/** Each pixel the mean of its area, in double precision. */
function expected(source: Buffer, { width, height, extent, to }: Given): Float64Array {
  const out = new Float64Array(to.width * to.height * 3);
  const [alongStep, downStep] = [extent.width / to.width, extent.height / to.height];
  const overlap = (pixel: number, last: number, at: number, step: number) =>
    // The last pixel reaches as far as it must.
    Math.min(pixel === last ? Infinity : pixel + 1, (at + 1) * step) - Math.max(pixel, at * step);
  for (let y = 0; y < to.height; y++)
    for (let x = 0; x < to.width; x++) {
      let area = 0;
      const sums = [0, 0, 0];
      for (let j = 0; j < height; j++) {
        const tall = overlap(j, height - 1, y, downStep);
        if (tall <= 1e-9) continue;
        for (let i = 0; i < width; i++) {
          const wide = overlap(i, width - 1, x, alongStep);
          if (wide <= 1e-9) continue;
          area += tall * wide;
          for (let c = 0; c < 3; c++) sums[c]! += tall * wide * source[(j * width + i) * 3 + c]!;
        }
      }
      for (let c = 0; c < 3; c++) out[(y * to.width + x) * 3 + c] = sums[c]! / area;
    }
  return out;
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const given = fc
  .record({
    ...{ width: fc.integer({ min: 1, max: 90 }), height: fc.integer({ min: 1, max: 60 }) },
    ...{ cutWidth: fraction, cutHeight: fraction, shareWidth: fraction, shareHeight: fraction },
  })
  .map(({ width, height, cutWidth, cutHeight, shareWidth, shareHeight }): Given => {
    const extent = { width: width - 0.875 * cutWidth, height: height - 0.875 * cutHeight };
    const side = (length: number, share: number) => Math.max(1, Math.floor(length * share));
    const to = { width: side(extent.width, shareWidth), height: side(extent.height, shareHeight) };
    return { width, height, extent, to };
  });

test("each pixel is the mean of its area, for every pair of sizes", () => {
  fc.assert(
    fc.property(given, fc.nat(1e6), (sizes, seed) => {
      const { width, height, extent, to } = sizes;
      const room = scaler.room(sizes)!;
      for (let at = 0; at < room.length; at++) room[at] = Math.imul(at + seed, 2654435761) >>> 24;
      const source = Buffer.from(room);
      const scaled = scaler.scale({ width, height, extent }, to);
      expect(scaled).toMatchObject({ ...to, channels: 3 });
      const means = expected(source, sizes);
      expect(scaled.data.length).toBe(means.length);
      let worst = 0;
      for (const [at, mean] of means.entries()) worst = Math.max(worst, Math.abs(mean - scaled.data[at]!));
      // Half a step in the result, half of 1/64 in the line between, and each sum of weights is rounded to 2⁻¹⁴.
      const sums = Math.ceil(extent.width / to.width) + Math.ceil(extent.height / to.height);
      expect(worst).toBeLessThanOrEqual(1 / 2 + 1 / 128 + (255 / 2 ** 15) * sums);
    }),
    { numRuns: 200 },
  );
});

test("a picture of one colour stays one, from black to white", () => {
  for (const value of [0, 1, 127, 254, 255]) {
    scaler.room({ width: 101, height: 67 })!.fill(value);
    const scaled = scaler.scale(
      { width: 101, height: 67, extent: { width: 100.5, height: 66.125 } },
      { width: 37, height: 23 },
    );
    expect(new Set(scaled.data)).toEqual(new Set([value]));
  }
});

test("pictures grow into its memory, and one that is too large has no room", () => {
  expect(scaler.room({ width: 2000, height: 2000 })!.length).toBe(12_000_000);
  expect(scaler.room({ width: 5000, height: 5000 })).toBeNull();
});

test("nothing is scaled up", () => {
  scaler.room({ width: 10, height: 10 });
  const source = { width: 10, height: 10, extent: { width: 10, height: 10 } };
  expect(() => scaler.scale(source, { width: 11, height: 5 })).toThrow(RangeError);
});

test("the compiled kernel is that of assembly/*.as (else run infra/assembly/build.mjs)", () => {
  expect(sourcesOf(join(import.meta.dirname, "../assembly")).hash).toBe(kernelSourceHash);
});
