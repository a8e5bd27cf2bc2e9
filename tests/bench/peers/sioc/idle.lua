-- What an idle client weighs: exactly one handler, for the whole namespace.
local sioc = require "sioc"
local io = sioc.server { serve_client = false }

io:event("echo", function(socket, ...) socket:emit("echo", ...) end)

io:listen(3000)
