import type { Redis } from "ioredis";
import type { HostClock } from "./hostClock.js";

/**
 * KEYS: the host's next moment (string), the address's booked moments (sorted set, score = member = ms).
 * ARGV: host gap, address gap, missed slot or "". Returns { wait, slot } in ms of Redis's own clock.
 * A host needs one pointer; an address needs the list, for its hosts' slots don't come in the order they are taken.
 */
const reserveScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.ceil(t[2] / 1000)
local hostGap, addressGap = tonumber(ARGV[1]), tonumber(ARGV[2])
local next = tonumber(redis.call('GET', KEYS[1]) or 0)
local slot = math.max(now, next)
if ARGV[3] ~= '' and next == tonumber(ARGV[3]) + hostGap then slot = now end
if addressGap > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - addressGap)
  local booked = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. (slot - addressGap), '+inf')
  for _, at in ipairs(booked) do
    at = tonumber(at)
    if at >= slot + addressGap then break end
    if at > slot - addressGap then slot = at + addressGap end
  end
  redis.call('ZADD', KEYS[2], slot, string.format('%.0f', slot))
  redis.call('PEXPIRE', KEYS[2], slot - now + addressGap + 60000)
end
if hostGap > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', slot + hostGap), 'PX', slot - now + hostGap + 1000)
end
return { slot - now, slot }
`;

const pauseScript = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.ceil(t[2] / 1000)
local untilMs = now + tonumber(ARGV[1])
if untilMs > tonumber(redis.call('GET', KEYS[1]) or 0) then
  redis.call('SET', KEYS[1], string.format('%.0f', untilMs), 'PX', tonumber(ARGV[1]) + 1000)
end
return untilMs
`;

interface ClockCommands {
  pairloomReserveSlot(
    host: string,
    address: string,
    hostGap: number,
    addressGap: number,
    missed: string,
  ): Promise<[number, number]>;
  pairloomPauseHost(host: string, ms: number): Promise<number>;
}

/**
 * Host clocks shared by every process on one Redis: one script, one round trip, Redis's own time. Keys expire when
 * their moments have passed, so Redis holds hosts at work and no others.
 *
 * @param redis stays the caller's to close
 * @param keyPrefix e.g. "pairloom:demo:"
 */
export function redisHostClock(redis: Redis, keyPrefix: string): HostClock {
  redis.defineCommand("pairloomReserveSlot", { numberOfKeys: 2, lua: reserveScript });
  redis.defineCommand("pairloomPauseHost", { numberOfKeys: 1, lua: pauseScript });
  const commands = redis as unknown as ClockCommands;
  const hostKey = (host: string): string => `${keyPrefix}clock:host:${host}`;
  return {
    async reserve({ host, hostGapMs, address, addressGapMs }, missed) {
      const [waitMs, slot] = await commands.pairloomReserveSlot(
        hostKey(host),
        `${keyPrefix}clock:address:${address}`,
        Math.ceil(hostGapMs),
        Math.ceil(addressGapMs),
        missed === undefined ? "" : String(missed),
      );
      return { waitMs, slot };
    },
    async pause(host, ms) {
      await commands.pairloomPauseHost(hostKey(host), Math.ceil(ms));
    },
  };
}
