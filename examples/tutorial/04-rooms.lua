-- Rooms: groups of sockets that are spoken to together.
-- Try: sioc examples/tutorial/04-rooms.lua, open http://127.0.0.1:3000 in three windows,
--      in two of them send:  join "kitchen"      then in any:  say "kitchen", "dinner is ready"

local sioc = require "sioc"
local io = sioc.server()

io:event("join", function(socket, room)
  socket:join("room " .. tostring(room)) -- each socket is in a room of its own id too: keep the names apart
  return socket.rooms
end)

io:event("leave", function(socket, room)
  socket:leave("room " .. tostring(room))
  return socket.rooms
end)

io:event("say", function(socket, room, text)
  io:to("room " .. tostring(room)):emit("said", room, text, socket.id)
end)

io:static("/", "public")
io:listen(3000)
