-- Applies the record of one finished call, once.
--
-- KEYS[1]  set of the ids of the calls counted for the day
-- KEYS[2]  stream of the day's records
-- KEYS[3]  counters of the day
-- KEYS[4]  counters of the interval
-- KEYS[5]  live calls, of which this one is no longer
-- ARGV[1]  call id
-- ARGV[2]  the record as JSON
-- ARGV[3]  seconds after which the set expires, counted from its last call
-- ARGV[4]  n, how many counters are added to
-- then n pairs of field and amount to add, then pairs of field and maximum
--
-- Result   1 when the record was applied, 0 when the call had been counted before
local new = redis.call('SADD', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[5], ARGV[1])
if new == 0 then
  return 0
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('XADD', KEYS[2], '*', 'call', ARGV[1], 'record', ARGV[2])
local last = 4 + 2 * tonumber(ARGV[4])
for i = 5, last, 2 do
  redis.call('HINCRBY', KEYS[3], ARGV[i], ARGV[i + 1])
  redis.call('HINCRBY', KEYS[4], ARGV[i], ARGV[i + 1])
end
for i = last + 1, #ARGV, 2 do
  local value = tonumber(ARGV[i + 1])
  for k = 3, 4 do
    local present = redis.call('HGET', KEYS[k], ARGV[i])
    if not present or tonumber(present) < value then
      redis.call('HSET', KEYS[k], ARGV[i], ARGV[i + 1])
    end
  end
end
return 1
