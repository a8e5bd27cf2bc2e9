local sioc = require "sioc"

local function operator(op, steps)
  for _, step in ipairs(steps) do
    local name, value = step[1], step[2]
    local names = type(value) == "table" and value or { value }
    if name == "to" then op = op:to(table.unpack(names))
    elseif name == "in" then op = op:in_(table.unpack(names))
    elseif name == "except" then op = op:except(table.unpack(names))
    elseif name == "compress" then op = op:compress(value)
    elseif name == "local" then op = op.local_
    else op = op[name] end
  end
  return op
end

return function(host)
  local unordered = host.unordered
  local function serve(nsp)
    host.serve(nsp, function(socket)
      socket:emit("welcome")
      socket:on("join", function(...)
        local names, ack = host.split(...)
        socket:join(host.unpack(names))
        ack(unordered(socket.rooms))
      end)
      socket:on("leave", function(name, ack) socket:leave(name) ack(unordered(socket.rooms)) end)
      socket:on("leave own", function(ack) socket:leave(socket.id) ack(unordered(socket.rooms)) end)
      socket:on("cast", function(from, steps, ...)
        local args, ack = host.split(...)
        local base = from == "server" and host.io or from == "namespace" and nsp or socket
        operator(base, steps):emit("news", host.unpack(args))
        ack()
      end)
      socket:on("keep", function(ack) -- an operator is a value
        local staff = nsp:to("a")
        local less, more = staff:except("b"), staff:to("c")
        staff:emit("news", "a")
        less:emit("news", "a but b")
        more:emit("news", "a and c")
        staff:emit("news", "a again")
        ack()
      end)
      socket:on("who", function(steps, ack)
        local ids = sioc.array {}
        for i, other in ipairs(operator(nsp, steps):fetch_sockets()) do ids[i] = other.id end
        ack(unordered(ids))
      end)
      socket:on("facts", function(room, ack)
        local facts = sioc.array {}
        for i, other in ipairs(nsp:in_(room):fetch_sockets()) do
          facts[i] = { id = other.id, rooms = unordered(other.rooms), data = other.data, auth = other.handshake.auth }
        end
        ack(unordered(facts))
      end)
      socket:on("data", function(data, ack) socket.data.kept = data ack(socket.data) end)
      socket:on("pull", function(steps, names, ack) operator(nsp, steps):sockets_join(table.unpack(names)) ack() end)
      socket:on("push", function(steps, names, ack) operator(nsp, steps):sockets_leave(table.unpack(names)) ack() end)
      socket:on("drop", function(steps, close) operator(nsp, steps):disconnect_sockets(close) end)
      socket:on("each", function(room, what, ack)
        for _, other in ipairs(nsp:in_(room):fetch_sockets()) do
          if what == "emit" then other:emit("news", "one by one") end
          if what == "join" then other:join("together") end
          if what == "leave" then other:leave(room) end
          if what == "disconnect" then other:disconnect() end
        end
        if ack then ack() end
      end)
      socket:on("sizes", function(ack)
        local n = 0
        for _ in pairs(nsp.sockets) do n = n + 1 end
        ack(n)
      end)
      socket:on("leaving", function()
        socket:on("disconnecting", function()
          local rooms = {}
          for _, room in ipairs(socket.rooms) do
            if room ~= socket.id then rooms[#rooms + 1] = room end
          end
          socket:to(table.unpack(rooms)):emit("news", "goodbye")
          socket:join("too late")
        end)
      end)
      socket:on("after", function()
        socket:on("disconnect", function()
          socket:join("too late")
          host.record(socket, "after", sioc.array(socket.rooms), socket.connected)
          nsp:emit("news", "somebody left")
        end)
      end)
    end)
  end
  serve(host.io)
  serve(host.io:of("/rooms"))
  serve(host.io:of("/others"))
end
