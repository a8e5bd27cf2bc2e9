import sioc

NAMES = ["", "with space", "ключ😀", "*", "0", "error", "message", "connection", "connect_error_", "__proto__",
         "constructor", "toString", "x" * 200, '"\\\n']
KINDS = {type(None): "null", bytes: "binary", list: "array", dict: "object", str: "string", bool: "boolean",
         int: "number", float: "number"}


def app(host):
    def connected(socket):
        def hear(name):
            def heard(*args):
                if args and isinstance(args[0], sioc.Reject):  # of the parser
                    host.record(socket, "error", args[0].message)
                else:
                    socket.emit("heard", name, *args)

            socket.on(name, heard)

        for name in NAMES:
            hear(name)

        @socket.on("echo")
        def echo(*args):
            socket.emit("echo", *args)

        @socket.on("types")
        def types(*args):
            host.record(socket, "types", *(KINDS[type(value)] for value in args))

        @socket.on("reserved")
        def reserved(name):
            try:
                socket.emit(name)
                socket.emit("sent", name)
            except ValueError as error:
                socket.emit("refused", name, str(error))

        @socket.on("from server")
        def from_server():
            inf, same = float("inf"), b"same"
            socket.emit("none")
            socket.emit("nulls", None, None, [None], {"a": None})
            socket.emit("numbers", 0, -1, 1.5, 1e21, 1e-7, 123456789012345, 0.1, 1 / 3, 5e-324, 1.7976931348623157e308,
                        inf - inf, inf, -inf)
            socket.emit("text", 'é€😀\u2028\0"\\/', "")
            socket.emit("nested", [[], {}, [[]], {"a": [{"b": []}]}])
            socket.emit("binary", bytes([0, 1, 255]), {"deep": [b"", {"b": memoryview(b"text")}]}, "end")
            socket.emit("twice", same, same)
            socket.send("as message", 1)

        @socket.on("big")
        def big(size):
            socket.emit("big", "x" * size, {"size": size})

        @socket.on("big binary")
        def big_binary(size):
            socket.emit("big", b"\7" * size, {"size": size})

        @socket.on("many")
        def many(count):
            for i in range(count):
                socket.emit("n", i)

        @socket.on("mixed")
        def mixed(count):
            for i in range(count):
                socket.emit("n", bytes([i]) if i % 3 == 1 else i)

        socket.on("note", lambda *args: host.record(socket, "note", *args))

    host.serve(host.io.of("/events"), connected)
