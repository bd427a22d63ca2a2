-- Applies entries of one day, each once: records of finished calls, or stints of
-- agents. All of them are applied wholly, or none at all.
--
-- KEYS[1]  set of the ids of the entries counted for the day
-- KEYS[2]  stream of the day's entries
-- KEYS[3]  live calls, of which the entries are none any more
-- KEYS[4]  hash of the days that are closed, by day
-- KEYS[5]  list of what was applied to the day after it was closed
-- KEYS[6…] counters: of the day, its month, its year, then of intervals
-- ARGV[1]  the day
-- ARGV[2]  seconds after which the set expires, counted from its last entry
-- ARGV[3]  now, as text, for KEYS[5]
-- ARGV[4]  JSON: fields, the names of all counters' fields that occur; maxima, the
--          index in fields from which on amounts are maxima; entries, for each a
--          list of {interval, field, amount, field, amount, …}, where interval is an
--          index in KEYS and field one in fields
-- then for each entry its id and its text
--
-- Result   for each entry 1 when it was applied, 0 when it had been before; or an
--          error, which names the key at fault; then nothing is applied
--
-- Redis undoes nothing when a script fails, and an entry whose id is counted is
-- never applied again. So all that can fail is looked at first, and what fails
-- nevertheless, for example because a right is missing, is undone. Nobody sees the
-- state between: Redis runs the script as one step, and keeps it as one step.
local input = cjson.decode(ARGV[4])
local fields, maxima = input.fields, input.maxima
local WHOLE = 8      -- the last of the keys that count the whole day and more
local CHUNK = 2000   -- values in one command; Lua passes no more than about 8000
local at             -- the key that is being used
local undo = {}      -- functions that take back what was done, last first

-- add puts amounts of an entry into the sums of a bucket.
local function add(sums, amounts)
  for i = 2, #amounts, 2 do
    local f, amount = amounts[i], amounts[i + 1]
    local old = sums[f]
    if not old then
      sums[f] = amount
    elseif f >= maxima then
      sums[f] = math.max(old, amount)
    else
      sums[f] = old + amount
    end
  end
end

-- merge reads what a bucket has, and returns the values that it is to have, and
-- those it had, as arguments of HSET, with the fields that it did not have.
local function merge(key, sums)
  at = key
  local order = {}
  for f in pairs(sums) do
    order[#order + 1] = f
  end
  local after, before, missing = {}, {}, {}
  for from = 1, #order, CHUNK do
    local names = {}
    for i = from, math.min(from + CHUNK - 1, #order) do
      names[#names + 1] = fields[order[i]]
    end
    local old = redis.call('HMGET', key, unpack(names))
    for i, name in ipairs(names) do
      local f, value = order[from + i - 1], 0
      if old[i] then
        value = tonumber(old[i]) or error({err = 'ERR the counter ' .. name .. ' is not a number'})
      end
      local sum = f >= maxima and math.max(value, sums[f]) or value + sums[f]
      if sum ~= value or not old[i] then
        after[#after + 1] = name
        after[#after + 1] = string.format('%.0f', sum)
        if old[i] then
          before[#before + 1] = name
          before[#before + 1] = old[i]
        else
          missing[#missing + 1] = name
        end
      end
    end
  end
  return {key = key, after = after, before = before, missing = missing}
end

local function inChunks(call, command, key, values)
  for from = 1, #values, CHUNK do
    call(command, key, unpack(values, from, math.min(from + CHUNK - 1, #values)))
  end
end

local function apply()
  local result, fresh = {}, {}
  local sums = {}
  at = KEYS[1]
  local seen = {}
  for n = 1, #input.entries do
    local id = ARGV[3 + 2 * n]
    if seen[id] or redis.call('SISMEMBER', KEYS[1], id) == 1 then
      result[n] = 0
    else
      seen[id], result[n] = true, 1
      fresh[#fresh + 1] = n
      for _, amounts in ipairs(input.entries[n]) do
        local bucket = amounts[1]
        sums[bucket] = sums[bucket] or {}
        add(sums[bucket], amounts)
      end
    end
  end
  if #fresh == 0 then
    at = KEYS[3]
    for n = 1, #input.entries do
      redis.call('HDEL', KEYS[3], ARGV[3 + 2 * n])
    end
    return result
  end
  local whole, buckets = {}, {}
  for bucket, own in pairs(sums) do
    local flat = {bucket}
    for f, amount in pairs(own) do
      flat[#flat + 1] = f
      flat[#flat + 1] = amount
    end
    add(whole, flat)
    buckets[#buckets + 1] = merge(KEYS[bucket], own)
  end
  for k = 6, WHOLE do
    buckets[#buckets + 1] = merge(KEYS[k], whole)
  end
  at = KEYS[4]
  local closed = redis.call('HEXISTS', KEYS[4], ARGV[1]) == 1
  at = KEYS[5]
  redis.call('LLEN', KEYS[5])
  at = KEYS[3]
  redis.call('HLEN', KEYS[3])

  -- From here on something is written. A Redis that takes no writes, such as one
  -- whose memory is full, refuses the first; after it none for such a reason.
  at = KEYS[1]
  for _, n in ipairs(fresh) do
    local id = ARGV[3 + 2 * n]
    redis.call('SADD', KEYS[1], id)
    undo[#undo + 1] = function() redis.pcall('SREM', KEYS[1], id) end
  end
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  at = KEYS[2]
  for _, n in ipairs(fresh) do
    local entry = redis.call('XADD', KEYS[2], '*', 'call', ARGV[3 + 2 * n], 'record', ARGV[4 + 2 * n])
    undo[#undo + 1] = function() redis.pcall('XDEL', KEYS[2], entry) end
  end
  if closed then
    at = KEYS[5]
    for _, n in ipairs(fresh) do
      redis.call('RPUSH', KEYS[5], ARGV[3] .. ' ' .. ARGV[3 + 2 * n])
      undo[#undo + 1] = function() redis.pcall('RPOP', KEYS[5]) end
    end
  end
  for _, b in ipairs(buckets) do
    at = b.key
    undo[#undo + 1] = function()
      inChunks(redis.pcall, 'HSET', b.key, b.before)
      for _, name in ipairs(b.missing) do
        local gone = redis.pcall('HDEL', b.key, name)
        if type(gone) == 'table' and gone.err then
          redis.pcall('HSET', b.key, name, '0') -- counts as none
        end
      end
    end
    inChunks(redis.call, 'HSET', b.key, b.after)
  end
  at = KEYS[3]
  for n = 1, #input.entries do
    redis.call('HDEL', KEYS[3], ARGV[3 + 2 * n])
  end
  return result
end

local ok, result = pcall(apply)
if ok then
  return result
end
for i = #undo, 1, -1 do
  undo[i]()
end
return redis.error_reply((type(result) == 'table' and result.err or result) .. ' (' .. at .. ')')
