-- Takes, keeps or gives back the lease: the right to be the one controller of a site.
-- Or asks its holder to hand it over.
--
-- KEYS[1] lease    hash: token, holder (a Controller as JSON), handover (set when that
--                  was asked for), former and formerly (fence and alive, as they were
--                  before its holder could write anything); expires
-- KEYS[2] fence    string: the token of the last lease that was given
-- KEYS[3] version  string: version of the live state
-- KEYS[4] controllers  hash: id -> Controller as JSON, with seen, ms since 1970, and
--                  watching: since when it has asked again and again
-- KEYS[5] alive    string: when a holder of the lease last said so, ms since 1970
-- KEYS[6] server   hash: run (id of the Redis that was asked last), since (ms since 1970;
--                  0: it is not a successor)
-- KEYS[7] free     string: there when the last holder has given the lease back
--
-- ARGV[1] take, keep, drop or ask
-- ARGV[2] id of the controller      ARGV[3] the Controller as JSON
-- ARGV[4] ms for which the lease is given
-- ARGV[5] the controller's token; 0 with take
-- ARGV[6] version of the live state that the controller knows
-- ARGV[7] the largest token of which the controller has heard; 0: none
-- ARGV[8] with take: the token of the last lease, when the controller has watched for so
--         long that whoever has it would have kept it; else empty
-- ARGV[9] ms after which a controller that says nothing is forgotten
-- ARGV[10] ms for which Redis must have heard of the controller again and again, so that no
--         request that waited while Redis stood still takes the lease; ARGV[11] ms after
--         which that begins anew
--
-- Result: {what, token, holder, alive and fence as they were before, 1 when a handover was
-- asked for}
--   "held"    the controller has the lease, with this token
--   "anew"    so too, but Redis had forgotten it: what it had is lost
--   "other"   holder has it; with no holder: nobody as yet
--   "free"    nobody has it, and nobody has given it back: watch on
--   "newer"   the live state has the version token, which the controller does not know
--
-- Tokens grow: each is larger than those before it, and at least the milliseconds since
-- 1970, so that they grow also when Redis has lost the last one.
--
-- A Redis that takes the place of another, or starts again, gives no lease for twice
-- the time for which it holds: it has run out meanwhile, or this Redis had not heard of
-- it, and its holder is to find the new Redis before another takes it.
local what, id, json, ttl, token, known = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The controller as it was listed last.
local read, before = pcall(cjson.decode, redis.call('HGET', KEYS[4], id) or '{}')
before = read and type(before) == 'table' and before or {}
local seen, watching = tonumber(before['seen'] or 0), tonumber(before['watching'] or 0)
if watching == 0 or watching > now or math.abs(now - seen) > tonumber(ARGV[11]) then
  watching = now
end

-- note lists the controller, who leads or not.
local function note(leads)
  local me = cjson.decode(json)
  me['seen'], me['watching'], me['leading'] = now, watching, leads
  json = cjson.encode(me)
  redis.call('HSET', KEYS[4], id, json)
end

if what == 'ask' then
  local holder = redis.call('HGET', KEYS[1], 'holder')
  if holder then
    redis.call('HSET', KEYS[1], 'handover', '1')
  end
  return {'other', '0', holder or '', '0', '0', '0'}
end

local written = tonumber(redis.call('GET', KEYS[3]) or '0') or 0
if written > known then
  return {'newer', tostring(written), '', '0', '0', '0'}
end
if what == 'take' then
  note(false)
end

local alive = redis.call('GET', KEYS[5]) or '0'

local holds = redis.call('HGET', KEYS[1], 'token')
local last = redis.call('GET', KEYS[2])
local heard = tonumber(ARGV[7])

-- Who may not ask which Redis this is goes without.
local since, info = 0, redis.pcall('INFO', 'server')
local run = type(info) == 'string' and info:match('run_id:(%w+)')
if run then
  local seen = redis.call('HMGET', KEYS[6], 'run', 'since')
  since = tonumber(seen[2] or '0')
  if seen[1] ~= run then
    since = (last or heard > 0) and now or 0
    redis.call('HSET', KEYS[6], 'run', run, 'since', string.format('%.0f', since))
  elseif since > now then -- the clock was set back: it would wait until that has caught up
    since = now
    redis.call('HSET', KEYS[6], 'since', string.format('%.0f', since))
  end
end
local asked = what == 'keep' and redis.call('HGET', KEYS[1], 'token') == token
  and redis.call('HDEL', KEYS[1], 'handover') == 1 and '1' or '0'

-- forget takes controllers out that have said nothing for long, not too many at once.
local function forget()
  local all, most = redis.call('HGETALL', KEYS[4]), 100
  for i = 1, #all, 2 do
    if most == 0 then
      return
    end
    local read, c = pcall(cjson.decode, all[i + 1])
    local seen = read and type(c) == 'table' and tonumber(c['seen']) or 0
    if math.abs(now - seen) > tonumber(ARGV[9]) then
      redis.call('HDEL', KEYS[4], all[i])
      most = most - 1
    end
  end
end

local function give(t, former, formerly)
  redis.call('SET', KEYS[5], string.format('%.0f', now))
  note(true)
  redis.call('HSET', KEYS[1], 'token', t, 'holder', json, 'former', former, 'formerly', formerly)
  redis.call('PEXPIRE', KEYS[1], ttl)
  redis.call('DEL', KEYS[7])
  redis.call('SET', KEYS[2], t)
  redis.call('SET', KEYS[3], tostring(known))
end

if what == 'drop' then
  if holds == token or not holds and last == token then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[6], 'since', '0')
    redis.call('SET', KEYS[5], string.format('%.0f', now))
    redis.call('SET', KEYS[7], token)
  end
  redis.call('HDEL', KEYS[4], id)
  return {'other', '0', '', alive, last or '0', '0'}
end

local free = redis.call('EXISTS', KEYS[7]) == 1
local watched = ARGV[8] ~= '' and tonumber(last or '0') >= tonumber(ARGV[8]) and now - watching >= tonumber(ARGV[10])
if what == 'take' and not holds and not free and not watched then
  return {'free', last or '0', '', alive, last or '0', '0'}
end

if what == 'take' and not holds and now - since >= 2 * ttl then
  local fresh = math.max(tonumber(last or '0') + 1, heard + 1, now)
  token = string.format('%.0f', fresh)
  give(token, last or '0', alive)
  forget()
  return {'held', token, json, alive, last or '0', asked}
end

-- Whoever asks for what it has was not told: the answer was lost.
if what == 'take' and holds then
  local had = redis.call('HMGET', KEYS[1], 'holder', 'former', 'formerly')
  if had[1] and had[2] and had[3] and cjson.decode(had[1]).id == id then
    give(holds, had[2], had[3])
    return {'held', holds, json, had[3], had[2], asked}
  end
end

if what == 'keep' and (holds == token or not holds and not free and last == token) then
  give(token, token, alive)
  return {'held', token, json, alive, last or '0', asked}
end
-- Who knows a later token than Redis has the lease of which this Redis has not heard.
local latest = math.max(tonumber(holds or '0'), tonumber(last or '0'))
if what == 'keep' and latest < tonumber(token) then
  give(token, token, alive)
  return {'anew', token, json, alive, last or '0', asked}
end
if what == 'keep' then
  redis.call('HDEL', KEYS[4], id) -- it leads no more
end
if not holds then
  return {'other', last or '0', '', alive, last or '0', '0'}
end
return {'other', holds, redis.call('HGET', KEYS[1], 'holder'), alive, last or '0', '0'}
