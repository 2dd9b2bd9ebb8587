import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { RandomNumbers, trainingCrop } from "../src/index.js";

interface Case {
  width: number;
  height: number;
  scale: [number, number];
  quantiles: Record<"top" | "left" | "height" | "width", number[]>;
}
const cases = JSON.parse(readFileSync(new URL("fixtures/crops.json", import.meta.url), "utf8")) as Case[];
const draws = 20_000;
/** Largest distance of two empirical distributions of 20,000 draws that chance exceeds once in 10,000 times. */
const critical = Math.sqrt((-Math.log(0.00005) / 2) * (2 / draws));

/** How far the share of draws up to each of torchvision's quantiles is from what it must be. */
function distance(sorted: Float64Array, quantiles: number[]): number {
  const upTo = (value: number, inclusive: boolean): number => {
    let count = 0;
    while (count < sorted.length && (inclusive ? sorted[count]! <= value : sorted[count]! < value)) count++;
    return count / sorted.length;
  };
  // a value that many draws share stands for many quantiles: its share may lie anywhere between
  return Math.max(
    ...quantiles.map((value, i) => {
      const share = i / (quantiles.length - 1);
      return Math.max(0, upTo(value, false) - share, share - upTo(value, true));
    }),
  );
}

test.each(cases)(
  "boxes in $width × $height at scale $scale are distributed as torchvision's",
  ({ width, height, scale, quantiles }) => {
    const random = new RandomNumbers(11, "boxes");
    const boxes = Array.from({ length: draws }, () =>
      trainingCrop({ width, height }, { kind: "resized", scale }, random),
    );
    for (const name of ["top", "left", "height", "width"] as const) {
      const sorted = Float64Array.from(boxes, (box) => box[name]).sort();
      expect(distance(sorted, quantiles[name]), name).toBeLessThan(critical);
    }
  },
);

test("the measure tells other boxes: of 0.88 of the area and up, or always in the middle", () => {
  const { width, height, quantiles } = cases[0]!;
  const random = new RandomNumbers(11, "boxes");
  const box = () => trainingCrop({ width, height }, { kind: "resized", scale: [0.88, 1] }, random);
  const widths = Float64Array.from({ length: draws }, () => box().width).sort();
  expect(distance(widths, quantiles.width)).toBeGreaterThan(critical);
  const middles = Float64Array.from({ length: draws }, () => Math.floor((width - box().width) / 2)).sort();
  expect(distance(middles, quantiles.left)).toBeGreaterThan(critical);
});

test("the square of the paper lies at every place that it can, equally often", () => {
  const random = new RandomNumbers(2, "boxes");
  const counts = new Map<number, number>();
  for (let i = 0; i < 11_000; i++) {
    const { left, top, width, height } = trainingCrop({ width: 40, height: 30 }, { kind: "square" }, random);
    expect([top, width, height]).toEqual([0, 30, 30]);
    counts.set(left, (counts.get(left) ?? 0) + 1);
  }
  expect([...counts.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 11 }, (_, i) => i));
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
