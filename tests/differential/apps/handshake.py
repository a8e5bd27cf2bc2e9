DIFFERENT = ("host", "sec-websocket-key", "connection", "upgrade")  # for each client


def app(host):
    def connected(socket):
        host.record(socket, "flags", socket.connected, socket.disconnected, socket.recovered, len(socket.rooms),
                    socket.id in socket.rooms, socket.nsp.name)
        host.record(socket, "conn", socket.conn.remote_address, socket.conn.id != socket.id, len(socket.id))
        socket.emit("first", 1)
        socket.emit("second", 2)

        @socket.on("handshake")
        def handshake():
            h = socket.handshake
            return {"auth": h.auth, "query": h.query, "headers": h.headers, "address": h.address,
                    "url": h.url.partition("?")[0], "secure": h.secure, "xdomain": h["xdomain"],
                    "time": "string" if isinstance(h.time, str) else repr(h.time),
                    "issued": "number" if isinstance(h.issued, (int, float)) else repr(h.issued)}

        @socket.on("request")
        def request():
            request, client, conn = socket.request, socket.client, socket.conn
            headers = {name: value for name, value in request.headers.items() if name not in DIFFERENT}
            return (request.method, request.path, request.query.get("x"), headers, client.conn is conn,
                    client.id == conn.id, client.request is request, conn.request is request)

        socket.on("transport", lambda: socket.conn.transport.name)
        socket.on("id", lambda: socket.id)

    host.serve(host.io, connected)
    host.serve(host.io.of("/hs"), connected)
