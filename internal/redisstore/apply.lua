-- Applies the record of one finished call, once.
--
-- KEYS[1]  set of the ids of the calls counted for the day
-- KEYS[2]  stream of the day's records
-- KEYS[3]  live calls, of which this one is no longer
-- KEYS[4]  counters of the day
-- KEYS[5]  counters of the interval
-- ARGV[1]  call id
-- ARGV[2]  the record as JSON
-- ARGV[3]  seconds after which the set expires, counted from its last call
-- ARGV[4]  n, how many of the amounts are added; the others are maxima
-- then m fields, then the m amounts that belong to them
--
-- Result   1 when the record was applied, 0 when the call had been counted before
local new = redis.call('SADD', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
if new == 0 then
  return 0
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('XADD', KEYS[2], '*', 'call', ARGV[1], 'record', ARGV[2])
local n = tonumber(ARGV[4])
local m = (#ARGV - 4) / 2
for i = 1, n do
  redis.call('HINCRBY', KEYS[4], ARGV[4 + i], ARGV[4 + m + i])
  redis.call('HINCRBY', KEYS[5], ARGV[4 + i], ARGV[4 + m + i])
end
if n < m then
  for k = 4, 5 do
    local old = redis.call('HMGET', KEYS[k], unpack(ARGV, 5 + n, 4 + m))
    for i = n + 1, m do
      if not old[i - n] or tonumber(old[i - n]) < tonumber(ARGV[4 + m + i]) then
        redis.call('HSET', KEYS[k], ARGV[4 + i], ARGV[4 + m + i])
      end
    end
  end
end
return 1
