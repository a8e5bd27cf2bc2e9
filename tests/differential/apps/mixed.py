from sioc import AckTimeout, Disconnected, Reject


def app(host):
    record = host.record
    nsp = host.io.of("/mixed")

    @nsp.use
    def door(socket):
        refuse = socket.handshake.auth.get("refuse") or socket.handshake.query.get("refuse")
        if refuse == "data":
            raise Reject("not authorized", {"code": "E1", "list": [1, 2]})
        if refuse:
            raise Reject("not allowed")

    def connected(socket):
        record(socket, "protocol", socket.conn.protocol)

        @socket.on("join")
        def join(room):
            socket.join(room)
            return room

        @socket.on("leave room")
        def leave_room(room):
            socket.leave(room)
            return room

        @socket.on("echo")
        def echo(*args):
            socket.emit("echoed", *args)

        @socket.on("to room")
        def to_room(room, *args):
            nsp.to(room).emit("news", *args)

        @socket.on("to others")
        def to_others(room, *args):
            socket.to(room).emit("news", *args)

        @socket.on("ask")
        async def ask(*args):
            try:
                record(socket, "answer", await socket.timeout(5).emit_with_ack("q", *args))
            except (AckTimeout, Disconnected) as error:
                record(socket, "no answer", str(error))
            socket.emit("asked")

        @socket.on("ask all")
        async def ask_all(room):
            answers, late = [], False
            try:
                answers = await nsp.to(room).timeout(5).emit_with_ack("q", "all")
            except AckTimeout as error:
                answers, late = error.responses, True
            record(socket, "answers", host.unordered(answers), late)
            socket.emit("asked")

        @socket.on("many")
        def many(count):
            for i in range(count):
                socket.emit("n", bytes([i % 256]) if i % 3 == 1 else i)

        socket.on("back", lambda *args: args)
        socket.on("note", lambda *args: record(socket, "note", *args))
        socket.on("leave me", lambda close: socket.disconnect(close))

    host.serve(nsp, connected)
