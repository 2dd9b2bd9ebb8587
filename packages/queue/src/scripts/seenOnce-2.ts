import type { RedisScript } from "./redisScript.js";

/**
 * Adds a chunk of 64-bit keys to a set and says which were new; the answer is kept, so that the same job gets the
 * same answer again, whatever was added meanwhile.
 *
 * The set lies in buckets of signed 64-bit integers, each an intset of Redis (8 bytes a member, up to
 * `set-max-intset-entries`). The number of buckets grows by linear hashing: with `level` and `split`, a key is in
 * bucket `h mod 2^level`, or `h mod 2^(level+1)` if that first number is below `split`; whenever the mean bucket
 * passes `mean` members, bucket number `split` is divided in two. All in one step, so never seen half done.
 *
 * KEYS: the set's state (hash: count, level, split; buckets are named KEY:number), the job's answer.
 * ARGV: mean members of a bucket, the low 32 bits of each key (little endian, one after the other), then the keys as
 * decimal signed integers.
 * Returns a bitmap, lowest bit first.
 */
export const seenOnceScript: RedisScript = {
  name: "seenOnce",
  keys: 2,
  lua: `
local kept = redis.call("GET", KEYS[2])
if kept then return kept end

local state = redis.call("HMGET", KEYS[1], "count", "level", "split")
local count, level, split = tonumber(state[1] or 0), tonumber(state[2] or 0), tonumber(state[3] or 0)
local mean = tonumber(ARGV[1])
local prefix = KEYS[1] .. ":"

-- A decimal 64-bit integer modulo a power of two of at most 2^26: a double is exact to 2^53 only.
local function modulo(text, m)
  local negative = string.byte(text, 1) == 45
  local digits = negative and string.sub(text, 2) or text
  local low = tonumber(string.sub(digits, -9))
  local high = tonumber(string.sub(digits, 1, -10)) or 0
  local rest = ((high % m) * (1000000000 % m) + low) % m
  if negative and rest > 0 then return m - rest end
  return rest
end

local bits = {}
local byte, weight = 0, 1
local size = 2 ^ level
local call, low, unpackLow = redis.call, ARGV[2], struct.unpack
for i = 3, #ARGV do
  local h = unpackLow("<I4", low, i * 4 - 11)
  local bucket = h % size
  if bucket < split then bucket = h % (size * 2) end
  if call("SADD", prefix .. bucket, ARGV[i]) == 1 then
    byte = byte + weight
    count = count + 1
  end
  weight = weight * 2
  if weight == 256 then
    bits[#bits + 1] = string.char(byte)
    byte, weight = 0, 1
  end
end
if weight > 1 then bits[#bits + 1] = string.char(byte) end

while count > mean * (size + split) do
  local from = prefix .. split
  local to = prefix .. (split + size)
  local stay, go = {}, {}
  for _, member in ipairs(redis.call("SMEMBERS", from)) do
    if modulo(member, size * 2) == split then stay[#stay + 1] = member else go[#go + 1] = member end
  end
  redis.call("DEL", from)
  for start = 1, #stay, 4000 do redis.call("SADD", from, unpack(stay, start, math.min(start + 3999, #stay))) end
  for start = 1, #go, 4000 do redis.call("SADD", to, unpack(go, start, math.min(start + 3999, #go))) end
  split = split + 1
  if split == size then
    level, size, split = level + 1, size * 2, 0
  end
end

redis.call("HSET", KEYS[1], "count", count, "level", level, "split", split)
local answer = table.concat(bits)
redis.call("SET", KEYS[2], answer)
return answer
`,
};
