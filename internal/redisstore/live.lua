-- Writes live state, unless another controller has the lease.
--
-- KEYS[1]  fence   string: the token of the last lease that was given
-- KEYS[2]  through hash: token, and seq, the greatest ARGV[3] under that token; writer, and
--          write, the greatest ARGV[5] of that writer
-- KEYS[3…]         hashes, one for each kind of thing
--
-- ARGV[1]  token of the lease under which this is written; empty: it is not looked at
-- ARGV[2]  1: the hashes are emptied first
-- ARGV[3]  number of the newest change that is known once this is written; 0: it is not noted.
--          By it a spool is compared with what is here
-- ARGV[4]  who writes: another for each store of a process
-- ARGV[5]  number of this write, greater than those before it; 0: it is not looked at
-- then for each hash: how many fields are set and how many removed; the fields and
-- values that are set, by turns; the fields that are removed
--
-- Result: OK; or the error FENCED when a later lease was given, UNFENCED when Redis
-- knows of none, or of an earlier one, because it has lost its data, or has taken the
-- place of a Redis from which it had not heard of it: the lease must be kept first; LATE when
-- a later write of the same writer was here before, because this one was on its way for so
-- long that the writer gave it up: it would bring back what has ended since.
if ARGV[1] ~= '' then
  local last = redis.call('GET', KEYS[1])
  if not last or tonumber(last) < tonumber(ARGV[1]) then
    return redis.error_reply('UNFENCED Redis does not know of the lease')
  end
  if last ~= ARGV[1] then
    return redis.error_reply('FENCED another controller has the lease')
  end
end

local noted = redis.call('HMGET', KEYS[2], 'token', 'seq', 'writer', 'write')
if ARGV[5] ~= '0' and noted[3] == ARGV[4] and tonumber(noted[4]) >= tonumber(ARGV[5]) then
  return redis.error_reply('LATE a later write came before')
end

local at = 6
for k = 3, #KEYS do
  local sets, removals = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  at = at + 2
  if ARGV[2] == '1' then
    redis.call('DEL', KEYS[k])
  end
  if sets > 0 then
    redis.call('HSET', KEYS[k], unpack(ARGV, at, at + 2 * sets - 1))
    at = at + 2 * sets
  end
  if removals > 0 then
    redis.call('HDEL', KEYS[k], unpack(ARGV, at, at + removals - 1))
    at = at + removals
  end
end
if ARGV[3] ~= '0' and (noted[1] ~= ARGV[1] or tonumber(ARGV[3]) > tonumber(noted[2])) then
  redis.call('HSET', KEYS[2], 'token', ARGV[1], 'seq', ARGV[3])
end
if ARGV[5] ~= '0' then
  redis.call('HSET', KEYS[2], 'writer', ARGV[4], 'write', ARGV[5])
end
return redis.status_reply('OK')
