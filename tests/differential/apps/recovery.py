def app(host):
    record, unordered = host.record, host.unordered
    nsp = host.io.of("/back")

    def connected(socket):
        record(socket, "recovered", socket.recovered, unordered(socket.rooms), socket.data)

        @socket.on("join")
        def join(room):
            socket.join(room)
            return unordered(socket.rooms)

        @socket.on("set")
        def assign(name, value):
            socket.data[name] = value
            return 1

        @socket.on("to room")
        def to_room(room, *args):
            nsp.to(room).emit("news", *args)

        @socket.on("to all but room")
        def to_all_but_room(room, *args):
            nsp.except_(room).emit("news", *args)

        @socket.on("to id")
        def to_id(id, *args):
            nsp.to(id).emit("news", *args)

        @socket.on("binary")
        def binary():
            nsp.emit("news", b"\0\1\377", {"deep": b"deep"})

        @socket.on("volatile")
        def volatile():
            nsp.volatile.emit("news", {"volatile": True})

        @socket.on("numbers")
        def numbers(first, last):
            for i in range(first, last + 1):
                nsp.emit("n", i)

        socket.on("facts", lambda: (unordered(socket.rooms), socket.data))
        socket.on("note", lambda n: record(socket, "note", n))
        socket.on("leave me", lambda close: socket.disconnect(close))

    host.serve(nsp, connected)
