/** xorshift32: the same numbers in every run. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/**
 * Hashes whose pairs are known to be hard: a third random, a third copies of one before with 0 to 40 bits turned, a third
 * in clusters around a hash, where many pairs lie close to the radius. Of the copies every fourth has exactly 31 bits turned and
 * every fourth exactly 32; half of the copies spread their turns over the 16 words as evenly as they can.
 */
export function plantedHashes(count: number): Uint8Array[] {
  const random = generator(7);
  const fresh = (): Uint8Array => new Uint8Array(32).map(() => random() & 255);
  const turned = (base: Uint8Array, turns: number, spread: boolean): Uint8Array => {
    const copy = base.slice();
    const places = new Set<number>();
    while (places.size < turns)
      places.add(spread ? (places.size % 16) * 16 + (random() & 15) : random() & 255);
    for (const bit of places) copy[bit >> 3]! ^= 1 << (bit & 7);
    return copy;
  };
  const hashes: Uint8Array[] = [];
  let centre = fresh();
  for (let i = 0; hashes.length < count; i++) {
    if (i % 12 === 0) centre = fresh();
    const base = fresh();
    const turns = [31, 32, random() % 41, random() % 41][i % 4]!;
    hashes.push(base, turned(base, turns, (i >> 2) % 2 === 0), turned(centre, random() % 24, false));
  }
  return hashes.slice(0, count);
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** "a b distance" of every pair a < b within the radius, by comparing each with each. */
export function pairsByBruteForce(hashes: readonly Uint8Array[], radius: number): Set<string> {
  const flat = new Uint32Array(hashes.length * 8);
  for (const [i, bytes] of hashes.entries()) flat.set(new Uint32Array(bytes.slice().buffer), i * 8);
  const pairs = new Set<string>();
  for (let i = 0; i < flat.length; i += 8) {
    const [a0, a1] = [flat[i]!, flat[i + 1]!];
    for (let j = i + 8; j < flat.length; j += 8) {
      let distance = bitsOfTwo(a0 ^ flat[j]!, a1 ^ flat[j + 1]!);
      for (let k = 2; k < 8 && distance <= radius; k += 2)
        distance += bitsOfTwo(flat[i + k]! ^ flat[j + k]!, flat[i + k + 1]! ^ flat[j + k + 1]!);
      if (distance <= radius) pairs.add(`${i / 8} ${j / 8} ${distance}`);
    }
  }
  return pairs;
}

/** Set bits of two 32-bit words. */
function bitsOfTwo(a: number, b: number): number {
  let v = a - ((a >>> 1) & 0x55555555);
  let w = b - ((b >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  w = (w & 0x33333333) + ((w >>> 2) & 0x33333333);
  v = (v & 0x0f0f0f0f) + ((v >>> 4) & 0x0f0f0f0f) + (w & 0x0f0f0f0f) + ((w >>> 4) & 0x0f0f0f0f);
  return Math.imul(v, 0x01010101) >>> 24;
}
