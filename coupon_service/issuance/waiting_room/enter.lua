-- Tell a resident their place in a room, and give them one if they ask for it.
--
-- KEYS[1] room: hash of draw_ms (until then everybody gets a random place), last (number of the last
--         who came later), and of the last time people were let in: turn_ms, left (seats nobody had
--         then), free (those of them promised to nobody); given (turns so far)
-- KEYS[2] waiting: sorted set resident -> order; 0..1 by lot, 1.. behind them in order of arrival
-- KEYS[3] turns: sorted set resident -> end of their turn, in ms; an ended one was missed
-- KEYS[4] spent: hash resident -> end of the last turn whose ticket was used, in ms
-- KEYS[5] bell: whoever sets it lets the next people in
--         (all five carry the release's id in braces: one cluster slot)
-- ARGV[1] resident   ARGV[2] now_ms   ARGV[3] opens_ms   ARGV[4] draw_ms of a room that begins after
-- its opening   ARGV[5] a random number, 0 <= x < 1   ARGV[6] 'look', 'enter', or 'again' after a turn
-- ARGV[7] ms between two bells   ARGV[8] expire_ms: when Redis may forget the room
--
-- Returns {standing, number, people, left, free, given, draw_ms, ring}; numbers are strings. standing is
--   absent | lobby (not drawn yet) | waiting (number: people ahead) | turn (number: its end in ms)
--   | missed | spent.   people: those waiting.   ring: '1' to the caller who is to let people in.
local resident, now_ms, opens_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local room = redis.call('HMGET', KEYS[1], 'draw_ms', 'left', 'free', 'given')
local draw_ms = tonumber(room[1])
if not draw_ms then draw_ms = now_ms < opens_ms and opens_ms or tonumber(ARGV[4]) end

local function place()
  redis.call('HSET', KEYS[1], 'draw_ms', string.format('%.0f', draw_ms))
  local order = ARGV[5]
  if now_ms >= draw_ms then order = redis.call('HINCRBY', KEYS[1], 'last', 1) end
  redis.call('ZADD', KEYS[2], order, resident)
  for i = 1, 4 do redis.call('PEXPIREAT', KEYS[i], ARGV[8]) end
  return redis.call('ZRANK', KEYS[2], resident)
end

local standing, number = 'absent', 0
local ahead = redis.call('ZRANK', KEYS[2], resident)
if not ahead then
  local ends = redis.call('ZSCORE', KEYS[3], resident)
  if ends and tonumber(ends) <= tonumber(redis.call('HGET', KEYS[4], resident) or '0') then
    standing = 'spent'
  elseif ends and now_ms < tonumber(ends) then
    standing, number = 'turn', ends
  elseif ends then
    standing = 'missed'
  end
  if ARGV[6] == 'enter' and standing == 'absent' then
    ahead = place()
  elseif ARGV[6] == 'again' and standing ~= 'turn' then
    redis.call('ZREM', KEYS[3], resident)
    ahead = place()
  end
end
if ahead then
  standing, number = 'waiting', ahead
  if now_ms < draw_ms then standing, number = 'lobby', 0 end
end

local ring = '0'
if now_ms >= draw_ms and redis.call('SET', KEYS[5], '1', 'NX', 'PX', ARGV[7]) then ring = '1' end
return {standing, tostring(number), tostring(redis.call('ZCARD', KEYS[2])), room[2] or '',
        room[3] or '', room[4] or '0', string.format('%.0f', draw_ms), ring}
