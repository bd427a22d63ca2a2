-- Applies entries of one day, each once: records of finished calls, or stints of
-- agents. All of them are applied wholly, or none at all.
--
-- KEYS[1]   set of the ids of the entries counted for the day
-- KEYS[2]   stream of the day's entries
-- KEYS[3]   live calls, of which the entries are none any more
-- KEYS[4]   hash of the days that are closed, by day
-- KEYS[5]   list of what was applied to the day after it was closed
-- KEYS[6]   set of the days that are open
-- KEYS[7]   hash of the sets of counters of days that are open, by day
-- KEYS[8]   counters of the month, which has the closed days only; see close.lua
-- KEYS[9]   counters of the year, likewise
-- KEYS[10]  token of the last lease that was given
-- KEYS[11]  counters of the day
-- KEYS[12…] counters of intervals
-- ARGV[1]   the day
-- ARGV[2]   seconds after which the set expires, counted from its last entry
-- ARGV[3]   now, as text, for KEYS[5]
-- ARGV[4]   number of the set of counters that the amounts are of; the day keeps the
--           least, for what is not in it was not counted of every entry
-- ARGV[5]   n, how many entries there are; no id occurs twice
-- then for each entry its id, its text, and, of a stint and of a call whose end its
--           controller only supposes, the token of that controller's lease; else empty
-- then the amounts for each of KEYS[11…]; see amounts.lua
--
-- Result    the indices, from 1 on, of the entries that have been applied before, and, as
--           negative numbers, of those that are another's, see goesOn: then nothing is applied, and the rest may be
--           sent again without them. An empty list when all were applied. Or an error,
--           which names the key at fault; then nothing is applied
--
-- Redis undoes nothing when a script fails, and an entry whose id is counted is
-- never applied again. So all that can fail is looked at first, and what fails
-- nevertheless, for example because a right is missing, is undone. Nobody sees the
-- state between: Redis runs the script as one step, and keeps it as one step.
local FENCE, DAY, CLOSED, IDS, EACH = 10, 11, {8, 9}, 6, 3
local n = tonumber(ARGV[5])
local at             -- the key that is being used
local undo = {}      -- functions that take back what was done, last first

local function idOf(entry)
  return ARGV[IDS + EACH * (entry - 1)]
end

local function noLongerLive(left)
  at = KEYS[3]
  for entry = 1, n do
    if not (left and left[entry]) then
      redis.call('HDEL', KEYS[3], idOf(entry))
    end
  end
end

-- goesOn tells whether an entry is another's, who has a later lease: the call, or the
-- agent's time, which begins for the other where the state of before was written.
local function goesOn(entry)
  local token = ARGV[IDS + EACH * (entry - 1) + 2]
  if token == '' then
    return false
  end
  at = KEYS[FENCE]
  local last = redis.call('GET', KEYS[FENCE])
  at = KEYS[3]
  return last and tonumber(last) > tonumber(token)
    and (idOf(entry):sub(1, 6) == 'stint:' or redis.call('HEXISTS', KEYS[3], idOf(entry)) == 1)
end

local function apply()
  local counted, left = {}, {}
  for entry = 1, n do
    at = KEYS[1]
    if redis.call('SISMEMBER', KEYS[1], idOf(entry)) == 1 then
      counted[#counted + 1] = entry
    elseif goesOn(entry) then
      counted[#counted + 1], left[entry] = -entry, true
    end
  end
  if #counted == n then
    noLongerLive(left)
  end
  if #counted > 0 then
    return counted
  end
  at = KEYS[4]
  local closed = redis.call('HEXISTS', KEYS[4], ARGV[1]) == 1
  local buckets = {}
  local i = IDS + EACH * n
  for k = DAY, #KEYS do
    at = KEYS[k]
    buckets[#buckets + 1] = merge(KEYS[k], i)
    if k == DAY and closed then
      for _, more in ipairs(CLOSED) do
        at = KEYS[more]
        buckets[#buckets + 1] = merge(KEYS[more], i)
      end
    end
    i = amountsEnd(i)
  end
  at = KEYS[6]
  local open = redis.call('SISMEMBER', KEYS[6], ARGV[1]) == 1
  at = KEYS[7]
  -- A day that was open before sets were noted has the first.
  local set = tonumber(redis.call('HGET', KEYS[7], ARGV[1]) or open and 1)
  at = KEYS[5]
  redis.call('LLEN', KEYS[5])
  at = KEYS[3]
  redis.call('HLEN', KEYS[3])

  -- From here on something is written. A Redis that takes no writes, such as one
  -- whose memory is full, refuses the first; after it none for such a reason.
  at = KEYS[1]
  for entry = 1, n do
    local id = idOf(entry)
    redis.call('SADD', KEYS[1], id)
    undo[#undo + 1] = function() redis.pcall('SREM', KEYS[1], id) end
  end
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  at = KEYS[2]
  for entry = 1, n do
    local arg = IDS + EACH * (entry - 1)
    local id = redis.call('XADD', KEYS[2], '*', 'call', ARGV[arg], 'record', ARGV[arg + 1])
    undo[#undo + 1] = function() redis.pcall('XDEL', KEYS[2], id) end
  end
  if closed then
    at = KEYS[5]
    for entry = 1, n do
      redis.call('RPUSH', KEYS[5], ARGV[3] .. ' ' .. idOf(entry))
      undo[#undo + 1] = function() redis.pcall('RPOP', KEYS[5]) end
    end
  else
    if not set or set > tonumber(ARGV[4]) then
      at = KEYS[7]
      redis.call('HSET', KEYS[7], ARGV[1], ARGV[4])
      undo[#undo + 1] = function()
        if set then
          redis.pcall('HSET', KEYS[7], ARGV[1], set)
        else
          redis.pcall('HDEL', KEYS[7], ARGV[1])
        end
      end
    end
    if not open then
      at = KEYS[6]
      redis.call('SADD', KEYS[6], ARGV[1])
    end
  end
  for _, b in ipairs(buckets) do
    at = b.key
    undo[#undo + 1] = function() takeBack(b) end
    put(b)
  end
  noLongerLive()
  return {}
end

local ok, result = pcall(apply)
if ok then
  return result
end
for i = #undo, 1, -1 do
  undo[i]()
end
return redis.error_reply((type(result) == 'table' and result.err or result) .. ' (' .. at .. ')')
