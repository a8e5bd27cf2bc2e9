-- One message to everybody, or to everybody else.
-- Try: sioc examples/tutorial/03-broadcast.lua, open http://127.0.0.1:3000 in two windows, send:  say "hi"
--      then:  whisper "only the others hear this"

local sioc = require "sioc"
local io = sioc.server()

io:event("say", function(socket, text)
  io:emit("say", socket.id, text) -- to all, the sender too
end)

io:event("whisper", function(socket, text)
  socket.broadcast:emit("whisper", socket.id, text) -- to all but the sender
end)

io:static("/", "public")
io:listen(3000)
