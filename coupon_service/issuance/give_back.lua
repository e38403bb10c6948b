-- Undo a take: the resident no longer has the seat, and it can be handed out again if it is free.
--
-- KEYS[1] meta   KEYS[2] free   KEYS[3] mine   KEYS[4] version   KEYS[5] origins
--         (one cluster slot: {release})
-- ARGV[1] "resident:ordinal"   ARGV[2] seat   ARGV[3] '1' if the seat may be handed out again
-- ARGV[4..] the device and the network it was taken from, where they are known
--
-- A seat is only freed while the resident still has it here: giving back twice frees once.
if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('INCR', KEYS[4])
for i = 4, #ARGV do
  if ARGV[i] ~= '' then redis.call('HINCRBY', KEYS[5], ARGV[i], -1) end
end
if ARGV[3] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[2])
end
return 1
