/**
 * What must happen in Redis as one step, as scripts. Redis replicates and persists what a script changed as a whole, so that a server that lost its end has
 * lost a cursor together with the entries it stands for.
 */

/**
 * KEYS: the cursor of the source, the sources of all topics, one stream per topic. ARGV: source, cursor before, cursor after, the names of
 * the topics, then per entry: number of its topic, id, key, type, at, body. Answers 1, the cursor; 0, the cursor that was found; 2, a topic that has another
 * source, and which.
 */
export const publishScript = `
local cursor = redis.call('GET', KEYS[1]) or '0-0'
if cursor ~= ARGV[2] then return {0, cursor} end
local topics = #KEYS - 2
for at = 1, topics do
  local owner = redis.call('HGET', KEYS[2], ARGV[3 + at])
  if owner and owner ~= ARGV[1] then return {2, ARGV[3 + at], owner} end
end
for at = 1, topics do redis.call('HSETNX', KEYS[2], ARGV[3 + at], ARGV[1]) end
for at = 4 + topics, #ARGV, 6 do
  local added = redis.pcall('XADD', KEYS[2 + ARGV[at]], ARGV[at + 1], 'key', ARGV[at + 2], 'type', ARGV[at + 3], 'at', ARGV[at + 4], 'body', ARGV[at + 5])
  -- Redis refuses an id that it has had: the cursor was lost and the stream was not.
  if type(added) == 'table' and added.err and not string.find(added.err, 'equal or smaller', 1, true) then return added end
end
redis.call('SET', KEYS[1], ARGV[3])
return {1, ARGV[3]}`

/** KEYS: streams of the group. ARGV: group, consumer, idle ms, limit. Answers per stream: entries, counts by id, ids that are gone. */
export const claimScript = `
local answer = {}
local left = tonumber(ARGV[4])
for at = 1, #KEYS do
  local held = left > 0 and redis.call('XPENDING', KEYS[at], ARGV[1], 'IDLE', ARGV[3], '-', '+', left) or {}
  local ids, counts, lost = {}, {}, {}
  for _, one in ipairs(held) do
    ids[#ids + 1] = one[1]
    counts[one[1]] = one[4] + 1
  end
  local entries = #ids > 0 and redis.call('XCLAIM', KEYS[at], ARGV[1], ARGV[2], 0, unpack(ids)) or {}
  local found, ordered = {}, {}
  for number, entry in ipairs(entries) do
    found[entry[1]] = true
    ordered[number] = counts[entry[1]]
  end
  for _, id in ipairs(ids) do if not found[id] then lost[#lost + 1] = id end end
  left = left - #ids
  answer[at] = {entries, ordered, lost}
end
-- Whoever died holding nothing is forgotten in the end.
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  if consumer[4] == 0 and consumer[6] > 3600000 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer[2]) end
end
return answer`

/** KEYS: a stream. ARGV: group, consumer, whether it is another delivery, ids. Answers the ids that the consumer holds. */
export const extendScript = `
local held = {}
for at = 4, #ARGV do
  local one = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[at], ARGV[at], 1, ARGV[2])[1]
  if one then
    if ARGV[3] == '1' then redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[at])
    else redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[at], 'JUSTID') end
    held[#held + 1] = ARGV[at]
  end
end
return held`

/** KEYS: the stream of the topic, that of replayed ones. ARGV: group, how many ids of the first, ids. Answers how many were not acknowledged before. */
export const acknowledgeScript = `
local count = 0
for at = 3, #ARGV do
  local isAgain = at - 2 > tonumber(ARGV[2])
  local key = isAgain and KEYS[2] or KEYS[1]
  count = count + redis.call('XACK', key, ARGV[1], ARGV[at])
  if isAgain then redis.call('XDEL', key, ARGV[at]) end
end
return count`

