-- What an idle client weighs when its handler is a closure of its own.
local sioc = require "sioc"
local io = sioc.server { serve_client = false }

io:on("connection", function(socket)
  socket:on("echo", function(...) socket:emit("echo", ...) end)
end)

io:listen(3000)
