-- What an idle client weighs: exactly one handler.
local sioc = require "sioc"
local io = sioc.server { transports = { "websocket" }, serve_client = false }

io:event("echo", function(socket, ...) socket:emit("echo", ...) end)

io:listen(3000)
