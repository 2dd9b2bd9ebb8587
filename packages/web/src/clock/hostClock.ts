/** What one request asks of the clocks: its host's gap and its address's gap. */
export interface SlotRequest {
  host: string;
  hostGapMs: number;
  address: string;
  addressGapMs: number;
}

/**
 * When a host (and an address) may be asked next, for all who share the clock. A request takes a slot, sleeps until it
 * is due, has it confirmed, and tells when it was really sent: slots keep the order, confirmation keeps the gap even
 * where somebody before was late. One implementation lives in Redis, one in memory; both pass one conformance test.
 */
export interface HostClock {
  /** Takes the next slot; ms until it is due. 0: it is due and confirmed. */
  reserve(request: SlotRequest): Promise<number>;
  /** Asks before sending in a slot that had to be waited for: 0 is leave to send, else ms until to ask again. */
  confirm(request: SlotRequest): Promise<number>;
  /** The request has left only now (a connection takes its time): the gap counts from here. */
  sent(request: SlotRequest): Promise<void>;
  /** Nobody asks this host before `ms` from now have passed; never shortens an earlier pause. */
  pause(host: string, ms: number): Promise<void>;
}
