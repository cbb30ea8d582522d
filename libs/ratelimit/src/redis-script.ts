/**
 * Decides all charges of a call at once, on the clock of Redis, with whole microseconds. The same as `RateMeter` and
 * `WindowMeter` do; one contract suite holds both to it.
 *
 * KEYS: one for each charge. ARGV: deadline (0: none), furthest turn ahead, then for each charge: kind, and
 * interval and tolerance (rate) or max and seconds (window), and the queue: longest wait, most waiting.
 * Answers {-1, now} after the deadline, else {admitted, now, wait, remaining, more in, …}.
 */
export const chargeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local second = tonumber(time[1])
local deadline, ahead = tonumber(ARGV[1]), tonumber(ARGV[2])
if deadline > 0 and now > deadline then return {-1, now} end

local Rate, Window = {}, {}

function Rate.keep(c, debt)
  redis.call('SET', c.key, string.format('%.0f', debt), 'PX', math.ceil((debt - now) / 1000) + 1)
end
function Rate.read(c)
  local kept, most = tonumber(redis.call('GET', c.key) or '0'), now + c.tolerance + c.interval + ahead
  if kept > most then Rate.keep(c, most) end
  c.debt = math.max(math.min(kept, most), now)
  c.earliest = math.max(now, c.debt - c.tolerance)
end
function Rate.waiting(c)
  return math.ceil((c.earliest - now) / c.interval) - 1
end
function Rate.take(c, start)
  c.debt = math.max(c.debt, start) + c.interval
  Rate.keep(c, c.debt)
end
function Rate.standing(c)
  local spare = c.tolerance - (c.debt - now)
  local remaining = math.max(0, math.floor(spare / c.interval) + 1)
  local full = remaining * c.interval > c.tolerance
  return remaining, full and 0 or remaining * c.interval - spare
end

function Window.count(c, at)
  return tonumber(redis.call('HGET', c.key, at) or '0')
end
function Window.clear(c)
  redis.call('DEL', c.key)
  c.total, c.oldest, c.newest = 0, second, second
end
function Window.read(c)
  local kept = redis.call('HMGET', c.key, 'total', 'oldest', 'newest')
  c.total, c.oldest, c.newest = tonumber(kept[1] or '0'), tonumber(kept[2] or '0'), tonumber(kept[3] or '0')
  local first = second - c.seconds
  if c.total > 0 and (c.newest < first or c.newest - second > c.seconds + ahead / 1000000) then Window.clear(c) end
  local before = c.oldest
  while c.total > 0 do
    local there = Window.count(c, c.oldest)
    if c.oldest >= first and there > 0 then break end
    c.total = c.total - there
    redis.call('HDEL', c.key, c.oldest)
    c.oldest = c.oldest + 1
  end
  if c.total == 0 then
    if kept[1] then Window.clear(c) end
  elseif c.oldest ~= before then redis.call('HSET', c.key, 'total', c.total, 'oldest', c.oldest) end
  c.earliest = now
  if c.total < c.max then return end
  local surplus, at = c.total + 1 - c.max, c.oldest
  while surplus > 0 do
    surplus = surplus - Window.count(c, at)
    at = at + 1
  end
  c.earliest = math.max(now, (at + c.seconds) * 1000000)
end
function Window.waiting(c)
  local sum = 0
  for at = second + 1, c.newest do sum = sum + Window.count(c, at) end
  return sum
end
function Window.take(c, start)
  local at = math.floor(start / 1000000)
  c.oldest = c.total == 0 and at or math.min(c.oldest, at)
  c.newest = c.total == 0 and at or math.max(c.newest, at)
  c.total = c.total + 1
  redis.call('HINCRBY', c.key, at, 1)
  redis.call('HSET', c.key, 'total', c.total, 'oldest', c.oldest, 'newest', c.newest)
  redis.call('EXPIRE', c.key, c.newest - second + c.seconds + 2)
end
function Window.standing(c)
  local remaining = math.max(0, c.max - c.total)
  if c.total == 0 then return remaining, 0 end
  return remaining, math.max(0, (c.oldest + c.seconds + 1) * 1000000 - now)
end

local charges, start = {}, now
for i, key in ipairs(KEYS) do
  local a = 3 + (i - 1) * 5
  local x, y = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2])
  local c = {key = key, maxWait = tonumber(ARGV[a + 3]), maxWaiting = tonumber(ARGV[a + 4])}
  if ARGV[a] == 'rate' then c.meter, c.interval, c.tolerance = Rate, x, y
  else c.meter, c.max, c.seconds = Window, x, y end
  c.meter.read(c)
  start = math.max(start, c.earliest)
  charges[i] = c
end
local admitted = 1
for _, c in ipairs(charges) do
  if c.earliest > now and (start - now > c.maxWait or c.meter.waiting(c) >= c.maxWaiting) then admitted = 0 end
end
local answer = {admitted, now, start - now}
for _, c in ipairs(charges) do
  if admitted == 1 then c.meter.take(c, start) end
  local remaining, more = c.meter.standing(c)
  answer[#answer + 1] = remaining
  answer[#answer + 1] = more
end
return answer
`;

/** Undoes charges whose turn is still to come. KEYS as above; ARGV: turn, then kind and interval for each. */
export const giveBackScript = `
local second = math.floor(tonumber(ARGV[1]) / 1000000)
for i, key in ipairs(KEYS) do
  local kind, interval = ARGV[i * 2], ARGV[i * 2 + 1]
  if kind == 'rate' then
    if redis.call('EXISTS', key) == 1 then redis.call('DECRBY', key, interval) end
  elseif tonumber(redis.call('HGET', key, second) or '0') > 0 then
    redis.call('HINCRBY', key, second, -1)
    redis.call('HINCRBY', key, 'total', -1)
  end
end
return 1
`;

/** A sign of life of one replica. KEYS: the set; ARGV: id, seconds that a sign lasts. Answers how many are alive. */
export const heartbeatScript = `
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[2] * 2)
return redis.call('ZCARD', KEYS[1])
`;
