-- Undo a spend: the claim failed through no fault of the resident's.
--
-- KEYS[1] turns   KEYS[2] spent                              (see enter.lua; one cluster slot: {release})
-- ARGV[1] resident   ARGV[2] end of the ticket's turn in ms
--
-- Tickets of earlier turns stay used. Returns 1 if this was the last one used, else 0.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', tonumber(ARGV[2]) - 1))
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return 1
