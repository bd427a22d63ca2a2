-- Applies the record of one finished call, once, and wholly or not at all.
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
-- Result   1 when the record was applied, 0 when the call had been counted before,
--          or an error, which names the key at fault; then nothing is applied
--
-- Redis undoes nothing when a script fails, and a call whose id is counted is
-- never applied again. So a failure half way is undone here. Nobody sees the
-- state between: Redis runs the script as one step, and keeps it as one step.
local n = tonumber(ARGV[4])
local m = (#ARGV - 4) / 2
local at                         -- the key that is being used
local counted, entry             -- whether the id is in the set; the record's place in the stream
local added = {[4] = 0, [5] = 0} -- how many of the amounts are in the counters

-- rising are the maxima of a bucket that the record exceeds, as arguments of HSET.
local function rising(key)
  at = key
  local rise = {}
  local old = redis.call('HMGET', key, unpack(ARGV, 5 + n, 4 + m))
  for i = n + 1, m do
    local value = old[i - n] and (tonumber(old[i - n]) or error({err = 'ERR a maximum is not a number'}))
    if not value or value < tonumber(ARGV[4 + m + i]) then
      table.insert(rise, ARGV[4 + i])
      table.insert(rise, ARGV[4 + m + i])
    end
  end
  return rise
end

local function apply()
  -- First, so that a Redis that takes no writes, such as one whose memory is
  -- full, refuses this one. After it, it refuses none for such a reason.
  at = KEYS[1]
  counted = redis.call('SADD', KEYS[1], ARGV[1]) == 1
  if not counted then
    at = KEYS[3]
    redis.call('HDEL', KEYS[3], ARGV[1])
    return 0
  end
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  at = KEYS[2]
  entry = redis.call('XADD', KEYS[2], '*', 'call', ARGV[1], 'record', ARGV[2])
  for k = 4, 5 do
    at = KEYS[k]
    for i = 1, n do
      redis.call('HINCRBY', KEYS[k], ARGV[4 + i], ARGV[4 + m + i])
      added[k] = i
    end
  end
  local day, interval = {}, {}
  if n < m then
    day, interval = rising(KEYS[4]), rising(KEYS[5])
  end
  -- This can fail and is not undone, so it comes after all else that can fail:
  -- the keys of the maxima have just been read and written as hashes.
  at = KEYS[3]
  redis.call('HDEL', KEYS[3], ARGV[1])
  if #day > 0 then
    redis.call('HSET', KEYS[4], unpack(day))
  end
  if #interval > 0 then
    redis.call('HSET', KEYS[5], unpack(interval))
  end
  return 1
end

local function undo()
  for k = 4, 5 do
    for i = 1, added[k] do
      if redis.pcall('HINCRBY', KEYS[k], ARGV[4 + i], '-' .. ARGV[4 + m + i]) == 0 then
        redis.pcall('HDEL', KEYS[k], ARGV[4 + i])
      end
    end
  end
  if entry then
    redis.pcall('XDEL', KEYS[2], entry)
  end
  if counted then
    redis.pcall('SREM', KEYS[1], ARGV[1])
  end
end

local ok, result = pcall(apply)
if ok then
  return result
end
undo()
return redis.error_reply((type(result) == 'table' and result.err or result) .. ' (' .. at .. ')')
