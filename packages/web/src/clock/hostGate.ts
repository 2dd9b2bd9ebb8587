import { setTimeout as sleep } from "node:timers/promises";
import type { HostClock, SlotRequest } from "./hostClock.js";
import { Turnstile } from "./turnstile.js";

/** Pauses that are remembered for hosts without gaps; the oldest go first. */
const maxPaused = 10_000;

export interface HostGateOptions {
  /** Requests under way to one host at once, from this process. */
  hostConnections: number;
  /** Requests under way at once, from this process. */
  connections: number;
  nowMs?: () => number;
}

interface HostState {
  connections: Turnstile;
  /** Only the first in line asks the clock, so that a process holds one slot of a host at a time. */
  line: Turnstile;
  users: number;
}

/**
 * Lets a request through when its host's connections, its host's clock, its address's clock and the process's own
 * limit allow it. Without gaps no clock is asked, unless the host was paused by this process not long ago.
 */
export class HostGate {
  readonly #hosts = new Map<string, HostState>();
  readonly #all: Turnstile;
  /** host → when its last pause, as known here, is long over */
  readonly #paused = new Map<string, number>();
  readonly #nowMs: () => number;

  constructor(
    private readonly clock: HostClock,
    private readonly options: HostGateOptions,
  ) {
    this.#all = new Turnstile(options.connections);
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /**
   * Runs `work` in its turn. The wait is not part of any request's wall clock.
   *
   * @param work calls `sent` when its request leaves
   * @param closed asked again when the turn comes: true sends the caller away without taking a slot
   * @returns what `work` gives, or null where the host was closed meanwhile
   */
  async pass<T>(
    request: SlotRequest,
    signal: AbortSignal | null,
    work: (sent: () => void) => Promise<T>,
    closed: () => boolean = () => false,
  ): Promise<T | null> {
    const state = this.#state(request.host);
    try {
      await state.connections.enter(signal);
      try {
        if (!(await this.#awaitSlot(state, request, signal, closed))) return null;
        try {
          signal?.throwIfAborted();
          return await work(() => this.#sent(request));
        } finally {
          this.#all.leave();
        }
      } finally {
        state.connections.leave();
      }
    } finally {
      if (--state.users === 0) this.#hosts.delete(request.host);
    }
  }

  /** Nobody asks this host before `ms` have passed: all processes on the clock see it. */
  async pause(host: string, ms: number): Promise<void> {
    this.#paused.delete(host);
    const [oldest] = this.#paused.keys();
    if (oldest !== undefined && this.#paused.size >= maxPaused) this.#paused.delete(oldest);
    this.#paused.set(host, this.#nowMs() + ms + 60_000);
    await this.clock.pause(host, ms);
  }

  #state(host: string): HostState {
    let state = this.#hosts.get(host);
    if (state === undefined) {
      const connections = new Turnstile(this.options.hostConnections);
      state = { connections, line: new Turnstile(1), users: 0 };
      this.#hosts.set(host, state);
    }
    state.users++;
    return state;
  }

  #unclocked({ host, hostGapMs, addressGapMs }: SlotRequest): boolean {
    if (hostGapMs > 0 || addressGapMs > 0) return false;
    const until = this.#paused.get(host);
    if (until !== undefined && until <= this.#nowMs()) this.#paused.delete(host);
    return !this.#paused.has(host);
  }

  /** Nobody waits for this message; where it is lost, the gap counts from the leave to send. */
  #sent(request: SlotRequest): void {
    if (request.hostGapMs > 0 || request.addressGapMs > 0) this.clock.sent(request).catch(() => undefined);
  }

  /** Resolves in the request's slot, holding one of the process's connections; false holds none. */
  async #awaitSlot(
    state: HostState,
    request: SlotRequest,
    signal: AbortSignal | null,
    closed: () => boolean,
  ): Promise<boolean> {
    if (closed()) return false;
    if (this.#unclocked(request)) {
      await this.#all.enter(signal);
      return true;
    }
    await state.line.enter(signal);
    try {
      if (closed()) return false;
      let waitMs = await this.clock.reserve(request);
      let confirmed = waitMs <= 0;
      await this.#sleep(waitMs, signal);
      if (closed()) return false;
      const queuedMs = this.#nowMs();
      await this.#all.enter(signal);
      // A process at its limit may have let its slot pass.
      if (this.#nowMs() - queuedMs > 5) confirmed = false;
      try {
        while (!confirmed) {
          waitMs = await this.clock.confirm(request);
          confirmed = waitMs <= 0;
          await this.#sleep(waitMs, signal);
        }
      } catch (error) {
        this.#all.leave();
        throw error;
      }
      return true;
    } finally {
      state.line.leave();
    }
  }

  async #sleep(ms: number, signal: AbortSignal | null): Promise<void> {
    if (ms > 0) await sleep(Math.ceil(ms), undefined, signal === null ? {} : { signal });
  }
}
