-- Handlers may wait, for time or for a client's answer. Only they wait: the server goes on.
-- Try: sioc examples/tutorial/07-wait.lua, open http://127.0.0.1:3000, send:  egg
--      then:  quiz      and answer the question, or let its ten seconds pass.

local sioc = require "sioc"
local io = sioc.server()

io:event("egg", function(socket)
  for minute = 1, 3 do
    sioc.sleep(1)
    socket:emit("cooking", minute)
  end
  return "Your egg is ready."
end)

io:event("quiz", function(socket)
  local answer, err = socket:timeout(10):emit_with_ack("question", "What is six times seven?")
  if not answer then return "No answer: " .. err end -- the time is over, or the client has gone
  return tostring(answer) == "42" and "Right!" or "It is 42."
end)

io:static("/", "public")
io:listen(3000)
