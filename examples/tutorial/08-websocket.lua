-- Not everything speaks Socket.IO: a plain WebSocket beside it.
--
--   sioc 08-websocket.lua
--   websocat ws://127.0.0.1:3000/echo          (or any other WebSocket client)
--   websocat ws://127.0.0.1:3000/sensor/7

local sioc = require "sioc"
local io = sioc.server {}

-- What was text is a string here, what was binary a sioc.Buffer: sending it back is an echo.
io:websocket("/echo", function(ws)
  ws:on("message", function(data) ws:send(data) end)
end)

-- Sensors report; everyone who listens to a topic hears it, and so do Socket.IO clients.
io:websocket("/sensor/:id", function(ws, req)
  local id = req.params.id
  ws.data.count = 0
  ws:on("message", function(value)
    ws.data.count = ws.data.count + 1
    io:publish("sensors", id .. ": " .. tostring(value))
    io:emit("sensor", id, value)
  end)
  ws:on("close", function(code) sioc.log.info("sensor", id, "has left", { code = code, messages = ws.data.count }) end)
end)

io:websocket("/sensors", function(ws) ws:subscribe("sensors") end)

io:listen(3000)
