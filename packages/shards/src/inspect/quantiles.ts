/** How numbers are spread; all 0 where there are none. */
export interface Quantiles {
  least: number;
  median: number;
  /** 99 of 100 are no larger. */
  p99: number;
  most: number;
  sum: number;
}

export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const sum = sorted.reduce((total, value) => total + value, 0);
  return { least: at(0), median: at(0.5), p99: at(0.99), most: at(1), sum };
}
