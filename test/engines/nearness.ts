import { expect } from "vitest";

/** Largest difference over the largest reference value (or over `floor`, where that is smaller). */
export function relativeGap(actual: ArrayLike<number>, expected: ArrayLike<number>, floor = 1e-3): number {
  expect(actual.length).toBe(expected.length);
  let [difference, largest] = [0, floor];
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(actual[i]! - expected[i]!);
    difference = Number.isNaN(gap) ? Infinity : Math.max(difference, gap);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference / largest;
}

/** Each tensor's numbers are within a share of its largest. */
export function expectNear(
  actual: readonly ArrayLike<number>[],
  expected: readonly ArrayLike<number>[],
  tolerance: number,
): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((wanted, i) => {
    expect(relativeGap(actual[i]!, wanted), `output ${i}`).toBeLessThan(tolerance);
  });
}
