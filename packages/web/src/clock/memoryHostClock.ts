import type { HostClock } from "./hostClock.js";

const sweepEvery = 4096;

/** Host clocks of one process. Only moments in the future are kept, so memory grows with hosts at work. */
export function memoryHostClock(nowMs: () => number = () => performance.now()): HostClock {
  const nextOfHost = new Map<string, number>();
  const bookedOfAddress = new Map<string, number[]>();
  let reservations = 0;

  const sweep = (now: number): void => {
    for (const [host, next] of nextOfHost) if (next <= now) nextOfHost.delete(host);
    for (const [address, booked] of bookedOfAddress) {
      if ((booked.at(-1) ?? 0) < now - 60_000) bookedOfAddress.delete(address);
    }
  };

  return {
    async reserve({ host, hostGapMs, address, addressGapMs }, missed) {
      const now = nowMs();
      if (++reservations % sweepEvery === 0) sweep(now);
      let slot = Math.max(now, nextOfHost.get(host) ?? 0);
      if (missed !== undefined && nextOfHost.get(host) === missed + hostGapMs) slot = now;
      if (addressGapMs > 0) {
        const booked = (bookedOfAddress.get(address) ?? []).filter((at) => at > now - addressGapMs);
        slot = firstFree(booked, slot, addressGapMs);
        booked.push(slot);
        bookedOfAddress.set(
          address,
          booked.sort((a, b) => a - b),
        );
      }
      if (hostGapMs > 0) nextOfHost.set(host, slot + hostGapMs);
      return { waitMs: slot - now, slot };
    },
    async pause(host, ms) {
      nextOfHost.set(host, Math.max(nextOfHost.get(host) ?? 0, nowMs() + ms));
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
