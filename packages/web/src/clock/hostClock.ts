/** What one request asks of the clocks: its host's gap and its address's gap. */
export interface SlotRequest {
  host: string;
  hostGapMs: number;
  address: string;
  addressGapMs: number;
}

/** A moment to send at: `waitMs` from now; `slot` names it when it is asked to be renewed. */
export interface Slot {
  waitMs: number;
  slot: number;
}

/**
 * The next moment at which a host (and an address) may be asked, handed out one by one to all who share the clock.
 * One implementation keeps the moments in Redis, one in memory; both pass one conformance test.
 */
export interface HostClock {
  /**
   * Takes the next slot. With `missed`, the caller was late for that slot and asks anew: if nobody came after, the
   * slot moves to now, otherwise it gets a later one.
   */
  reserve(request: SlotRequest, missed?: number): Promise<Slot>;
  /** No slot of this host before `ms` from now have passed; never shortens an earlier pause. */
  pause(host: string, ms: number): Promise<void>;
}
