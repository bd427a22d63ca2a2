-- Closes a day: what it was counted to is packed, and from here on everything that
-- still comes for it is a correction.
--
-- KEYS[1]  stream of the day's records
-- KEYS[2]  stream of the day's stints
-- KEYS[3]  hash of the days that are closed, by day
-- KEYS[4]  packed counters of the day
-- KEYS[5]  lines of the year, by day
-- KEYS[6]  set of the days that are open
-- KEYS[7]  counters of the month, to which the day is added
-- KEYS[8]  counters of the year, likewise
-- KEYS[9…] counters of the day and of its intervals, which are packed
-- ARGV[1]  the day
-- ARGV[2]  id of the last record that was counted, or 0-0
-- ARGV[3]  id of the last stint that was counted, or 0-0
-- ARGV[4]  what it is closed with, JSON
-- ARGV[5]  packed counters of the day
-- ARGV[6]  packed counters of the intervals
-- ARGV[7]  the day's line, JSON
-- ARGV[8…] what the day adds to month and year: how many amounts are added, how many
--          there are (the others are maxima), the fields, and the amounts
--
-- Result   1 when the day was closed, 0 when it was before, or -1 when something has
--          come meanwhile that was not counted
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
local CHUNK = 2000 -- values in one command; Lua passes no more than about 8000
local sums, count = tonumber(ARGV[8]), tonumber(ARGV[9])
local names, amounts = 9, 9 + count
local results, before = {}, {}
for k = 7, 8 do
  local values, former = {}, {}
  for from = 1, count, CHUNK do
    local to = math.min(from + CHUNK - 1, count)
    local old = redis.call('HMGET', KEYS[k], unpack(ARGV, names + from, names + to))
    for f = from, to do
      local value, amount = 0, tonumber(ARGV[amounts + f])
      if old[f - from + 1] then
        value = tonumber(old[f - from + 1]) or error({err = 'ERR a counter of ' .. KEYS[k] .. ' is not a number'})
      end
      former[#former + 1] = ARGV[names + f]
      former[#former + 1] = old[f - from + 1] or '0' -- which counts as none
      values[#values + 1] = ARGV[names + f]
      values[#values + 1] = f > sums and math.max(value, amount) or value + amount
    end
  end
  results[k], before[k] = values, former
end
-- What would fail below for a key of a wrong type fails here.
redis.call('HLEN', KEYS[4])
redis.call('HLEN', KEYS[5])
redis.call('SCARD', KEYS[6])

local function write()
  for k = 7, 8 do
    for from = 1, #results[k], CHUNK do
      redis.call('HSET', KEYS[k], unpack(results[k], from, math.min(from + CHUNK - 1, #results[k])))
    end
  end
  redis.call('HSET', KEYS[4], 'day', ARGV[5], 'intervals', ARGV[6])
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[7])
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
  redis.call('SREM', KEYS[6], ARGV[1])
  redis.call('DEL', unpack(KEYS, 9)) -- last: it is not undone
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
for k = 7, 8 do
  for from = 1, #before[k], CHUNK do
    redis.pcall('HSET', KEYS[k], unpack(before[k], from, math.min(from + CHUNK - 1, #before[k])))
  end
end
return redis.error_reply(type(failure) == 'table' and failure.err or failure)
