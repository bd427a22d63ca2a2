-- Notes for which days an import is under way, for a time; such a day is not closed.
--
-- KEYS[1]  sorted set of what holds days open: day, blank, import; by the time until when,
--          in seconds since 1970
-- ARGV[1]  the import
-- ARGV[2]  for how many seconds from now on it holds the days; 0 lets them go
-- ARGV[3…] the days
--
-- Result   how many days are held by this import or by others
local now, seconds = tonumber(redis.call('TIME')[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
for i = 3, #ARGV do
  local member = ARGV[i] .. ' ' .. ARGV[1]
  if seconds > 0 then
    redis.call('ZADD', KEYS[1], now + seconds, member)
  else
    redis.call('ZREM', KEYS[1], member)
  end
end
return redis.call('ZCARD', KEYS[1])
