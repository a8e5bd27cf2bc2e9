def app(host):
    io, record = host.io, host.record
    nsp = io.of("/listeners")
    nsp.on("connect", lambda socket: record(socket, "connect handler"))
    nsp.on("connection", lambda socket: record(socket, "connection handler"))

    @nsp.on("connection")
    def connected(socket):
        def hear(what):
            def heard(*args, ack=None):
                if args[:1] != ("sync",):
                    record(socket, what, *args, ack is not None)

            return heard

        any_, first = hear("any"), hear("prepended any")
        one, two, gone = hear("one"), hear("two"), hear("gone")
        out, first_out = hear("out"), hear("prepended out")

        def itself():
            record(socket, "self")
            socket.off("self", itself)

        socket.on("disconnect", lambda reason: record(socket, "disconnect", reason))
        socket.on("sync", lambda: None)
        socket.on("x", one)
        socket.on("x", two)
        socket.once("x", hear("once"))
        socket.on("y", gone)
        socket.on("y", one)
        socket.off("y", gone)
        socket.on("z", gone)
        socket.remove_all_listeners("z")
        socket.on("self", itself)
        socket.on("self", one)
        socket.on("doubled", one)
        socket.on("doubled", one)
        socket.add_listener("front", one)
        socket.prepend_listener("front", two)
        socket.prepend_once_listener("front", hear("once"))
        socket.add_listener("front", gone)
        socket.remove_listener("front", gone)
        socket.on("add", lambda: socket.on("added", one) and None)
        socket.on("names", lambda: host.unordered(socket.event_names()))
        socket.on("counts", lambda: (
            len(socket.listeners("x")), len(socket.listeners("none")), len(socket.listeners_any()),
            len(socket.listeners_any_outgoing()), socket.listener_count("front")))

        @socket.on("any")
        def any_on():
            socket.on_any(any_)
            socket.prepend_any(first)

        @socket.on("any out")
        def any_out():
            socket.on_any_outgoing(out)
            socket.prepend_any_outgoing(first_out)

        socket.on("off any", lambda: socket.off_any(any_))
        socket.on("off all any", lambda: socket.off_any())
        socket.on("off any out", lambda: socket.off_any_outgoing(out))
        socket.on("off all any out", lambda: socket.off_any_outgoing())

        @socket.on("speak")
        def speak():
            socket.emit("direct", 1, {"a": [2]})
            nsp.emit("to all", "x")
            nsp.to(socket.id).emit("to room", b"\1")
            socket.broadcast.emit("to others")
            socket.emit("asks", 1, ack=lambda *_: None)
            return "an answer is no event"

        @socket.on("speak volatile")
        def speak_volatile():
            socket.volatile.emit("volatile")

        @socket.on("speak volatile twice")
        def speak_volatile_twice():
            for i in (1, 2):
                socket.volatile.emit("volatile", i)

        socket.on("remove", lambda name: socket.remove_all_listeners(name))

    io.of("/once").once("connection", lambda socket: record(socket, "the first"))

    def never(socket):
        record(socket, "never")

    io.of("/off").on("connection", never)
    io.of("/off").off("connection", never)
    io.of("/off").on("connection", lambda socket: record(socket, "connection"))
    rooms = io.of("/rooms-events")

    @rooms.on("connection")
    def in_rooms(socket):
        socket.on("join", lambda room: socket.join(room))
        socket.on("leave", lambda room: socket.leave(room))

    for name in ("create-room", "delete-room"):
        rooms.on(name, lambda room, *, name=name: record(None, name, room, None))
    for name in ("join-room", "leave-room"):
        rooms.on(name, lambda room, id, *, name=name: record(None, name, room, id))
