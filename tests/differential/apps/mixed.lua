-- For clients of all kinds in one room: of 2.x and 4.x, and python-socketio's.
local sioc = require "sioc"

return function(host)
  local record = host.record
  local nsp = host.io:of("/mixed")
  nsp:use(function(socket)
    local refuse = socket.handshake.auth.refuse or socket.handshake.query.refuse
    if refuse == "data" then return nil, "not authorized", { code = "E1", list = { 1, 2 } } end
    if refuse then return nil, "not allowed" end
  end)
  host.serve(nsp, function(socket)
    record(socket, "protocol", socket.conn.protocol)
    socket:on("join", function(room, ack) socket:join(room) ack(room) end)
    socket:on("leave room", function(room, ack) socket:leave(room) ack(room) end)
    socket:on("echo", function(...) socket:emit("echoed", host.unpack((host.split(...)))) end)
    socket:on("back", function(...)
      local args, ack = host.split(...)
      ack(host.unpack(args))
    end)
    socket:on("note", function(...) record(socket, "note", host.unpack((host.split(...)))) end)
    socket:on("to room", function(room, ...)
      local args, ack = host.split(...)
      nsp:to(room):emit("news", host.unpack(args))
      ack()
    end)
    socket:on("to others", function(room, ...)
      local args, ack = host.split(...)
      socket:to(room):emit("news", host.unpack(args))
      ack()
    end)
    socket:on("ask", function(...)
      local answer, err = socket:timeout(5):emit_with_ack("q", host.unpack((host.split(...))))
      if err then record(socket, "no answer", err) else record(socket, "answer", answer) end
      socket:emit("asked")
    end)
    socket:on("ask all", function(room)
      local answers, err = nsp:to(room):timeout(5):emit_with_ack("q", "all")
      record(socket, "answers", host.unordered(answers), err ~= nil)
      socket:emit("asked")
    end)
    socket:on("many", function(count) for i = 0, count - 1 do socket:emit("n", i % 3 == 1 and sioc.binary(string.char(i % 256)) or i) end end)
    socket:on("leave me", function(close) socket:disconnect(close) end)
  end)
end
