-- Give residents the next seats of one release, each (resident, ordinal) at most one.
--
-- KEYS[1] meta: hash of quantity, opens_ms, closes_ms, per_person, state   (absent: the gate is cold)
-- KEYS[2] next: the next seat never handed out
-- KEYS[3] free: sorted set of seats given back, by number
-- KEYS[4] mine: hash "resident:ordinal" -> seat
-- KEYS[5] tries: hash resident -> attempts in this window
--         (all five carry the release's id in braces: one cluster slot)
-- ARGV[1] now_ms   ARGV[2] tries allowed per window   ARGV[3] window_s
-- ARGV[4..] resident, ordinal, resident, ordinal, ...
--
-- Returns one string per pair: a seat number, or
--   cold | early:<opens_ms> | closed | paused | limit | rate | sold
local meta = redis.call('HMGET', KEYS[1], 'quantity', 'opens_ms', 'closes_ms', 'per_person', 'state')
local answers = {}
local cold = not meta[1]
local quantity, opens_ms, closes_ms = tonumber(meta[1]), tonumber(meta[2]), tonumber(meta[3])
local per_person, now_ms = tonumber(meta[4]), tonumber(ARGV[1])

local function take(resident, ordinal)
  if cold then return 'cold' end
  local field = resident .. ':' .. ordinal
  local held = redis.call('HGET', KEYS[4], field)
  if held then return held end
  if meta[5] == 'paused' then return 'paused' end
  if now_ms < opens_ms then return 'early:' .. meta[2] end
  if now_ms >= closes_ms then return 'closed' end
  if tonumber(ordinal) > per_person then return 'limit' end
  if redis.call('HINCRBY', KEYS[5], resident, 1) > tonumber(ARGV[2]) then return 'rate' end
  local seat
  local free = redis.call('ZPOPMIN', KEYS[3])
  if free[1] then
    seat = free[1]
  else
    seat = tonumber(redis.call('GET', KEYS[2]) or '1')
    if seat > quantity then return 'sold' end
    redis.call('SET', KEYS[2], seat + 1)
  end
  redis.call('HSET', KEYS[4], field, seat)
  return tostring(seat)
end

for i = 4, #ARGV, 2 do
  answers[#answers + 1] = take(ARGV[i], ARGV[i + 1])
end
if not cold then redis.call('EXPIRE', KEYS[5], ARGV[3]) end
return answers
