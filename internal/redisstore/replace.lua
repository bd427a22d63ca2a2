-- Writes a record in the place of what was there, if that is there still.
--
-- KEYS[1] hash of records
-- ARGV[1] id    ARGV[2] 1: ARGV[3] was there; 0: nothing was
-- ARGV[3] what was there
-- ARGV[4] 1: ARGV[5] is written; 0: the record is removed
-- ARGV[5] what is written
--
-- Result: 1 when done, 0 when something else is there and nothing was changed.
local is = redis.call('HGET', KEYS[1], ARGV[1])
if (ARGV[2] == '1') ~= (is ~= false) or is and is ~= ARGV[3] then
  return 0
end
if ARGV[4] == '1' then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[5])
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
