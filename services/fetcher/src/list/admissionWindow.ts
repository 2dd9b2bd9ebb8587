/** Bodies that wait for a decoder: fewer starve the decoders, more only fill memory. */
const fewReady = 8;
const manyReady = 32;
const manyReadyBytes = 16 << 20;
/** How often the window is looked at where nothing ends. */
const tickMs = 25;
/** Requests that are let go at once: with each picture that ends, and where decoders starve. */
const heldAtOnce = 2;
const heldAtTick = 16;

export interface WindowOptions {
  /** Rows under way at first and at least. */
  least: number;
  /** Rows under way at most. */
  most: number;
  /** Pictures decoded at once. */
  picturesAtOnce: number;
}

/**
 * Decides how many rows are under way: as many as keep the decoders busy, however slow the web is, and no more, since
 * each may end as a body in memory. The window widens while decoders starve and narrows while bodies pile up; rows that
 * were let in before, and waited for their hosts' clocks, are held back then.
 */
export class AdmissionWindow {
  private limit: number;
  private under = 0;
  private decoding = 0;
  private readonly line: (() => void)[] = [];
  private readyBytes = 0;
  private waiting: (() => void) | null = null;
  private readonly held: (() => void)[] = [];
  private narrowedMs = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: WindowOptions) {
    this.limit = options.least;
    this.timer = setInterval(() => this.look(0), tickMs);
  }

  /** Resolves when one more row may start. One caller at a time. */
  async enter(): Promise<void> {
    while (this.under >= this.limit) await new Promise<void>((resolve) => (this.waiting = resolve));
    this.under++;
  }

  /** A row has ended. */
  leave(): void {
    this.under--;
    this.look(1);
  }

  /** Runs work on a body of so many bytes when a decoder is free. */
  decode = async <T>(bytes: number, work: () => Promise<T>): Promise<T> => {
    this.readyBytes += bytes;
    if (this.decoding >= this.options.picturesAtOnce)
      await new Promise<void>((resolve) => this.line.push(resolve));
    else this.decoding++;
    try {
      return await work();
    } finally {
      this.readyBytes -= bytes;
      const next = this.line.shift();
      if (next === undefined) this.decoding--;
      else next();
      this.letGo(heldAtOnce);
    }
  };

  /** Resolves when there is room for another body. */
  hold = async (): Promise<void> => {
    if (!this.hasRoom()) await new Promise<void>((resolve) => this.held.push(resolve));
  };

  private hasRoom(): boolean {
    return this.line.length <= manyReady && this.readyBytes <= manyReadyBytes;
  }

  private letGo(most: number): void {
    if (this.hasRoom()) for (const go of this.held.splice(0, most)) go();
  }

  close(): void {
    clearInterval(this.timer);
    for (const go of this.held.splice(0)) go();
  }

  private look(ended: number): void {
    const { least, most } = this.options;
    if (this.line.length < fewReady) {
      if (this.under >= this.limit - 1 - ended)
        this.limit = Math.min(most, this.limit + (ended > 0 ? 1 : Math.ceil(this.limit / 32)));
      this.letGo(heldAtTick);
    } else if (!this.hasRoom()) {
      const nowMs = performance.now();
      if (nowMs - this.narrowedMs > 100) {
        this.narrowedMs = nowMs;
        this.limit = Math.max(least, Math.min(this.limit, this.under) * 0.9);
      }
    }
    if (this.under < this.limit) {
      this.waiting?.();
      this.waiting = null;
    }
  }
}
