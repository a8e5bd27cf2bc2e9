def operator(op, steps):
    for step, *values in steps:
        if step in ("to", "compress"):
            op = getattr(op, step)(*values)
        elif step in ("in", "except"):
            op = getattr(op, step + "_")(*values)
        else:
            op = getattr(op, step)  # broadcast, volatile, local
    return op


def app(host):
    unordered = host.unordered

    def serve(nsp):
        def connected(socket):
            socket.emit("welcome")

            @socket.on("join")
            def join(*names):
                socket.join(*names)
                return unordered(socket.rooms)

            @socket.on("leave")
            def leave(name):
                socket.leave(name)
                return unordered(socket.rooms)

            @socket.on("leave own")
            def leave_own():
                socket.leave(socket.id)
                return unordered(socket.rooms)

            @socket.on("cast")
            def cast(origin, steps, *args):
                base = {"server": host.io, "namespace": nsp}.get(origin, socket)
                operator(base, steps).emit("news", *args)

            @socket.on("keep")
            def keep():  # an operator is a value
                staff = nsp.to("a")
                less, more = staff.except_("b"), staff.to("c")
                staff.emit("news", "a")
                less.emit("news", "a but b")
                more.emit("news", "a and c")
                staff.emit("news", "a again")

            @socket.on("who")
            async def who(steps):
                return unordered([other.id for other in await operator(nsp, steps).fetch_sockets()])

            @socket.on("facts")
            async def facts(room):
                return unordered([{"id": other.id, "rooms": unordered(other.rooms), "data": other.data,
                                   "auth": other.handshake.auth} for other in await nsp.in_(room).fetch_sockets()])

            @socket.on("data")
            def data(data):
                socket.data["kept"] = data
                return socket.data

            socket.on("pull", lambda steps, names: operator(nsp, steps).sockets_join(names))
            socket.on("push", lambda steps, names: operator(nsp, steps).sockets_leave(names))
            socket.on("drop", lambda steps, close=False: operator(nsp, steps).disconnect_sockets(close))

            @socket.on("each")
            async def each(room, what):
                for other in await nsp.in_(room).fetch_sockets():
                    if what == "emit":
                        other.emit("news", "one by one")
                    elif what == "join":
                        other.join("together")
                    elif what == "leave":
                        other.leave(room)
                    elif what == "disconnect":
                        other.disconnect()

            socket.on("sizes", lambda: len(nsp.sockets))

            @socket.on("leaving")
            def leaving():
                @socket.on("disconnecting")
                def disconnecting():
                    socket.to([room for room in socket.rooms if room != socket.id]).emit("news", "goodbye")
                    socket.join("too late")

            @socket.on("after")
            def after():
                @socket.on("disconnect")
                def disconnected():
                    socket.join("too late")
                    host.record(socket, "after", socket.rooms, socket.connected)
                    nsp.emit("news", "somebody left")

        host.serve(nsp, connected)

    serve(host.io)
    serve(host.io.of("/rooms"))
    serve(host.io.of("/others"))
