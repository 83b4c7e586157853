/**
 * The Lua script that a scratch server runs to say what its data is. It hashes what a key holds, not how Redis stores it:
 * DUMP differs when a small hash is kept as a listpack here and as a table there, though it is the same hash.
 *
 * SHA-1 is what Redis offers its scripts; it finds damage and loss here. Trust rests on the backup's SHA-256 and signature.
 */

/**
 * KEYS: none. ARGV: the cursor, and how many keys to look at.
 * Answers [next cursor, expiry 1 (epoch milliseconds, or -1), hash 1, expiry 2, hash 2, ...].
 *
 * Every field is preceded by its length, so that no two different values read alike. The items of sets and hashes have no
 * order: their hashes are added up, in five lanes of 32 bits, which doubles hold exactly.
 */
export const digestScript = `
local function field(text) return #text .. ':' .. text end

local function unordered(items, width)
  local lanes = {0, 0, 0, 0, 0}
  for i = 1, #items, width do
    local text = field(items[i])
    if width == 2 then text = text .. field(items[i + 1]) end
    local hash = redis.sha1hex(text)
    for lane = 1, 5 do
      lanes[lane] = (lanes[lane] + tonumber(string.sub(hash, lane * 8 - 7, lane * 8), 16)) % 4294967296
    end
  end
  return #items .. '/' .. table.concat(lanes, '/')
end

-- An ordered value too long for one string: each block's hash goes into the next.
local function chained(read)
  local hash, first, block = '', 0, 1000
  while true do
    local items = read(first, first + block - 1)
    if #items == 0 then return hash end
    local parts = {hash}
    for i = 1, #items do parts[i + 1] = field(items[i]) end
    hash = redis.sha1hex(table.concat(parts))
    first = first + block
  end
end

local function sortedSet(key)
  return chained(function(first, last)
    local items = redis.call('ZRANGE', key, first, last, 'WITHSCORES')
    -- Versions print scores differently.
    for i = 2, #items, 2 do items[i] = string.format('%.17g', tonumber(items[i])) end
    return items
  end)
end

local function named(list, name)
  for i = 1, #list, 2 do
    if list[i] == name then return tostring(list[i + 1]) end
  end
  return ''
end

local function stream(key)
  local parts, from = {}, '-'
  while true do
    local entries = redis.call('XRANGE', key, from, '+', 'COUNT', 1000)
    if #entries == 0 then break end
    local text = {}
    for _, entry in ipairs(entries) do
      text[#text + 1] = field(entry[1])
      for _, value in ipairs(entry[2]) do text[#text + 1] = field(value) end
    end
    parts = {redis.sha1hex(table.concat(parts) .. table.concat(text))}
    from = '(' .. entries[#entries][1]
  end
  parts[#parts + 1] = field(named(redis.call('XINFO', 'STREAM', key), 'last-generated-id'))
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
    local name = named(group, 'name')
    parts[#parts + 1] = field(name) .. field(named(group, 'last-delivered-id'))
    local after = '-'
    while true do
      local pending = redis.call('XPENDING', key, name, after, '+', 1000)
      if #pending == 0 then break end
      for _, one in ipairs(pending) do
        parts[#parts + 1] = field(one[1]) .. field(one[2]) .. field(tostring(one[4]))
      end
      after = '(' .. pending[#pending][1]
    end
  end
  return table.concat(parts)
end

local readers = {
  string = function(key) return redis.call('GET', key) end,
  list = function(key) return chained(function(first, last) return redis.call('LRANGE', key, first, last) end) end,
  set = function(key) return unordered(redis.call('SMEMBERS', key), 1) end,
  hash = function(key) return unordered(redis.call('HGETALL', key), 2) end,
  zset = sortedSet,
  stream = stream,
}

local scanned = redis.call('SCAN', ARGV[1], 'COUNT', ARGV[2])
local answer = {scanned[1]}
for _, key in ipairs(scanned[2]) do
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'none' then
    local reader = readers[kind]
    if not reader then return redis.error_reply('UNKNOWNTYPE ' .. kind) end
    answer[#answer + 1] = redis.call('PEXPIRETIME', key)
    answer[#answer + 1] = redis.sha1hex(kind .. field(key) .. field(reader(key)))
  end
end
return answer
`;
