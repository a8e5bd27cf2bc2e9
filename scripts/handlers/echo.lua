-- Sends every event back to where it came from: same name, same arguments; an ack is answered with the arguments too.
-- For tests and benchmarks.
--
--   sioc scripts/handlers/echo.lua --port 3000
--
--   socket.emit("anything", 1, { a: 2 })                     -> the client receives "anything", 1, { a: 2 }
--   await socket.emitWithAck("anything", 1)                  -> 1, and the client receives "anything", 1
--   binary arguments come back as binary

local sioc = require "sioc"
local io = sioc.server()

io:on("connection", function(socket)
  socket:on_any(function(name, ...)
    local args = table.pack(...)
    local ack = args[args.n]
    if type(ack) == "function" then
      args.n = args.n - 1
      ack(table.unpack(args, 1, args.n))
    end
    socket:emit(name, table.unpack(args, 1, args.n))
  end)
end)

io:listen(3000)
