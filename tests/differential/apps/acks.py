import asyncio

import sioc


def app(host):
    nsp, record, unordered = host.io.of("/acks"), host.record, host.unordered

    def connected(socket):
        # answers to the client
        socket.on("one", lambda *args: "yes")
        socket.on("none", lambda ack: ack() and None)
        socket.on("several", lambda: (1, "two", [3], {"four": 4}, None))
        socket.on("binary", lambda: (b"\1\2", {"deep": bytearray(b"x")}))
        socket.on("back", lambda *args: args)

        @socket.on("twice")
        def twice(ack):
            ack(1)
            ack(2)
            socket.emit("done")

        @socket.on("late")
        async def late(seconds):
            await host.sleep(seconds)
            return seconds

        @socket.on("never")
        def never(ack):
            pass

        @socket.on("after leaving")
        def after_leaving(ack):
            socket.disconnect()
            ack("late")

        @socket.on("order")
        def order(ack):
            socket.emit("before")
            ack("ack")
            socket.emit("after")

        @socket.on("wants")
        def wants(*args, ack):
            record(socket, "wants", ack is not None, len(args))

        # answers from the client
        @socket.on("ask")
        async def ask(seconds, *args):
            try:
                record(socket, "answer", await socket.timeout(seconds).emit_with_ack("q", *args))
            except (sioc.AckTimeout, sioc.Disconnected) as error:
                record(socket, "no answer", str(error))
            socket.emit("asked")

        @socket.on("ask by callback")
        def ask_by_callback(seconds, *args):
            def answered(error, *answers):
                record(socket, "called back", error and str(error), *answers)
                socket.emit("asked")

            socket.timeout(seconds).emit("q", *args, ack=answered)

        @socket.on("ask without timeout")
        def ask_without_timeout(*args):
            def answered(error, *answers):  # api.md: the error comes first, also without a timeout
                record(socket, "called back", *answers)
                socket.emit("asked")

            socket.emit("q", *args, ack=answered)

        @socket.on("ask many times")
        async def ask_many_times(count):
            record(socket, "answers", await asyncio.gather(*(socket.timeout(10).emit_with_ack("q", i) for i in range(count))))
            socket.emit("asked")

        # answers from many
        @socket.on("join")
        def join(room):
            socket.join(room)

        @socket.on("ask all")
        async def ask_all(seconds, spec, *args):
            op = (socket.broadcast if spec.get("broadcast") else nsp).timeout(seconds)
            if spec.get("to"):
                op = op.to(spec["to"])
            if spec.get("except"):
                op = op.except_(spec["except"])
            try:
                record(socket, "answers", unordered(await op.emit_with_ack("q", *args)))
            except sioc.AckTimeout as error:
                record(socket, "some answers", str(error), unordered(error.responses))
            socket.emit("asked")

        @socket.on("ask all by callback")
        def ask_all_by_callback(seconds):
            def answered(error, answers):
                record(socket, "called back", error and str(error), unordered(answers))
                socket.emit("asked")

            nsp.timeout(seconds).emit("q", ack=answered)

    host.serve(nsp, connected)
