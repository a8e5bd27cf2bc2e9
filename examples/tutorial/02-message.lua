-- A message, and its answer by ack: what the handler returns.
-- Try: sioc examples/tutorial/02-message.lua, open http://127.0.0.1:3000, send:  hello "Ada"
--      then:  add 1, 2

local sioc = require "sioc"
local io = sioc.server()

io:event("hello", function(socket, name)
  return "Hello, " .. tostring(name) .. "! Your id is " .. socket.id
end)

io:event("add", function(_, a, b)
  if math.type(a) and math.type(b) then return a + b end
  return { error = "two numbers, please" } -- clients may send anything: look before you use it
end)

io:static("/", "public")
io:listen(3000)
