/**
 * Least recently used values with a time to live, bounded by total weight; what many ask for at once is made once.
 * A loader that rejects leaves nothing behind.
 */
export class BoundedCache<V> {
  readonly #entries = new Map<string, { value: V; weight: number; expiresAtMs: number }>();
  readonly #loading = new Map<string, Promise<V>>();
  #weight = 0;

  constructor(
    private readonly maxWeight: number,
    private readonly nowMs: () => number = Date.now,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs <= this.nowMs()) {
      this.delete(key);
      return undefined;
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: V, ttlMs: number, weight = 1): void {
    this.delete(key);
    if (ttlMs <= 0) return;
    this.#entries.set(key, { value, weight, expiresAtMs: this.nowMs() + ttlMs });
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.maxWeight || this.#entries.size === 1) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }

  /** The cached value, or what `load` makes of it; concurrent callers share one load. */
  async load(key: string, load: () => Promise<{ value: V; ttlMs: number; weight?: number }>): Promise<V> {
    const cached = this.get(key);
    if (cached !== undefined) return cached;
    const underWay = this.#loading.get(key);
    if (underWay !== undefined) return underWay;
    const loading = load().then(({ value, ttlMs, weight }) => {
      this.set(key, value, ttlMs, weight);
      return value;
    });
    this.#loading.set(key, loading);
    try {
      return await loading;
    } finally {
      this.#loading.delete(key);
    }
  }
}
