import re

from sioc import Reject


def app(host):
    io, record = host.io, host.record
    io.on("new_namespace", lambda nsp: record(None, "new namespace", nsp.name))

    def body(socket):
        socket.on("where", lambda: socket.nsp.name)

        @socket.on("all")
        def everybody():
            socket.nsp.emit("news", socket.nsp.name)

    for name in ("/one", "without slash", "/with space", "/ключ😀", "/a/b/c", "/dot.dot", "/" + "x" * 100):
        host.serve(io.of(name), body)
    for i in range(15):
        host.serve(io.of(f"/number-{i}"), body)
    record(None, "same object", io.of("/one") is io.of("one"))

    def greeted(socket):
        record(socket, "handler given to of", socket.nsp.name)
        body(socket)

    io.of("handled", greeted).on("connection", lambda socket: record(socket, "another"))
    io.of(re.compile(r"^/handled-\d+$"), greeted)
    io.of(lambda name: name == "/handled-by-function", greeted)

    tenants = host.serve(io.of(re.compile(r"^/tenant-\d+$")), body)

    @tenants.use
    def middleware(socket):
        record(socket, "middleware", socket.nsp.name)
        if socket.handshake.auth.get("refuse"):
            raise Reject("refused")

    @tenants.on("connection")
    def tenant(socket):
        @socket.on("all tenants")
        def all_tenants():
            tenants.emit("news", "to all tenants")

    async def by_function(name, auth):
        if not name.startswith("/by-function"):
            return False
        record(None, "asked", name, auth)
        await host.sleep(0.05 if "slow" in name else 0)
        return auth.get("ok") is True

    host.serve(io.of(by_function), body)
    host.serve(io.of(re.compile(r"^/tenant-1\d$")), lambda socket: record(None, "never asked"))
