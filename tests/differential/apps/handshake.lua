return function(host)
  local function body(socket)
    local own = false
    for _, room in ipairs(socket.rooms) do own = own or room == socket.id end
    host.record(socket, "flags", socket.connected, socket.disconnected, socket.recovered, #socket.rooms, own, socket.nsp.name)
    host.record(socket, "conn", socket.conn.remote_address, socket.conn.id ~= socket.id, #socket.id)
    socket:emit("first", 1)
    socket:emit("second", 2)
    socket:on("handshake", function(ack)
      local h = socket.handshake
      ack { auth = h.auth, query = h.query, headers = h.headers, address = h.address, url = h.url:match("^[^?]*"),
        secure = h.secure, xdomain = h.xdomain, time = type(h.time), issued = type(h.issued) }
    end)
    socket:on("transport", function(ack) ack(socket.conn.transport.name) end)
    socket:on("request", function(ack)
      local request, client, conn = socket.request, socket.client, socket.conn
      local headers = {}
      for name, value in pairs(request.headers) do headers[name] = value end
      for _, name in ipairs { "host", "sec-websocket-key", "connection", "upgrade" } do headers[name] = nil end
      ack(request.method, request.path, request.query.x, headers, client.conn == conn, client.id == conn.id, client.request == request, conn.request == request)
    end)
    socket:on("id", function(ack) ack(socket.id) end)
  end
  host.serve(host.io, body)
  host.serve(host.io:of("/hs"), body)
end
