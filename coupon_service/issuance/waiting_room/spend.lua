-- Use a ticket, once.
--
-- KEYS[1] turns   KEYS[2] spent                              (see enter.lua; one cluster slot: {release})
-- ARGV[1] resident   ARGV[2] end of the ticket's turn in ms   ARGV[3] now_ms   ARGV[4] ms for which the
-- claim's seat may still be missing from the count of seats taken   ARGV[5] expire_ms
--
-- A ticket of a room that Redis has lost is as good as any: its signature was checked. Later turns end
-- later, so the last end spent rules out all tickets before it. Returns 1, or 0 if it was used before.
local ends_ms = tonumber(ARGV[2])
if ends_ms <= tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0') then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIREAT', KEYS[2], ARGV[5])
-- The turn goes on promising its seat for a moment, until the gate counts the seat as taken.
local promised_ms = math.min(ends_ms, tonumber(ARGV[3]) + tonumber(ARGV[4]))
redis.call('ZADD', KEYS[1], string.format('%.0f', promised_ms), ARGV[1])
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
return 1
