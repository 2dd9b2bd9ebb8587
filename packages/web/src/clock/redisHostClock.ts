import type { Redis } from "ioredis";
import type { HostClock, SlotRequest } from "./hostClock.js";
import { OutageLimit } from "./outageLimit.js";

/**
 * KEYS 1: host's next slot, 2: address's slots (sorted set, score = member = ms), 3: when the host may be asked again,
 * 4: when the address may. ARGV 1: host gap, 2: address gap. All moments are ms of Redis's own clock.
 */
const prelude = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.ceil(t[2] / 1000)
local hostGap, addressGap = tonumber(ARGV[1]), tonumber(ARGV[2])
local function at(key) return tonumber(redis.call('GET', key) or 0) end
local function openAt()
  local open = at(KEYS[3])
  if addressGap > 0 then open = math.max(open, at(KEYS[4])) end
  return open
end
local function keep(key, moment)
  redis.call('SET', key, string.format('%.0f', moment), 'PX', moment - now + 1000)
end
local function close()
  if hostGap > 0 and now + hostGap > at(KEYS[3]) then keep(KEYS[3], now + hostGap) end
  if addressGap > 0 then keep(KEYS[4], now + addressGap) end
end
`;

/** A host needs one pointer; an address needs a list, for its hosts' slots don't come in the order they are taken. */
const reserveScript = `${prelude}
local slot = math.max(now, at(KEYS[1]), openAt())
if addressGap > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - addressGap)
  for _, booked in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. (slot - addressGap), '+inf')) do
    booked = tonumber(booked)
    if booked >= slot + addressGap then break end
    if booked > slot - addressGap then slot = booked + addressGap end
  end
  redis.call('ZADD', KEYS[2], slot, string.format('%.0f', slot))
  redis.call('PEXPIRE', KEYS[2], slot - now + addressGap + 60000)
end
if hostGap > 0 then keep(KEYS[1], slot + hostGap) end
if slot <= now then close() end
return slot - now
`;

const confirmScript = `${prelude}
local wait = openAt() - now
if wait > 0 then return wait end
close()
return 0
`;

const sentScript = `${prelude}
close()
return 0
`;

/** ARGV 1: ms. */
const pauseScript = `${prelude}
if now + hostGap > at(KEYS[3]) then keep(KEYS[3], now + hostGap) end
return 0
`;

type Command = (
  next: string,
  booked: string,
  hostOpen: string,
  addressOpen: string,
  hostGapMs: number,
  addressGapMs: number,
) => Promise<number>;

const scripts = {
  pairloomReserve: reserveScript,
  pairloomConfirm: confirmScript,
  pairloomSent: sentScript,
  pairloomPause: pauseScript,
};

export interface RedisClockOptions {
  /** The longest a Redis that is away is waited for; by default there is no end. */
  outageLimitMs?: number | undefined;
}

/**
 * Host clocks shared by every process on one Redis, one script and one round trip a question, by Redis's own time.
 * Keys expire when their moments have passed, so Redis holds hosts at work and no others. While Redis is away nobody
 * gets leave, and after a lost connection not before a gap has passed: the server may have come back with nothing in it.
 *
 * @param redis stays the caller's to close
 * @param keyPrefix e.g. "pairloom"
 * @returns a clock whose questions reject with UserError "redis_lost" beyond the limit
 */
export function redisHostClock(
  redis: Redis,
  keyPrefix: string,
  { outageLimitMs = Infinity }: RedisClockOptions = {},
): HostClock {
  for (const [name, lua] of Object.entries(scripts)) redis.defineCommand(name, { numberOfKeys: 4, lua });
  const commands = redis as unknown as Record<keyof typeof scripts, Command>;
  const prefix = `${keyPrefix.replace(/:$/, "")}:clock`;
  const outage = new OutageLimit(outageLimitMs);
  /** When a connection was last lost or came back after that; "ready" is told before its first answer is read. */
  let shakenMs = -Infinity;
  redis.on("close", () => (shakenMs = performance.now()));
  redis.on("ready", () => {
    if (shakenMs !== -Infinity) shakenMs = performance.now();
  });

  const run = (name: keyof typeof scripts, { host, hostGapMs, address, addressGapMs }: SlotRequest) =>
    outage.wait(
      commands[name](
        `${prefix}:next:${host}`,
        `${prefix}:booked:${address}`,
        `${prefix}:host:${host}`,
        `${prefix}:address:${address}`,
        Math.ceil(hostGapMs),
        Math.ceil(addressGapMs),
      ),
    );
  const ask = async (name: "pairloomReserve" | "pairloomConfirm", request: SlotRequest): Promise<number> => {
    const waitMs = await run(name, request);
    const gapMs = Math.max(request.hostGapMs, request.addressGapMs);
    return Math.max(waitMs, shakenMs + gapMs - performance.now());
  };
  return {
    reserve: (request) => ask("pairloomReserve", request),
    confirm: (request) => ask("pairloomConfirm", request),
    async sent(request) {
      await run("pairloomSent", request);
    },
    async pause(host, ms) {
      await run("pairloomPause", { host, hostGapMs: ms, address: "", addressGapMs: 0 });
    },
  };
}
