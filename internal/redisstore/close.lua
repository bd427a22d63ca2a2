-- Closes a day: what it was counted to is packed, and from here on everything that
-- still comes for it is a correction.
--
-- KEYS[1]  stream of the day's records
-- KEYS[2]  stream of the day's stints
-- KEYS[3]  hash of the days that are closed, by day
-- KEYS[4]  packed counters of the day
-- KEYS[5]  lines of the year, by day
-- KEYS[6…] counters of the day and of its intervals, which are packed
-- ARGV[1]  the day
-- ARGV[2]  id of the last record that was counted, or 0-0
-- ARGV[3]  id of the last stint that was counted, or 0-0
-- ARGV[4]  what it is closed with, JSON
-- ARGV[5]  packed counters of the day
-- ARGV[6]  packed counters of the intervals
-- ARGV[7]  the day's line, JSON
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
redis.call('HSET', KEYS[4], 'day', ARGV[5], 'intervals', ARGV[6])
redis.call('HSET', KEYS[5], ARGV[1], ARGV[7])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
redis.call('DEL', unpack(KEYS, 6))
return 1
