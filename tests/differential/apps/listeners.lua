return function(host)
  local sioc = require "sioc"
  local io, record, split = host.io, host.record, host.split
  local nsp = io:of("/listeners")
  nsp:on("connect", function(socket) record(socket, "connect handler") end)
  nsp:on("connection", function(socket) record(socket, "connection handler") end)
  nsp:on("connection", function(socket)
    local function hear(what)
      return function(...)
        if ... == "sync" then return end
        local args, ack = split(...)
        args.n = args.n + 1
        args[args.n] = ack ~= nil
        record(socket, what, host.unpack(args))
      end
    end
    local any, first = hear("any"), hear("prepended any")
    local one, two, gone = hear("one"), hear("two"), hear("gone")
    local self
    self = function() record(socket, "self") socket:off("self", self) end
    local out, first_out = hear("out"), hear("prepended out")

    socket:on("disconnect", function(reason) record(socket, "disconnect", reason) end)
    socket:on("sync", function(ack) ack() end)
    socket:on("x", one)
    socket:on("x", two)
    socket:once("x", hear("once"))
    socket:on("y", gone)
    socket:on("y", one)
    socket:off("y", gone)
    socket:on("z", gone)
    socket:remove_all_listeners("z")
    socket:on("self", self)
    socket:on("self", one)
    socket:on("doubled", one)
    socket:on("doubled", one)
    socket:add_listener("front", one)
    socket:prepend_listener("front", two)
    socket:prepend_once_listener("front", hear("once"))
    socket:add_listener("front", gone)
    socket:remove_listener("front", gone)
    socket:on("add", function() socket:on("added", one) end)
    socket:on("names", function(ack) ack(host.unordered(socket:event_names())) end)
    socket:on("counts", function(ack)
      ack(#socket:listeners("x"), #socket:listeners("none"), #socket:listeners_any(), #socket:listeners_any_outgoing(), socket:listener_count("front"))
    end)

    socket:on("any", function(ack) socket:on_any(any) socket:prepend_any(first) ack() end)
    socket:on("off any", function(ack) socket:off_any(any) ack() end)
    socket:on("off all any", function(ack) socket:off_any() ack() end)
    socket:on("any out", function(ack) socket:on_any_outgoing(out) socket:prepend_any_outgoing(first_out) ack() end)
    socket:on("off any out", function(ack) socket:off_any_outgoing(out) ack() end)
    socket:on("off all any out", function(ack) socket:off_any_outgoing() ack() end)
    socket:on("speak", function(ack)
      socket:emit("direct", 1, { a = { 2 } })
      nsp:emit("to all", "x")
      nsp:to(socket.id):emit("to room", sioc.binary("\1"))
      socket.broadcast:emit("to others")
      socket:emit("asks", 1, function() end)
      ack("an answer is no event")
    end)
    socket:on("speak volatile", function() socket.volatile:emit("volatile") end)
    socket:on("speak volatile twice", function() for i = 1, 2 do socket.volatile:emit("volatile", i) end end)
    socket:on("remove", function(name, ack) socket:remove_all_listeners(name) ack() end)
  end)
  io:of("/once"):once("connection", function(socket) record(socket, "the first") end)
  local function never(socket) record(socket, "never") end
  io:of("/off"):on("connection", never)
  io:of("/off"):off("connection", never)
  io:of("/off"):on("connection", function(socket) record(socket, "connection") end)
  local rooms = io:of("/rooms-events")
  rooms:on("connection", function(socket)
    socket:on("join", function(room, ack) socket:join(room) ack() end)
    socket:on("leave", function(room, ack) socket:leave(room) ack() end)
  end)
  for _, name in ipairs { "create-room", "delete-room" } do
    rooms:on(name, function(room) record(nil, name, room, sioc.null) end)
  end
  for _, name in ipairs { "join-room", "leave-room" } do rooms:on(name, function(room, id) record(nil, name, room, id) end) end
end
