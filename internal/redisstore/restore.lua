-- Puts the records of an archived day in the place of what Redis has of it, which
-- comes after them.
--
-- KEYS[1]  hash of the days that are closed, by day
-- KEYS[2]  stream of the archived records
-- KEYS[3]  stream of the archived stints
-- KEYS[4]  stream of the day's records: corrections that came since
-- KEYS[5]  stream of the day's stints, likewise
-- ARGV[1]  the day
-- ARGV[2]  what it is closed with, and the file, JSON
-- ARGV[3]  the same without the file
-- ARGV[4]  how many records were archived
-- ARGV[5]  how many stints
--
-- Result   1 when it was done, or -1 when there are not as many, or the day was changed
--          meanwhile; then KEYS[2] and KEYS[3] are gone
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] or redis.call('XLEN', KEYS[2]) ~= tonumber(ARGV[4])
  or redis.call('XLEN', KEYS[3]) ~= tonumber(ARGV[5]) then
  redis.call('DEL', KEYS[2], KEYS[3])
  return -1
end
for i = 2, 3 do
  for _, entry in ipairs(redis.call('XRANGE', KEYS[i + 2], '-', '+')) do
    redis.call('XADD', KEYS[i], entry[1], unpack(entry[2]))
  end
end
for i = 2, 3 do
  if redis.call('EXISTS', KEYS[i]) == 1 then
    redis.call('RENAME', KEYS[i], KEYS[i + 2])
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
