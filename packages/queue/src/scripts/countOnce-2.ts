import type { RedisScript } from "./redisScript.js";

/**
 * KEYS: the mark of a counted job, the hash of counters. ARGV: how long the mark stays (ms), then field, amount, …
 * Returns 1 where it counted, 0 where this job was counted before.
 */
export const countOnceScript: RedisScript = {
  name: "countOnce",
  keys: 2,
  lua: `
if not redis.call("SET", KEYS[1], "", "NX", "PX", ARGV[1]) then return 0 end
for i = 2, #ARGV, 2 do redis.call("HINCRBY", KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
`,
};
