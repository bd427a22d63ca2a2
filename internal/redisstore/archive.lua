-- Lets go of the records of a closed day, which are in a file.
--
-- KEYS[1]  hash of the days that are closed, by day
-- KEYS[2]  stream of the day's records
-- KEYS[3]  stream of the day's stints
-- KEYS[4]  lines of the year, by day
-- ARGV[1]  the day
-- ARGV[2]  what it is closed with, JSON
-- ARGV[3]  the same, and the file
-- ARGV[4]  how many records are in the file
-- ARGV[5]  how many stints
-- ARGV[6]  id of the last record in the file, or 0-0
-- ARGV[7]  id of the last stint, or 0-0
-- ARGV[8]  the day's line with the peaks of these records, JSON, or nothing when they are
--          those that it has
--
-- Result   1 when it was done, or -1 when Redis has other records, or the day was
--          changed, meanwhile
local function has(key, count, last)
  local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
  return redis.call('XLEN', key) == tonumber(count) and (newest[1] and newest[1][1] or '0-0') == last
end

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] or not has(KEYS[2], ARGV[4], ARGV[6]) or not has(KEYS[3], ARGV[5], ARGV[7]) then
  return -1
end
-- This takes nothing away. A user without the right to do so is refused here, before
-- the day is called archived.
redis.call('XTRIM', KEYS[2], 'MAXLEN', ARGV[4])
if ARGV[8] ~= '' then
  redis.call('HSET', KEYS[4], ARGV[1], ARGV[8])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
-- The streams stay, empty: they remember their last id, so that corrections get greater
-- ones, whatever the clock says.
redis.call('XTRIM', KEYS[2], 'MAXLEN', 0)
redis.call('XTRIM', KEYS[3], 'MAXLEN', 0)
return 1
