-- What `sioc bench` asks of a server, on sioc.
--
--   sioc bench.lua                                                  one terminal
--   sioc bench http://127.0.0.1:3000 --clients 1000 --in-flight 16  another

local sioc = require "sioc"
local io = sioc.server()

-- --mode echo: the same event, with the same arguments, back to who sent it.
io:event("echo", function(socket, ...) socket:emit("echo", ...) end)

-- --mode ack: the argument as the answer.
io:event("ack", function(_, payload) return payload end)

-- --mode fanout: the same to everybody.
io:event("bcast", function(_, number, payload) io:emit("bcast", number, payload) end)

-- --mode fanout --rooms K: clients join a room each, and speak to it.
io:event("join", function(socket, room)
  socket:join(room)
  return true
end)
io:event("room", function(_, room, number, payload) io:to(room):emit("bcast", number, payload) end)

io:listen(3000)
