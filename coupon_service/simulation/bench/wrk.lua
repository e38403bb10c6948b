-- Send prepared requests with wrk, each once unless told to go round.
--
-- wrk ... -s wrk.lua URL -- PREFIX CYCLE COUNT_STATUSES REPORT
--   PREFIX          thread i of wrk reads its requests, parted by NUL, from PREFIX.i
--   CYCLE           1: begin again after the last request; 0: end the thread
--   COUNT_STATUSES  1: count answers by status. It costs wrk some time per answer, so the bare
--                   route goes without, and only answers from 400 on are told apart there.
--   REPORT          file to write: one "name value [count]" per line, times in microseconds
local threads = {}

function setup(thread)
  thread:set('number', #threads)
  threads[#threads + 1] = thread
end

function init(args)
  requests, at, sent, statuses, cycle = {}, 0, 0, {}, args[2] == '1'
  local file = assert(io.open(args[1] .. '.' .. number, 'rb'))
  for request in file:read('*a'):gmatch('[^%z]+') do
    requests[#requests + 1] = request
  end
  file:close()
  if args[3] == '1' then
    response = function(status)
      statuses[status] = (statuses[status] or 0) + 1
    end
  end
  report = args[4]
end

function request()
  if number == 0 and not looked_at then
    looked_at = true  -- wrk looks at one request before it starts, and does not send it
    return requests[1]
  end
  if at == #requests then
    if not cycle then
      wrk.thread:stop()
      return 'GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n'  -- written perhaps, and never counted
    end
    at = 0
  end
  at = at + 1
  sent = sent + 1
  return requests[at]
end

function done(summary, latency)
  local file = assert(io.open(threads[1]:get('report'), 'w'))
  local all, sent = {}, 0
  for _, thread in ipairs(threads) do
    sent = sent + thread:get('sent')
    for status, count in pairs(thread:get('statuses')) do
      all[status] = (all[status] or 0) + count
    end
  end
  file:write('duration_us ', summary.duration, '\n')
  file:write('sent ', sent, '\n')
  file:write('answered ', summary.requests, '\n')
  file:write('refused ', summary.errors.status, '\n')
  local broken = summary.errors
  file:write('broken ', broken.connect + broken.read + broken.write + broken.timeout, '\n')
  for status, count in pairs(all) do
    file:write('status ', status, ' ', count, '\n')
  end
  for i = 1, #latency do
    local microseconds, count = latency(i)
    file:write('latency ', microseconds, ' ', count, '\n')
  end
  file:close()
end
