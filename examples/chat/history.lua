-- The recent messages of one room, bounded in number and in pictures.
--
-- A log is a plain table without functions, so that it can live in sioc.state and outlast a reload of the program.
-- Ids grow for ever, across restarts of the server too (they start at the time of day): a client that comes back
-- says the last id it has seen, and gets exactly what it has missed.

local history = {}

local MAX_MESSAGES = 100
local MAX_PICTURES = 20

local last_id = os.time() * 1000

function history.new()
  return { messages = {}, pictures = {} } -- pictures: id as a string -> sioc.Buffer
end

function history.picture(log, id)
  return math.type(id) and log.pictures[tostring(id)]
end

local function drop_old_pictures(log)
  local kept = 0
  for i = #log.messages, 1, -1 do
    local id = log.messages[i].id
    if history.picture(log, id) then
      kept = kept + 1
      if kept > MAX_PICTURES then log.pictures[tostring(id)] = nil end
    end
  end
end

-- Gives the message its id and keeps it; `picture` is the sioc.Buffer that belongs to it, or nil.
function history.add(log, message, picture)
  last_id = last_id + 1
  message.id = last_id
  table.insert(log.messages, message)
  log.pictures[tostring(message.id)] = picture
  drop_old_pictures(log)
  if #log.messages > MAX_MESSAGES then
    local oldest = table.remove(log.messages, 1)
    log.pictures[tostring(oldest.id)] = nil
  end
end

-- The messages after `id`, oldest first; all of them when id is not a number.
function history.since(log, id)
  local from = math.type(id) and id or 0
  local list = {}
  for _, message in ipairs(log.messages) do
    if message.id > from then list[#list + 1] = message end
  end
  return list
end

-- The message that its sender has marked with `tag`: one that is sent twice is kept once.
function history.find(log, nick, tag)
  for i = #log.messages, 1, -1 do
    local message = log.messages[i]
    if message.tag == tag and message.nick == nick then return message end
  end
end

return history
