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

/** Leave to ask a host once. */
export interface Leave {
  /**
   * Told when the request is about to be written. False: the leave is too old, since the connection took its time and
   * others may have asked meanwhile; then nothing must be written before it was renewed.
   */
  sent(): boolean;
  /** Waits for a further request's turn, after one that was not written or has to be written again. */
  renew(): Promise<void>;
}

/**
 * How old a leave may be when its request is written: so much less than the gap that the clock hears of it before
 * anybody else gets leave. No time below ten ms is worth a further question.
 */
const freshMs = (gapMs: number): number => Math.max(10, gapMs - Math.max(20, gapMs / 5));

/** Of a clock that is farther away than the gap every answer comes too late: then the next leave is taken as it is. */
const maxLateAnswers = 4;

interface HostState {
  connections: Turnstile;
  /** Only the first in line asks the clock, so that a process holds one slot of a host at a time. */
  line: Turnstile;
  users: number;
}

/** Resolves when there is room for another answer. */
export type Hold = () => Promise<void>;

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
   * @param work tells its leave when its request goes out
   * @param closed asked again when the turn comes: true sends the caller away without taking a slot
   * @param hold waited for before a slot is asked for, by one request of a host with gaps at a time
   * @returns what `work` gives, or null where the host was closed meanwhile
   */
  async pass<T>(
    request: SlotRequest,
    signal: AbortSignal | null,
    work: (leave: Leave) => Promise<T>,
    closed: () => boolean = () => false,
    hold: Hold | null = null,
  ): Promise<T | null> {
    const state = this.#state(request.host);
    try {
      await state.connections.enter(signal);
      try {
        const takenMs = await this.#awaitSlot(state, request, signal, closed, hold);
        if (takenMs === null) return null;
        try {
          signal?.throwIfAborted();
          return await work(this.#leave(request, takenMs, signal));
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

  #leave(request: SlotRequest, takenMs: number, signal: AbortSignal | null): Leave {
    const { hostGapMs, addressGapMs } = request;
    const taken = { hostMs: takenMs, addressMs: takenMs };
    const isOld = (atMs: number, gapMs: number): boolean =>
      gapMs > 0 && this.#nowMs() - atMs > freshMs(gapMs);
    const isHostOld = (): boolean => isOld(taken.hostMs, hostGapMs);
    const isAddressOld = (): boolean => isOld(taken.addressMs, addressGapMs);
    let lateAnswers = 0;
    let isWritten = false;
    return {
      sent: () => {
        if (hostGapMs <= 0 && addressGapMs <= 0) return true;
        if (lateAnswers < maxLateAnswers && (isHostOld() || isAddressOld())) return false;
        isWritten = true;
        // After the write, which comes in this turn. Nobody waits for this message; where it is lost, the gap counts from
        // the leave.
        Promise.resolve()
          .then(() => this.clock.sent(request))
          .catch(() => undefined);
        return true;
      },
      renew: async () => {
        if (this.#unclocked(request)) return;
        // Of what isn't old nobody else can have had leave, and our own is not to hold us up.
        const ofHost = isWritten || isHostOld();
        const ofAddress = isWritten || isAddressOld();
        const host = ofHost ? request.host : "";
        const address = ofAddress ? request.address : "";
        const gaps = { hostGapMs: ofHost ? hostGapMs : 0, addressGapMs: ofAddress ? addressGapMs : 0 };
        const renewedMs = await this.#confirm({ host, address, ...gaps }, signal);
        if (ofHost) taken.hostMs = renewedMs;
        if (ofAddress) taken.addressMs = renewedMs;
        if ((ofHost && isHostOld()) || (ofAddress && isAddressOld())) lateAnswers++;
      },
    };
  }

  /**
   * Resolves in the request's slot, holding one of the process's connections, to the moment from which its leave counts;
   * null holds none.
   */
  async #awaitSlot(
    state: HostState,
    request: SlotRequest,
    signal: AbortSignal | null,
    closed: () => boolean,
    hold: Hold | null,
  ): Promise<number | null> {
    if (closed()) return null;
    if (this.#unclocked(request)) {
      await hold?.();
      await this.#all.enter(signal);
      return this.#nowMs();
    }
    await state.line.enter(signal);
    try {
      await hold?.();
      if (closed()) return null;
      const reservedMs = this.#nowMs();
      const waitMs = await this.clock.reserve(request);
      await this.#sleep(waitMs, signal);
      if (closed()) return null;
      const queuedMs = this.#nowMs();
      await this.#all.enter(signal);
      // A process at its limit may have let its slot pass.
      if (waitMs <= 0 && this.#nowMs() - queuedMs <= 5) return reservedMs;
      try {
        return await this.#confirm(request, signal);
      } catch (error) {
        this.#all.leave();
        throw error;
      }
    } finally {
      state.line.leave();
    }
  }

  /** Waits for leave; the moment it was asked for, from which on it counts. */
  async #confirm(request: SlotRequest, signal: AbortSignal | null): Promise<number> {
    for (;;) {
      const askedMs = this.#nowMs();
      const waitMs = await this.clock.confirm(request);
      if (waitMs <= 0) return askedMs;
      await this.#sleep(waitMs, signal);
    }
  }

  async #sleep(ms: number, signal: AbortSignal | null): Promise<void> {
    if (ms > 0) await sleep(Math.ceil(ms), undefined, signal === null ? {} : { signal });
  }
}
