-- What several scripts share; its text stands before theirs. It takes no KEYS of its own.
--
-- Amounts for a bucket of counters stand in ARGV, from a number i on: how many are added,
-- how many there are (the others are maxima), the fields, and the amounts that belong to
-- them. amountsEnd(i) is the number after them.
local CHUNK = 2000   -- values in one command; Lua passes no more than about 8000

local function amountsEnd(i)
  return i + 2 + 2 * tonumber(ARGV[i + 1])
end

-- merge reads what a bucket has, and returns what it is to have and what it had, as
-- arguments of HSET, with the fields that it did not have. It writes nothing, and fails
-- for a counter that is not a number. The amounts begin at i.
local function merge(key, i)
  local sums, count = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local names, amounts = i + 1, i + 1 + count
  local after, before, missing = {}, {}, {}
  for from = 1, count, CHUNK do
    local to = math.min(from + CHUNK - 1, count)
    local old = redis.call('HMGET', key, unpack(ARGV, names + from, names + to))
    for f = from, to do
      local name, amount, text = ARGV[names + f], ARGV[amounts + f], old[f - from + 1]
      if not text then
        missing[#missing + 1] = name
        after[#after + 1] = name
        after[#after + 1] = amount
      else
        local value = tonumber(text) or error({err = 'ERR the counter ' .. name .. ' is not a number'})
        local sum = f > sums and math.max(value, amount) or value + amount
        if sum ~= value then
          before[#before + 1] = name
          before[#before + 1] = text
          after[#after + 1] = name
          after[#after + 1] = sum -- Redis writes whole numbers up to 2^53 exactly
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

-- put writes what merge has found, with redis.call.
local function put(bucket)
  inChunks(redis.call, 'HSET', bucket.key, bucket.after)
end

-- takeBack makes a bucket what it was before put, as far as Redis lets it.
local function takeBack(bucket)
  inChunks(redis.pcall, 'HSET', bucket.key, bucket.before)
  for _, name in ipairs(bucket.missing) do
    local gone = redis.pcall('HDEL', bucket.key, name)
    if type(gone) == 'table' and gone.err then
      redis.pcall('HSET', bucket.key, name, '0') -- counts as none
    end
  end
end

