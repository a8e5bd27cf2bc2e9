-- The benchmark's application on sioc: the same three events as peers/node/server.mjs.
local sioc = require "sioc"
local io = sioc.server { transports = { "websocket" }, serve_client = false }

io:event("echo", function(socket, ...) socket:emit("echo", ...) end)
io:event("ack", function(_, payload) return payload end)
io:event("bcast", function(_, seq, payload) io:emit("bcast", seq, payload) end)

io:listen(3000)
