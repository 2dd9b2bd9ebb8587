import type { RedisScript } from "./redisScript.js";

/**
 * Adds a chunk of 64-bit keys to a set and says which were new; the answer is kept, so that the same job gets the
 * same answer again, whatever was added meanwhile.
 *
 * The set lies in buckets of signed 64-bit integers, each an intset of Redis (sorted, 8 bytes a member, up to
 * `set-max-intset-entries`). A bucket is a range of keys, 2^level equal ones, of which the first `split` are divided in
 * two already; whenever the mean bucket passes `mean` members the next is divided (linear hashing). Its members are
 * sorted, so what moves is its end, found by a few comparisons. Ranges are of doubles: the nearest one to a key, rounded
 * the same way each time it is asked for. All in one step, so never seen half done.
 *
 * KEYS: the set's state (hash: count, level, split; buckets are named KEY:where their range begins, of 2^26), the job's
 * answer, the project's epoch. ARGV: the epoch that the caller knows (empty: none is kept), mean members of a bucket, then
 * the keys as decimal signed integers.
 * Returns a bitmap, lowest bit first; nothing where the epoch is another: an empty set would call everything new.
 */
export const seenOnceScript: RedisScript = {
  name: "seenOnce",
  keys: 3,
  lua: `
local call = redis.call
if ARGV[1] ~= "" and call("GET", KEYS[3]) ~= ARGV[1] then return false end
local kept = call("GET", KEYS[2])
if kept then return kept end

local state = call("HMGET", KEYS[1], "count", "level", "split")
local count, level, split = tonumber(state[1] or 0), tonumber(state[2] or 0), tonumber(state[3] or 0)
local mean = tonumber(ARGV[2])
local prefix = KEYS[1] .. ":"
local size = 2 ^ level
local half, places = 2 ^ 63, 2 ^ 26

-- The range of a member: h of size equal ones, or of twice as many where that one is divided. A string in a sum is read
-- as a double; the few that round up to 2^63 belong to the last range.
local scale, width = size / 2 ^ 64, places / size
local bits, byte, weight = {}, 0, 1
for i = 3, #ARGV do
  local member = ARGV[i]
  local h = (member + half) * scale
  local range = h - h % 1
  if range >= size then h, range = size - 0.25, size - 1 end
  local place = range * width
  if range < split and h - range >= 0.5 then place = place + width / 2 end
  if call("SADD", prefix .. place, member) == 1 then
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
  width = places / size
  local from, to = prefix .. split * width, prefix .. (split + 0.5) * width
  local members = call("SMEMBERS", from)
  -- A server that allows only smaller intsets has a table there.
  if members[1] and call("OBJECT", "ENCODING", from) ~= "intset" then
    table.sort(members, function(a, b) return a + 0 < b + 0 end)
  end
  local border = (split + 0.5) * (2 ^ 64 / size)
  local first, after = 1, #members + 1
  while first < after do
    local middle = (first + after - (first + after) % 2) / 2
    if members[middle] + half < border then first = middle + 1 else after = middle end
  end
  for start = first, #members, 4000 do
    local stop = math.min(start + 3999, #members)
    call("SADD", to, unpack(members, start, stop))
    call("SREM", from, unpack(members, start, stop))
  end
  split = split + 1
  if split == size then
    level, size, split = level + 1, size * 2, 0
  end
end

call("HSET", KEYS[1], "count", count, "level", level, "split", split)
local answer = table.concat(bits)
call("SET", KEYS[2], answer)
return answer
`,
};
