/**
 * A stream of random numbers from a seed and a label: the same in every process, whatever else was drawn before.
 * sfc32 (Chris Doty-Humphrey), seeded by a hash of seed and label.
 */
export class RandomNumbers {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;
  private spare: number | null = null;

  constructor(seed: number, label: string) {
    let hash = 2166136261;
    const words: number[] = [];
    for (const text of [`a${seed}`, `b${seed}`, `c${seed}`]) {
      for (const unit of `${text} ${label}`) hash = Math.imul(hash ^ unit.codePointAt(0)!, 16777619);
      words.push(hash);
    }
    [this.a, this.b, this.c] = words as [number, number, number];
    for (let warm = 0; warm < 15; warm++) this.word();
  }

  /** 32 random bits, as an unsigned integer. */
  word(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.word() >>> 5) * 67108864 + (this.word() >>> 6)) / 9007199254740992;
  }

  /** A whole number from `low` up to but without `high`. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low));
  }

  /** Standard normal, by Marsaglia's polar method. */
  normal(): number {
    if (this.spare !== null) {
      const value = this.spare;
      this.spare = null;
      return value;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.spare = y * factor;
      return x * factor;
    }
  }
}
