-- A client comes, a client goes.
-- Try: sioc examples/tutorial/01-connection.lua, open http://127.0.0.1:3000, watch the log, close the page.

local sioc = require "sioc"
local io = sioc.server()

io:on("connection", function(socket)
  sioc.log.info("connected: " .. socket.id)

  socket:on("disconnect", function(reason)
    sioc.log.info("disconnected: " .. socket.id .. ", because: " .. reason)
  end)
end)

io:static("/", "public")
io:listen(3000)
