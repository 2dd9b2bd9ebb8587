const EMPTY = 0xffffffff;

/**
 * A map from sha256 to a whole number in 12 bytes a slot: the first 64 bits stand for the whole, so it is for verdicts
 * that may be wrong: two of 10⁵ items collide with a chance of 3·10⁻¹⁰, two of 10⁹ with one of 3 %. Open addressing, at most 70 % full.
 */
export class Sha256Table {
  /** [capacity × (high, low, value)] */
  private slots = new Uint32Array(3 * 1024).fill(EMPTY);
  private count = 0;

  get size(): number {
    return this.count;
  }

  get byteLength(): number {
    return this.slots.byteLength;
  }

  get(sha256: string): number | undefined {
    const at = this.find(parse(sha256, 0), parse(sha256, 8));
    const value = this.slots[at + 2]!;
    return value === EMPTY ? undefined : value;
  }

  /** Keeps the first value that was set. */
  add(sha256: string, value: number): void {
    if ((this.count + 1) * 3 > (this.slots.length / 3) * 2) this.grow();
    const high = parse(sha256, 0);
    const low = parse(sha256, 8);
    const at = this.find(high, low);
    if (this.slots[at + 2] !== EMPTY) return;
    this.slots.set([high, low, value], at);
    this.count++;
  }

  private find(high: number, low: number): number {
    const capacity = this.slots.length / 3;
    let slot = low & (capacity - 1);
    for (;;) {
      const at = slot * 3;
      if (this.slots[at + 2] === EMPTY || (this.slots[at] === high && this.slots[at + 1] === low)) return at;
      slot = (slot + 1) & (capacity - 1);
    }
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Uint32Array(old.length * 2).fill(EMPTY);
    for (let at = 0; at < old.length; at += 3) {
      if (old[at + 2] !== EMPTY) this.slots.set(old.subarray(at, at + 3), this.find(old[at]!, old[at + 1]!));
    }
  }
}

function parse(sha256: string, at: number): number {
  return parseInt(sha256.slice(at, at + 8), 16);
}
