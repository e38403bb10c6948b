-- Give residents the next seats of one release, each (resident, ordinal) at most one.
--
-- KEYS[1] meta: hash of quantity, opens_ms, closes_ms, per_person, state, ahead_ms
--         (absent: the gate is cold; ahead_ms: PostgreSQL's clock minus this server's)
-- KEYS[2] cursors: hash first seat of a range -> its next seat never handed out
-- KEYS[3] free: sorted set of seats given back, by number
-- KEYS[4] mine: hash "resident:ordinal" -> seat
-- KEYS[5] origins: hash device or network -> seats it has taken
-- KEYS[6] sold: present while nothing is handed out, with the version of `mine` it stands for
-- KEYS[7] version: counts the changes of `mine`
-- KEYS[8] tries: hash resident -> attempts in this window
--         (all carry the release's id in braces: one cluster slot)
-- ARGV[1] tries allowed per window   ARGV[2] window_s
-- ARGV[3] seats per device   ARGV[4] seats per network   ARGV[5] sold_ms
-- ARGV[6..] resident, ordinal, device, network, ranges; and so on. Device and network may be empty.
--           At most 1,000 wishes: Lua passes no more values to one call than its stack holds.
--           ranges: the seats this resident may have, tried in order: "1-200,501-0"; 0: the last seat
--
-- Returns one string per resident: a seat number, or
--   cold | early:<opens_ms> | closed | paused | limit | rate:<retry_s> | device | network | sold |
--   sold:<ms left>:<version> when every seat of the release is out, and stays so for that long
--
-- Once everything is out, a seat that comes back rests until `sold` has run out. Meanwhile nobody
-- new gets one, so whoever was told "sold out" may be told so again without asking here.
--
-- What the answers depend on is read at once, and what they change is written at once: a call of the
-- server costs more than all that is done with its answer here.
local meta = redis.call('HMGET', KEYS[1],
  'quantity', 'opens_ms', 'closes_ms', 'per_person', 'state', 'ahead_ms')
local answers = {}
if not meta[1] then
  for i = 6, #ARGV, 5 do answers[#answers + 1] = 'cold' end
  return answers
end
local quantity, opens_ms, closes_ms = tonumber(meta[1]), tonumber(meta[2]), tonumber(meta[3])
local per_person = tonumber(meta[4])
-- By PostgreSQL's clock, whatever the clock of the asking process says.
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000) + (tonumber(meta[6]) or 0)

-- The values of a hash's fields, by field; false where there is none.
local function read(key, fields)
  local found = {}
  if #fields == 0 then return found end
  for i, value in ipairs(redis.call('HMGET', key, unpack(fields))) do found[fields[i]] = value end
  return found
end

local function write(key, values)
  local list = {}
  for field, value in pairs(values) do
    list[#list + 1] = field
    list[#list + 1] = value
  end
  if #list > 0 then redis.call('HSET', key, unpack(list)) end
end

local fields, origins, known = {}, {}, { [''] = true }
for i = 6, #ARGV, 5 do
  fields[#fields + 1] = ARGV[i] .. ':' .. ARGV[i + 1]
  for j = i + 2, i + 3 do
    if not known[ARGV[j]] then
      known[ARGV[j]] = true
      origins[#origins + 1] = ARGV[j]
    end
  end
end
local mine, counts, cursors = read(KEYS[4], fields), read(KEYS[5], origins), {}
local free_count = redis.call('ZCARD', KEYS[3])
local resting = redis.call('EXISTS', KEYS[6]) == 1
-- What `record` will write: new seats by field and their number, origins, and cursors.
local given, given_count, counted, drawn = {}, 0, {}, {}

local function record()
  if given_count == 0 then return end
  write(KEYS[4], given)
  redis.call('INCRBY', KEYS[7], given_count)
  write(KEYS[5], counted)
  write(KEYS[2], drawn)
  given, given_count, counted, drawn = {}, 0, {}, {}
end

local function sold_out()
  record()
  local left_ms = redis.call('PTTL', KEYS[6])
  if left_ms > 0 then return 'sold:' .. left_ms .. ':' .. redis.call('GET', KEYS[6]) end
  if redis.call('HLEN', KEYS[4]) < quantity then return 'sold' end
  local version = redis.call('GET', KEYS[7]) or '0'
  redis.call('SET', KEYS[6], version, 'PX', ARGV[5])
  resting = true
  return 'sold:' .. ARGV[5] .. ':' .. version
end

local function draw(ranges)
  for first, last in string.gmatch(ranges, '(%d+)%-(%d+)') do
    last = tonumber(last)
    if last == 0 or last > quantity then last = quantity end
    local free = free_count > 0
      and redis.call('ZRANGE', KEYS[3], first, last, 'BYSCORE', 'LIMIT', 0, 1)[1]
    if free then
      redis.call('ZREM', KEYS[3], free)
      free_count = free_count - 1
      return free
    end
    local seat = cursors[first] or tonumber(redis.call('HGET', KEYS[2], first) or first)
    cursors[first] = seat
    if seat <= last then
      cursors[first], drawn[first] = seat + 1, seat + 1
      return tostring(seat)
    end
  end
  return nil
end

local function exhausted(origin, most)
  return origin ~= '' and tonumber(counts[origin] or 0) >= tonumber(most)
end

local function count(origin)
  if origin == '' then return end
  counts[origin] = tonumber(counts[origin] or 0) + 1
  counted[origin] = counts[origin]
end

local function take(resident, ordinal, device, network, ranges)
  local field = resident .. ':' .. ordinal
  if mine[field] then return mine[field] end
  if meta[5] == 'paused' then return 'paused' end
  if now_ms < opens_ms then return 'early:' .. meta[2] end
  if meta[5] == 'closed' or now_ms >= closes_ms then return 'closed' end
  if tonumber(ordinal) > per_person then return 'limit' end
  if redis.call('HINCRBY', KEYS[8], resident, 1) > tonumber(ARGV[1]) then return 'rate:' .. ARGV[2] end
  if exhausted(device, ARGV[3]) then return 'device' end
  if exhausted(network, ARGV[4]) then return 'network' end
  if resting then return sold_out() end
  local seat = draw(ranges)
  if not seat then return sold_out() end
  mine[field], given[field], given_count = seat, seat, given_count + 1
  count(device)
  count(network)
  return seat
end

for i = 6, #ARGV, 5 do
  answers[#answers + 1] = take(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
end
record()
redis.call('EXPIRE', KEYS[8], ARGV[2], 'NX')
return answers
