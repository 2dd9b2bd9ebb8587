import type { RedisScript } from "./redisScript.js";

/**
 * KEYS: the prefix of all queues. ARGV: their names. One look at all of them, so that a job on its way from one state
 * or queue to the next is always seen somewhere.
 * Returns, for each queue: waiting, prioritized, active, delayed, waiting for children, failed, is paused. Last comes the
 * epoch in which all this is so, or an empty text.
 */
export const roadCountsScript: RedisScript = {
  name: "roadCounts",
  keys: 1,
  lua: `
local counts = {}
local function add(n) counts[#counts + 1] = n end
for _, queue in ipairs(ARGV) do
  local key = KEYS[1] .. ":" .. queue .. ":"
  add(redis.call("LLEN", key .. "wait") + redis.call("LLEN", key .. "paused"))
  add(redis.call("ZCARD", key .. "prioritized"))
  add(redis.call("LLEN", key .. "active"))
  add(redis.call("ZCARD", key .. "delayed"))
  add(redis.call("ZCARD", key .. "waiting-children"))
  add(redis.call("ZCARD", key .. "failed"))
  add(redis.call("HEXISTS", key .. "meta", "paused"))
end
counts[#counts + 1] = redis.call("GET", KEYS[1] .. ":epoch") or ""
return counts
`,
};
