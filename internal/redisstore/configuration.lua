-- Adds a text to the history of the configuration, if nobody has added one meanwhile, and
-- lets go of the oldest.
--
-- KEYS[1]  list of what is known of each, the newest first, JSON with number, version and size
-- KEYS[2]  hash of the texts by version
-- ARGV[1]  the newest as it was read, or nothing
-- ARGV[2]  what is known of this one, JSON
-- ARGV[3]  its version
-- ARGV[4]  its text
-- ARGV[5]  how many are kept at most
-- ARGV[6]  and how many bytes
--
-- Result   1 when it was added, 0 when another one is the newest now
if (redis.call('LINDEX', KEYS[1], 0) or '') ~= ARGV[1] then
  return 0
end
redis.call('LPUSH', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
local kept, bytes, texts = 0, 0, {}
for i, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local known = cjson.decode(entry)
  if not texts[known.version] then
    bytes = bytes + known.size
  end
  if i > 1 and (i > tonumber(ARGV[5]) or bytes > tonumber(ARGV[6])) then
    break
  end
  kept, texts[known.version] = i, true
end
redis.call('LTRIM', KEYS[1], 0, kept - 1)
for _, version in ipairs(redis.call('HKEYS', KEYS[2])) do
  if not texts[version] then
    redis.call('HDEL', KEYS[2], version)
  end
end
return 1
