/** Mixes a seed and further numbers into a 32-bit state (murmur3's finaliser over each). */
function mix(values: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const value of values) {
    hash = Math.imul(hash ^ (value >>> 0), 0x85ebca6b);
    hash = Math.imul(hash ^ Math.floor(value / 2 ** 32), 0xc2b2ae35);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}

/** A stream of 32-bit numbers (mulberry32), the same on every machine. */
function generator(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** The numbers 0 … count−1 in an order that depends on `seeds` alone (Fisher–Yates). */
export function seededOrder(count: number, ...seeds: number[]): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  const next = generator(mix(seeds));
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor((next() / 2 ** 32) * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
