from sioc import Reject


def app(host):
    io, record = host.io, host.record

    def inside(socket):
        socket.on("data", lambda: socket.data)
        socket.on("rooms", lambda: host.unordered(socket.rooms))

    doors = host.serve(io.of("/doors"), inside)

    @doors.use
    def first(socket):
        record(socket, "first", socket.connected, socket.handshake.auth)
        socket.data["seen"] = ["first"]
        socket.join("from middleware")
        refuse = socket.handshake.auth.get("refuse")
        if refuse == "plain":
            raise Reject("not allowed")
        if refuse == "data":
            raise Reject("not authorized", {"code": "E1", "list": [1, {"deep": None}], "é": "€"})
        if refuse == "text data":
            raise Reject("with text", "data")
        if refuse == "empty":
            raise Reject("")

    @doors.use
    async def second(socket):
        auth = socket.handshake.auth
        if "wait" in auth:
            await host.sleep(auth["wait"])
        record(socket, "second")
        socket.data["seen"].append("second")
        if auth.get("refuse") == "late":
            raise Reject("late refusal", [1, 2])

    def packets(socket):
        @socket.on_any
        def every(event, *args):
            if event != "sync":
                record(socket, "any", event)

        @socket.use
        def packet(event, *args):
            if event == "sync":
                return
            record(socket, "packet", event, *args)
            if event == "forbidden":
                raise Reject("forbidden event", {"code": 403})
            if event == "plainly":
                raise Reject("no")

        @socket.use
        async def second_packet(event):
            if event != "sync":
                record(socket, "second packet", event)
            if event == "slow":
                await host.sleep(0.06)

        def hear(event):
            @socket.on(event)
            def heard(*args):
                record(socket, event, *args)
                return "done"

        for event in ("allowed", "forbidden", "plainly", "slow"):
            hear(event)
        socket.on("error", lambda error: record(socket, "error", error.message, error.data))

    host.serve(io.of("/packets"), packets)
    io.of("/early").use(lambda socket: socket.emit("early", 1) and None)
    host.serve(io.of("/early"), lambda socket: socket.emit("later", 2))
