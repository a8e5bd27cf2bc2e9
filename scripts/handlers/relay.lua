-- Relays what clients emit to the others in their rooms: a server for programs that need no server-side logic.
--
--   sioc scripts/handlers/relay.lua --port 3000
--
--   socket.emit("join", "room name")      be in a room; with an ack: the list of rooms one is in
--   socket.emit("leave", "room name")     leave it; the same answer
--   socket.emit("anything else", ...)     goes to everybody else in one's rooms, once each; with an ack: true, or false
--                                         when one is in no room
--
-- Anybody can join any room: put it where only friends can reach it, or add a middleware (io:use) that asks for a token.

local sioc = require "sioc"
local io = sioc.server()

local MAX_ROOMS = 16 -- per client
local MAX_NAME = 64 -- bytes

-- The prefix keeps these names apart from socket ids, which are rooms too.
local PREFIX = "relay:"

local function rooms_of(socket)
  local rooms = {}
  for _, room in ipairs(socket.rooms) do
    if room:sub(1, #PREFIX) == PREFIX then rooms[#rooms + 1] = room end
  end
  return rooms
end

local function names_of(socket)
  local names = rooms_of(socket)
  for i, room in ipairs(names) do names[i] = room:sub(#PREFIX + 1) end
  return sioc.array(names)
end

local function is_name(name)
  return type(name) == "string" and #name > 0 and #name <= MAX_NAME
end

io:event("join", function(socket, name)
  if is_name(name) and #rooms_of(socket) < MAX_ROOMS then socket:join(PREFIX .. name) end
  return names_of(socket)
end)

io:event("leave", function(socket, name)
  if is_name(name) then socket:leave(PREFIX .. name) end
  return names_of(socket)
end)

io:on("connection", function(socket)
  socket:on_any(function(event, ...)
    if event == "join" or event == "leave" then return end
    local args = table.pack(...)
    local ack = args[args.n]
    if type(ack) == "function" then args.n = args.n - 1 else ack = nil end

    local rooms = rooms_of(socket)
    local others = socket.broadcast
    for _, room in ipairs(rooms) do others = others:to(room) end -- each :to() gives a new operator with one room more
    if #rooms > 0 then others:emit(event, table.unpack(args, 1, args.n)) end
    if ack then ack(#rooms > 0) end
  end)
end)

io:listen(3000)
