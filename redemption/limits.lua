-- Let requests pass that have room in each of their limits. A limit is so many in any window.
--
-- KEYS      one list per limit, the limits of one request after the other: when requests passed, in
--           Unix ms, the latest first (all carry the same word in braces: one cluster slot)
-- ARGV      for each request: how many limits it has; then for each of them: amount, window_ms
--
-- Returns four numbers per request:
--   which of its limits is the tightest, or is the first without room; from 1
--   how many requests like it have room after it; -1: it did not pass, and takes no room
--   ms until the earliest request that counts leaves that limit's window
--   when it was asked, in Unix ms: what `LREM` takes to give its room back
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local answers = {}

-- How many more have room, and when the next one would be let in at the latest.
local function room(key, amount, window_ms)
  local earliest = redis.call('LINDEX', key, -1)
  while earliest and tonumber(earliest) <= now_ms - window_ms do
    redis.call('RPOP', key)
    earliest = redis.call('LINDEX', key, -1)
  end
  if not earliest then return amount, window_ms end
  return amount - redis.call('LLEN', key), earliest + window_ms - now_ms
end

local function judge(key_at, arg_at, count)
  local which, least, reset_ms = 1, math.huge, 0
  for i = 1, count do
    local amount, window_ms = tonumber(ARGV[arg_at + 2 * i - 1]), tonumber(ARGV[arg_at + 2 * i])
    local left, until_ms = room(KEYS[key_at + i], amount, window_ms)
    if left < 1 then return i, -1, until_ms end
    if left < least then which, least, reset_ms = i, left, until_ms end
  end
  for i = 1, count do
    redis.call('LPUSH', KEYS[key_at + i], now_ms)
    redis.call('PEXPIRE', KEYS[key_at + i], ARGV[arg_at + 2 * i])
  end
  return which, least - 1, reset_ms
end

local key_at, arg_at = 0, 1
while arg_at <= #ARGV do
  local count = tonumber(ARGV[arg_at])
  local which, left, reset_ms = judge(key_at, arg_at, count)
  answers[#answers + 1] = which
  answers[#answers + 1] = left
  answers[#answers + 1] = reset_ms
  answers[#answers + 1] = now_ms
  key_at, arg_at = key_at + count, arg_at + 1 + 2 * count
end
return answers
