/** 32-bit parts of a PDQ hash of 256 bits. */
export const pdqParts = 8;

/** Words of 16 bits of a PDQ hash: what multi-index hashing looks up. */
export const pdqWords = 16;

/** How many values a word has. */
export const wordValues = 1 << 16;

/**
 * The largest radius at which no pair can be missed: two hashes that differ in at most 31 of 256 bits differ in at most
 * one bit in at least one of their 16 words.
 */
export const maxHammingRadius = 31;

/** @throws RangeError beyond the radius at which pairs could be missed */
export function checkRadius(radius: number): void {
  if (!(radius >= 0 && radius <= maxHammingRadius))
    throw new RangeError(`Expected a radius from 0 to ${maxHammingRadius}, got ${radius}`);
}

/** Writes a hash of 64 hex digits as its 8 parts. @throws TypeError where the text is no hash */
export function parsePdq(hash: string, into: Uint32Array, offset = 0): void {
  if (!/^[0-9a-fA-F]{64}$/.test(hash)) throw new TypeError(`Expected 64 hex digits, got "${hash}"`);
  for (let i = 0; i < pdqParts; i++) into[offset + i] = parseInt(hash.slice(i * 8, i * 8 + 8), 16);
}

/** Hashes one after the other: [N × 8]. @throws TypeError where a text is no hash */
export function packPdqs(hashes: readonly string[]): Uint32Array<ArrayBuffer> {
  const packed = new Uint32Array(hashes.length * pdqParts);
  for (const [i, hash] of hashes.entries()) parsePdq(hash, packed, i * pdqParts);
  return packed;
}

/** Word 0 … 15 of a hash whose parts begin at `offset`. */
export function wordOf(parts: Uint32Array, word: number, offset = 0): number {
  return (parts[offset + (word >> 1)]! >>> (word & 1 ? 0 : 16)) & 0xffff;
}

export function popcount(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Distance of a hash to the one at `offset` of `b`, or some number above the limit as soon as it is passed. */
export function distanceWithin(a: Uint32Array, b: Uint32Array, offset: number, limit: number): number {
  let distance = 0;
  for (let i = 0; i < pdqParts && distance <= limit; i++) distance += popcount(a[i]! ^ b[offset + i]!);
  return distance;
}

/** Number of differing bits of two hashes of 64 hex digits. */
export function hammingDistance(a: string, b: string): number {
  const x = new Uint32Array(pdqParts);
  const y = new Uint32Array(pdqParts);
  parsePdq(a, x);
  parsePdq(b, y);
  return distanceWithin(x, y, 0, 256);
}
