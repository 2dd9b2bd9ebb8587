import type { Reason } from "@pairloom/config";

/** Counts failures of a host in a row, and sets it aside for a while when they are too many. */
export class HostHealth {
  readonly #hosts = new Map<string, { failures: number; asideUntilMs: number }>();

  constructor(
    private readonly failureLimit: number,
    private readonly asideMs: number,
    private readonly nowMs: () => number = Date.now,
    private readonly maxHosts = 100_000,
  ) {}

  isAside(host: string): boolean {
    const state = this.#hosts.get(host);
    return state !== undefined && state.asideUntilMs > this.nowMs();
  }

  /** No answer at all counts against a host, and so does "not now" (429, 5xx); any other answer shows that it serves. */
  heard(host: string, httpStatus: number | null, reason: Reason | null): void {
    if (httpStatus !== null && httpStatus !== 429 && httpStatus < 500) this.reached(host);
    else if (reason !== "address_private") this.failed(host);
  }

  /** The host serves. */
  reached(host: string): void {
    this.#hosts.delete(host);
  }

  /** One more failure in a row. After the time aside a single failure sets it aside again. */
  failed(host: string): void {
    const state = this.#hosts.get(host) ?? { failures: 0, asideUntilMs: 0 };
    this.#hosts.delete(host);
    this.#hosts.set(host, state);
    if (++state.failures >= this.failureLimit) state.asideUntilMs = this.nowMs() + this.asideMs;
    if (this.#hosts.size > this.maxHosts) {
      const [oldest] = this.#hosts.keys();
      if (oldest !== undefined) this.#hosts.delete(oldest);
    }
  }
}
