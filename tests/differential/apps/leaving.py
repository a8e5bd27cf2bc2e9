def app(host):
    io, record = host.io, host.record

    def connected(socket):
        socket.on("note", lambda n: record(socket, "note", n))
        socket.on("leave me", lambda close=False: socket.disconnect(close) and None)

        @socket.on("say and leave")
        def say_and_leave(close=False):
            socket.emit("last", 1)
            socket.emit("last", 2)
            socket.disconnect(close)
            record(socket, "left", socket.connected, socket.disconnected)

        @socket.on("leave twice")
        def leave_twice():
            socket.disconnect()
            socket.disconnect(True)

        @socket.on("cut")
        def cut():
            socket.conn.close()

        @socket.on("big")
        def big(size):
            socket.emit("big", "x" * size)

        @socket.on("speak after")
        def speak_after():
            socket.on("disconnect", lambda: record(socket, "told", bool(socket.emit("too late"))))

    host.serve(io, connected)
    host.serve(io.of("/leaving"), connected)

    @io.of("/at-once").on("connection")
    def at_once(socket):
        record(socket, "connection")
        socket.disconnect()

    @io.of("/cut-at-once").on("connection")
    def cut_at_once(socket):
        record(socket, "connection")
        socket.disconnect(True)