/** KEYS: the stream, dead letters, stream of replayed ones. ARGV: group, consumer, id, reason, deliveries. Answers whether the consumer held it. */
export const buryScript = `
if not redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])[1] then return 0 end
local entry = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])[1]
if entry then
  local fields = entry[2]
  local source = ARGV[3]
  local time = redis.call('TIME')
  local letter = {}
  for at = 1, #fields, 2 do
    if fields[at] == 'source' and KEYS[1] == KEYS[3] then source = fields[at + 1]
    else
      letter[#letter + 1] = fields[at]
      letter[#letter + 1] = fields[at + 1]
    end
  end
  redis.call('XADD', KEYS[2], '*', 'source', source, 'reason', ARGV[4], 'deliveries', ARGV[5],
    'died', time[1] * 1000 + math.floor(time[2] / 1000), unpack(letter))
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
if KEYS[1] == KEYS[3] then redis.call('XDEL', KEYS[1], ARGV[3]) end
return 1`

/** KEYS: dead letters, stream of replayed ones. ARGV: group, ids. Answers how many there were. */
export const replayScript = `
local count = 0
redis.pcall('XGROUP', 'CREATE', KEYS[2], ARGV[1], '0', 'MKSTREAM')
for at = 2, #ARGV do
  local entry = redis.call('XRANGE', KEYS[1], ARGV[at], ARGV[at])[1]
  if entry then
    local fields = entry[2]
    redis.call('XADD', KEYS[2], '*', 'source', fields[2], unpack(fields, 9))
    redis.call('XDEL', KEYS[1], ARGV[at])
    count = count + 1
  end
end
return count`

/** Compares two ids. A number of Lua is exact up to 2^53, and so are positions. */
const isBefore = `
local function isBefore(a, b)
  local ae, ap = string.match(a, '(%d+)-(%d+)')
  local be, bp = string.match(b, '(%d+)-(%d+)')
  if ae ~= be then return tonumber(ae) < tonumber(be) end
  return tonumber(ap) < tonumber(bp)
end`

/** KEYS: the stream, that of replayed ones. ARGV: group, id. */
export const finishScript = `${isBefore}
if redis.call('EXISTS', KEYS[1]) == 1 then
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    if group[2] == ARGV[1] then
      if isBefore(group[8], ARGV[2]) then redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], ARGV[2]) end
      return 0
    end
  end
end
redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2], 'MKSTREAM')
redis.pcall('XGROUP', 'CREATE', KEYS[2], ARGV[1], '0', 'MKSTREAM')
return 1`

/**
 * KEYS: the stream. ARGV: entries to keep or '', time to keep from or '', most entries to look at. Answers: how many were removed, the group that holds the
 * next or '', whether there may be more.
 */
export const trimScript = `${isBefore}
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, '', 0} end
local holder, bound = '', nil
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local first = redis.call('XPENDING', KEYS[1], group[2])[2]
  -- Beyond what is delivered, or from the first that is not acknowledged.
  local mark = first or group[8]
  local isOwn = first and true or false
  if not bound or isBefore(mark, bound.mark) or (mark == bound.mark and isOwn) then bound = {mark = mark, isHeld = isOwn, name = group[2]} end
end
local over = ARGV[1] ~= '' and redis.call('XLEN', KEYS[1]) - tonumber(ARGV[1]) or 0
local since = ARGV[2] ~= '' and tonumber(ARGV[2]) or nil
local looked = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[3])
local removed, nextId = 0, nil
for _, entry in ipairs(looked) do
  local happened = nil
  for at = 1, #entry[2], 2 do if entry[2][at] == 'at' then happened = tonumber(entry[2][at + 1]) end end
  local isOver = removed < over or (since and happened and happened < since)
  nextId = entry[1]
  if not isOver then break end
  if bound and (isBefore(bound.mark, entry[1]) or (bound.isHeld and bound.mark == entry[1])) then
    holder = bound.name
    break
  end
  removed = removed + 1
  nextId = nil
end
if removed == 0 then return {0, holder, 0} end
if nextId then redis.call('XTRIM', KEYS[1], 'MINID', '=', nextId)
else redis.call('XTRIM', KEYS[1], 'MAXLEN', '=', redis.call('XLEN', KEYS[1]) - removed) end
return {removed, holder, nextId and 0 or #looked}`
