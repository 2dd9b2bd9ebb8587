import type { HostClock, SlotRequest } from "./hostClock.js";

const sweepEvery = 4096;

/** Host clocks of one process. Only moments in the future are kept, so memory grows with hosts at work. */
export function memoryHostClock(nowMs: () => number = () => performance.now()): HostClock {
  /** Next slot to hand out, by host. */
  const next = new Map<string, number>();
  /** Slots handed out, ascending, by address. */
  const booked = new Map<string, number[]>();
  /** When it may be asked again, by "h" + host and "a" + address. */
  const open = new Map<string, number>();
  let reservations = 0;

  const sweep = (now: number): void => {
    for (const moments of [next, open]) for (const [key, at] of moments) if (at <= now) moments.delete(key);
    for (const [address, slots] of booked) if ((slots.at(-1) ?? 0) < now - 60_000) booked.delete(address);
  };
  const openAt = ({ host, address, addressGapMs }: SlotRequest): number =>
    Math.max(open.get(`h${host}`) ?? 0, addressGapMs > 0 ? (open.get(`a${address}`) ?? 0) : 0);
  const close = ({ host, hostGapMs, address, addressGapMs }: SlotRequest, now: number): void => {
    const later = (key: string, at: number): void => void open.set(key, Math.max(open.get(key) ?? 0, at));
    if (hostGapMs > 0) later(`h${host}`, now + hostGapMs);
    if (addressGapMs > 0) later(`a${address}`, now + addressGapMs);
  };

  return {
    async reserve(request) {
      const { host, hostGapMs, address, addressGapMs } = request;
      const now = nowMs();
      if (++reservations % sweepEvery === 0) sweep(now);
      let slot = Math.max(now, next.get(host) ?? 0, openAt(request));
      if (addressGapMs > 0) {
        const slots = (booked.get(address) ?? []).filter((at) => at > now - addressGapMs);
        slot = firstFree(slots, slot, addressGapMs);
        const after = slots.findIndex((at) => at > slot);
        slots.splice(after < 0 ? slots.length : after, 0, slot);
        booked.set(address, slots);
      }
      if (hostGapMs > 0) next.set(host, slot + hostGapMs);
      if (slot <= now) close(request, now);
      return slot - now;
    },
    async confirm(request) {
      const now = nowMs();
      const waitMs = openAt(request) - now;
      if (waitMs > 0) return waitMs;
      close(request, now);
      return 0;
    },
    async sent(request) {
      close(request, nowMs());
    },
    async pause(host, ms) {
      open.set(`h${host}`, Math.max(open.get(`h${host}`) ?? 0, nowMs() + ms));
    },
  };
}

/** The first moment from `from` on that is `gap` away from every booked one (ascending). */
export function firstFree(booked: readonly number[], from: number, gap: number): number {
  let slot = from;
  for (const at of booked) {
    if (at <= slot - gap) continue;
    if (at >= slot + gap) break;
    slot = at + gap;
  }
  return slot;
}
