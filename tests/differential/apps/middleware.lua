local sioc = require "sioc"

return function(host)
  local io, record = host.io, host.record

  local doors = host.serve(io:of("/doors"), function(socket)
    socket:on("data", function(ack) ack(socket.data) end)
    socket:on("rooms", function(ack) ack(host.unordered(socket.rooms)) end)
  end)
  doors:use(function(socket)
    record(socket, "first", socket.connected, socket.handshake.auth)
    socket.data.seen = { "first" }
    socket:join("from middleware")
    local refuse = socket.handshake.auth.refuse
    if refuse == "plain" then return nil, "not allowed" end
    if refuse == "data" then
      return nil, "not authorized", { code = "E1", list = { 1, { deep = sioc.null } }, ["é"] = "€" }
    end
    if refuse == "text data" then return nil, "with text", "data" end
    if refuse == "empty" then return nil, "" end
  end)
  doors:use(function(socket)
    local auth = socket.handshake.auth
    if auth.wait then sioc.sleep(auth.wait) end
    record(socket, "second")
    table.insert(socket.data.seen, "second")
    if auth.refuse == "late" then return nil, "late refusal", { 1, 2 } end
  end)

  host.serve(io:of("/packets"), function(socket)
    socket:on_any(function(event) if event ~= "sync" then record(socket, "any", event) end end)
    socket:use(function(event, ...)
      if event == "sync" then return end
      record(socket, "packet", event, host.unpack((host.split(...))))
      if event == "forbidden" then return nil, "forbidden event", { code = 403 } end
      if event == "plainly" then return nil, "no" end
    end)
    socket:use(function(event)
      if event ~= "sync" then record(socket, "second packet", event) end
      if event == "slow" then sioc.sleep(0.06) end
    end)
    for _, event in ipairs { "allowed", "forbidden", "plainly", "slow" } do
      socket:on(event, function(...)
        local args, ack = host.split(...)
        record(socket, event, host.unpack(args))
        if ack then ack("done") end
      end)
    end
    socket:on("error", function(err) record(socket, "error", err.message, err.data) end)
  end)

  io:of("/early"):use(function(socket) socket:emit("early", 1) end)
  host.serve(io:of("/early"), function(socket) socket:emit("later", 2) end)
end
