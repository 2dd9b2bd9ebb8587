/** A small seeded generator: the same name gives the same numbers on every machine. */
export interface SeededRandom {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [from, to). */
  between(from: number, to: number): number;
  /** A whole number in [0, count). */
  below(count: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of the items. */
  pick<T>(items: readonly T[]): T;
  /** A new array in random order. */
  shuffled<T>(items: readonly T[]): T[];
}

/** A generator named by its parts, e.g. `seededRandom(seed, "page", 12)`; streams of different names are unrelated. */
export function seededRandom(...name: (string | number)[]): SeededRandom {
  const next = sfc32(...seedWords(name.join("\u0000")));
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    below,
    chance: (probability) => next() < probability,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new RangeError("pick: expected at least one item");
      return item;
    },
    shuffled: <T>(items: readonly T[]) => {
      const result = [...items];
      for (let i = result.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [result[i], result[j]] = [result[j] as T, result[i] as T];
      }
      return result;
    },
  };
}

/** Four 32-bit words from a string: FNV-1a with four offsets, each finished by a mixer (murmur3's constants). */
function seedWords(text: string): [number, number, number, number] {
  const words: [number, number, number, number] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    for (let k = 0; k < 4; k++) words[k] = Math.imul((words[k] as number) ^ (code + k * 0x101), 0x01000193);
  }
  return words.map((word) => {
    let h = word ^ (word >>> 16);
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    return (h ^ (h >>> 16)) >>> 0;
  }) as [number, number, number, number];
}

/** Chris Doty-Humphrey's sfc32: 128 bits of state, passes PractRand. */
function sfc32(a: number, b: number, c: number, d: number): () => number {
  const next = () => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}
