-- A chat: names, rooms, typing notes, pictures, history.
--
--   sioc examples/chat/chat.lua          then open http://127.0.0.1:3000 in two windows
--
-- A client says `hello` once, then `join`s rooms and talks there. Each of its events is answered by an ack: what it
-- asked for, or { error = "why not" }. Nothing that a client sends is believed: types, lengths and rooms are checked.

local sioc = require "sioc"
local history = require "history" -- history.lua, beside this file

local GREETING = "Welcome! Be kind to each other." -- above the messages; with --watch, change it while people talk
local FIXED_ROOMS = { lobby = 1, random = 2, help = 3 } -- always there, listed in this order
local MAX_ROOMS = 20
local MAX_NAME, MAX_TEXT = 24, 2000 -- characters
local MAX_PICTURE = 500000 -- bytes; half of max_payload, so that a slow reader can have two of them on the way
local GRACE = 2 -- seconds in which a page may reload before the others hear that its user has left

local io = sioc.server()

-- sioc.state outlives a reload of this file: edit it while people talk, and nobody notices.
local state = sioc.state
state.rooms = state.rooms or {} -- name -> { name, people = { nick -> socket id }, log }
state.people = state.people or {} -- nick in small letters -> { nick, key, id }

-- ---- checking what clients send ----

-- A string of 1 to `max` characters: valid UTF-8, trimmed, cut between characters. Anything else gives nil.
local function text_of(value, max)
  if type(value) ~= "string" or not utf8.len(value) then return nil end
  local text = value:gsub("\r\n?", "\n"):gsub("[^\n\t\32-\126\128-\255]", ""):match("^%s*(.-)%s*$")
  local cut = utf8.offset(text, max + 1)
  if cut then text = text:sub(1, cut - 1) end
  return text ~= "" and text or nil
end

-- A name: text on one line, without the invisible characters that would let two names look the same.
local function name_of(value)
  local visible = type(value) == "string" and value:gsub("\xE2\x80[\x8B-\x8F\xA8-\xAE]", ""):gsub("\xE2\x81[\xA0-\xAF]", "")
  local name = text_of(visible, MAX_NAME)
  return name and name:gsub("%s+", " ")
end

local function room_name_of(value)
  local name = name_of(value)
  return name and name:lower():gsub(" ", "-")
end

local SIGNATURES = {
  { "^\x89PNG\r\n\x1A\n", "image/png" },
  { "^\xFF\xD8\xFF", "image/jpeg" },
  { "^GIF8[79]a", "image/gif" },
  { "^RIFF....WEBP", "image/webp" },
}

-- The MIME type of a picture by its first bytes; nil for anything that is not a picture of bearable size.
local function picture_type(data)
  if type(data) ~= "userdata" or data == sioc.null or #data > MAX_PICTURE then return nil end
  local head = data:str():sub(1, 12)
  for _, signature in ipairs(SIGNATURES) do
    if head:find(signature[1]) then return signature[2] end
  end
end

local function pixels_of(value)
  return math.type(value) == "integer" and value > 0 and value < 20000 and value or nil
end

-- ---- rooms ----

-- The prefix keeps room names apart from socket ids, which are rooms too.
local function channel(name) return "room:" .. name end

