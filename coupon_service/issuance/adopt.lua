-- Tell the gate which seat the database has stored for a resident.
--
-- KEYS[1] meta   KEYS[2] free   KEYS[3] mine   KEYS[4] version     (one cluster slot: {release})
-- ARGV[1] "resident:ordinal"   ARGV[2] the stored seat
--
-- Another seat that the gate had given them, say in an answer that came too late, is free again.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local had = redis.call('HGET', KEYS[3], ARGV[1])
if had and had ~= ARGV[2] then redis.call('ZADD', KEYS[2], had, had) end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('INCR', KEYS[4])
return 1
