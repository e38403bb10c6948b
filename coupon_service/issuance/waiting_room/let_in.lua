-- Let the next people in: as many as the pace allows, and no more than there are seats.
--
-- KEYS[1] room   KEYS[2] waiting   KEYS[3] turns             (see enter.lua; one cluster slot: {release})
-- ARGV[1] now_ms   ARGV[2] people per second   ARGV[3] seats nobody has   ARGV[4] length of a turn in ms
-- ARGV[5] expire_ms: when Redis may forget the room   ARGV[6] ms for which unused pace is kept
--
-- A turn that has not ended promises a seat, so that whoever takes their time finds one.
-- Nobody has to keep time here: whoever asks next uses the pace of the while before. Returns how many
-- were let in.
local MOST = 5000  -- in one call: Redis has others to answer
local now_ms, per_s = tonumber(ARGV[1]), tonumber(ARGV[2])
local room = redis.call('HMGET', KEYS[1], 'draw_ms', 'turn_ms')
if not room[1] or now_ms < tonumber(room[1]) then return 0 end
local from_ms = math.max(tonumber(room[2] or room[1]), now_ms - tonumber(ARGV[6]))
local due = math.floor((now_ms - from_ms) * per_s / 1000)
local free = math.max(0, tonumber(ARGV[3]) - redis.call('ZCOUNT', KEYS[3], '(' .. ARGV[1], '+inf'))
local next_ones = redis.call('ZPOPMIN', KEYS[2], math.min(due, free, MOST))
local ends_ms = string.format('%.0f', now_ms + tonumber(ARGV[4]))
for i = 1, #next_ones, 2 do
  redis.call('ZADD', KEYS[3], ends_ms, next_ones[i])
end
local count = #next_ones / 2
redis.call('HSET', KEYS[1], 'turn_ms', string.format('%.3f', from_ms + count * 1000 / per_s),
           'free', string.format('%.0f', free - count), 'left', ARGV[3])
redis.call('HINCRBY', KEYS[1], 'given', count)
redis.call('PEXPIREAT', KEYS[1], ARGV[5])
redis.call('PEXPIREAT', KEYS[3], ARGV[5])
return count
