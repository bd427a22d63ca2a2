-- Closes a day: what it was counted to is packed, and from here on everything that
-- still comes for it is a correction.
--
-- KEYS[1]  stream of the day's records
-- KEYS[2]  stream of the day's stints
-- KEYS[3]  hash of the days that are closed, by day
-- KEYS[4]  packed counters of the day
-- KEYS[5]  lines of the year, by day
-- KEYS[6]  set of the days that are open
-- KEYS[7]  hash of the sets of counters of days that are open, by day
-- KEYS[8]  counters of the month, to which the day is added
-- KEYS[9]  counters of the year, likewise
-- KEYS[10] sorted set of days for which imports are under way; see importing.lua
-- KEYS[11…] counters of the day and of its intervals, which are packed
-- ARGV[1]  the day
-- ARGV[2]  id of the last record that was counted, or 0-0
-- ARGV[3]  id of the last stint that was counted, or 0-0
-- ARGV[4]  what it is closed with, JSON
-- ARGV[5]  packed counters of the day
-- ARGV[6]  packed counters of the intervals
-- ARGV[7]  the day's line, JSON
-- ARGV[8…] the amounts that the day adds to month and year; see amounts.lua
--
-- Result   1 when the day was closed, 0 when it was before, or -1 when something has
--          come meanwhile that was not counted, or -2 while its records are imported
local function last(key)
  local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
  return newest[1] and newest[1][1] or '0-0'
end

if redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then
  return 0
end
if last(KEYS[1]) ~= ARGV[2] or last(KEYS[2]) ~= ARGV[3] then
  return -1
end
for _, held in ipairs(redis.call('ZRANGEBYSCORE', KEYS[10], redis.call('TIME')[1], '+inf')) do
  if held:sub(1, #ARGV[1] + 1) == ARGV[1] .. ' ' then
    return -2
  end
end
local buckets = {}
for k = 8, 9 do
  local whole, bucket = pcall(merge, KEYS[k], 8)
  if not whole then
    return redis.error_reply((type(bucket) == 'table' and bucket.err or bucket) .. ' (' .. KEYS[k] .. ')')
  end
  buckets[#buckets + 1] = bucket
end
-- What would fail below for a key of a wrong type fails here.
redis.call('HLEN', KEYS[4])
redis.call('HLEN', KEYS[5])
redis.call('SCARD', KEYS[6])
local set = redis.call('HGET', KEYS[7], ARGV[1])

local function write()
  for _, bucket in ipairs(buckets) do
    put(bucket)
  end
  redis.call('HSET', KEYS[4], 'day', ARGV[5], 'intervals', ARGV[6])
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[7])
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
  redis.call('SREM', KEYS[6], ARGV[1])
  redis.call('HDEL', KEYS[7], ARGV[1])
  redis.call('DEL', unpack(KEYS, 11)) -- last: it is not undone
end

-- A right may be missing nevertheless; Redis undoes nothing, so this does.
local ok, failure = pcall(write)
if ok then
  return 1
end
redis.pcall('HDEL', KEYS[3], ARGV[1])
redis.pcall('HDEL', KEYS[5], ARGV[1])
redis.pcall('HDEL', KEYS[4], 'day', 'intervals')
redis.pcall('SADD', KEYS[6], ARGV[1])
if set then
  redis.pcall('HSET', KEYS[7], ARGV[1], set)
end
for _, bucket in ipairs(buckets) do
  takeBack(bucket)
end
return redis.error_reply(type(failure) == 'table' and failure.err or failure)