local function people_in(room)
  local list = {}
  for nick in pairs(room.people) do list[#list + 1] = nick end
  table.sort(list, function(a, b) return a:lower() < b:lower() end)
  return sioc.array(list)
end

local function room_list()
  local list = {}
  for name, room in pairs(state.rooms) do
    list[#list + 1] = { name = name, people = #people_in(room), fixed = FIXED_ROOMS[name] ~= nil }
  end
  table.sort(list, function(a, b)
    local fa, fb = FIXED_ROOMS[a.name] or MAX_ROOMS, FIXED_ROOMS[b.name] or MAX_ROOMS
    if fa ~= fb then return fa < fb end
    return a.name < b.name
  end)
  return sioc.array(list)
end

local function open_room(name)
  if #room_list() >= MAX_ROOMS then return nil end
  state.rooms[name] = { name = name, people = {}, log = history.new() }
  return state.rooms[name]
end

for name in pairs(FIXED_ROOMS) do
  if not state.rooms[name] then open_room(name) end
end

local function announce(room, nick, what)
  io:to(channel(room.name)):emit("note", room.name, nick, what)
  io:to(channel(room.name)):emit("people", room.name, people_in(room))
  io:emit("rooms", room_list())
end

local function leave(room, nick, id)
  if room.people[nick] ~= id then return end -- the same person is here through a newer socket
  room.people[nick] = nil
  if not next(room.people) and not FIXED_ROOMS[room.name] then state.rooms[room.name] = nil end
  announce(room, nick, "left")
end

-- The room of that name, if this socket has joined it.
local function joined(socket, name)
  local room = type(name) == "string" and state.rooms[name]
  return room and room.people[socket.data.nick] == socket.id and room or nil
end

-- ---- events ----

-- `key` is a secret of the page: with it, a page that was reloaded or cut off takes its name over from its old socket.
io:event("hello", function(socket, nick, key)
  nick, key = name_of(nick), text_of(key, 64)
  if not nick or not key then return { error = "Please choose a name." } end
  if socket.data.nick and socket.data.nick ~= nick then return { error = "You have a name already." } end
  local holder = state.people[nick:lower()]
  if holder and holder.key ~= key then return { error = "“" .. nick .. "” is taken. Please choose another name." } end
  if holder and holder.id ~= socket.id then
    nick = holder.nick
    io:in_(holder.id):emit("replaced")
    io:in_(holder.id):disconnect_sockets(true)
  end
  state.people[nick:lower()] = { nick = nick, key = key, id = socket.id }
  socket.data.nick = nick
  return { nick = nick, greeting = GREETING, rooms = room_list(), max_name = MAX_NAME, max_text = MAX_TEXT, max_picture = MAX_PICTURE }
end)

io:event("join", function(socket, name, last_seen)
  local nick, name = socket.data.nick, room_name_of(name)
  if not nick or not name then return { error = "A room needs a name." } end
  local room = state.rooms[name] or open_room(name)
  if not room then return { error = "There are enough rooms already." } end
  local known = room.people[nick]
  room.people[nick] = socket.id
  if not known then announce(room, nick, "joined") end -- before joining: one need not be told of oneself
  socket:join(channel(name))
  return { room = name, people = people_in(room), messages = sioc.array(history.since(room.log, last_seen)) }
end)

io:event("leave", function(socket, name)
  local room = joined(socket, name)
  if not room then return { error = "You are not in that room." } end
  socket:leave(channel(name))
  leave(room, socket.data.nick, socket.id)
  return { room = name }
end)

io:event("typing", function(socket, name, on)
  if not joined(socket, name) then return end
  socket:to(channel(name)).volatile:emit("typing", name, socket.data.nick, on == true)
end)

local function post(socket, room, tag, message, picture)
  local nick = socket.data.nick
  local known = history.find(room.log, nick, tag) -- its ack was lost with a connection, so it was sent again
  if known then return { id = known.id, at = known.at } end
  message.nick, message.tag, message.at = nick, tag, os.time()
  history.add(room.log, message, picture)
  socket:to(channel(room.name)):emit("message", room.name, message, picture)
  return { id = message.id, at = message.at }
end

io:event("say", function(socket, name, tag, text)
  local room, tag, text = joined(socket, name), text_of(tag, 64), text_of(text, MAX_TEXT)
  if not (room and tag and text) then return { error = "That message cannot be sent." } end
  return post(socket, room, tag, { kind = "text", text = text })
end)

-- A binary attachment arrives as a sioc.Buffer; it can be kept and emitted again as it is.
io:event("picture", function(socket, name, tag, about, data)
  local room, tag, mime = joined(socket, name), text_of(tag, 64), picture_type(data)
  if not (room and tag and mime) then return { error = "That picture cannot be sent." } end
  about = type(about) == "table" and about or {}
  local message = { kind = "picture", text = name_of(about.name) or "picture", mime = mime, bytes = #data }
  message.width, message.height = pixels_of(about.width), pixels_of(about.height)
  return post(socket, room, tag, message, data)
end)

-- History names pictures but does not carry them: a page asks for those that it wants to show.
io:event("get picture", function(socket, name, id)
  local room = joined(socket, name)
  return room and history.picture(room.log, id) or { error = "That picture is no longer kept." }
end)

-- After a reload of this file this runs again for the sockets that are there, so none loses its handler.
io:on("connection", function(socket)
  local id = socket.id
  socket:on("disconnect", function()
    local nick = socket.data.nick
    if not nick then return end
    sioc.after(GRACE, function()
      local holder = state.people[nick:lower()]
      if holder and holder.id == id then state.people[nick:lower()] = nil end
      for _, room in pairs(state.rooms) do leave(room, nick, id) end
    end)
  end)
end)

-- And this runs after it, for what they shall hear of the new code.
io:on("reload", function(socket) socket:emit("greeting", GREETING) end)

io:static("/", "public")
io:listen(3000)
