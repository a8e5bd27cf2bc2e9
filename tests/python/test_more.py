"""Namespaces of many names, classes of handlers, middleware of events, the engine, numbers of any size."""
import asyncio
import re

import pytest
import socketio

import sioc


async def refused(server, nsp="/", **options):
    client = socketio.AsyncClient(reconnection=False)
    errors = []
    client.on("connect_error", lambda data: errors.append(data), namespace=nsp)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(server.url, namespaces=[nsp], transports=["websocket"], wait_timeout=3, **options)
    await let_go(client)
    return errors


async def let_go(client):
    """python-engineio leaves its session open when it is refused."""
    if client.eio.http and not client.eio.http.closed:
        await client.eio.http.close()


async def test_namespaces_by_pattern_and_by_function(serve):
    io = sioc.Server()
    made = []
    io.on("new_namespace", lambda nsp: made.append(nsp.name))
    rooms = io.of(re.compile(r"^/room-\d+$"))

    @rooms.on("connection")
    def _(socket):
        socket.emit("hello", socket.nsp.name)

    @rooms.event
    def where(socket):
        return socket.nsp.name

    async def fits(name, auth):
        await asyncio.sleep(0.001)
        return name.startswith("/user") and auth == {"key": 1}

    io.of(fits).event("where", lambda socket: "user " + socket.nsp.name)
    server = await serve(io)
    one, two = await server.client("/room-1"), await server.client("/room-22")
    assert await one.call("where", namespace="/room-1") == "/room-1"
    assert await two.call("where", namespace="/room-22") == "/room-22"
    assert made == ["/room-1", "/room-22"]
    assert io.of("/room-1").name == "/room-1" and len(io.of("/room-1").sockets) == 1
    heard = []
    one.on("all", heard.append, namespace="/room-1")
    two.on("all", heard.append, namespace="/room-22")
    rooms.emit("all", 5)
    assert await one.call("where", namespace="/room-1") and await two.call("where", namespace="/room-22")
    assert heard == [5, 5]
    user = await server.client("/user", auth={"key": 1})
    assert await user.call("where", namespace="/user") == "user /user"
    assert (await refused(server, "/user-2", auth={"key": 2}))[0]["message"] == "Invalid namespace"
    await refused(server, "/room-x")
    with pytest.raises(TypeError, match="compiled regular expression"):
        io.of(5)


async def test_a_class_of_handlers(serve):
    io = sioc.Server()

    class Admin(sioc.Namespace):
        def on_connection(self, socket):
            socket.data["n"] = 1

        async def on_more(self, socket, n):
            await asyncio.sleep(0)
            socket.data["n"] += n
            self.emit("told", socket.data["n"])
            return socket.data["n"], self.name

        def on_disconnect(self, socket, reason):
            gone.append(reason)

        def helper(self, socket):
            return "never"

    gone = []
    admin = io.register(Admin("/admin"))
    assert io.of("/admin") is admin
    server = await serve(io)
    told = []
    client = await server.client("/admin", told=told.append)
    assert await client.call("more", 4, namespace="/admin") == (5, "/admin")
    with pytest.raises(socketio.exceptions.TimeoutError):
        await client.call("helper", namespace="/admin", timeout=0.2)
    await client.disconnect()
    await asyncio.sleep(0.05)
    assert told == [5] and gone[0] in ("client namespace disconnect", "transport close")
    with pytest.raises(ValueError, match="there is a namespace /admin already"):
        io.register(Admin("/admin"))
    with pytest.raises(TypeError, match="derived from sioc.Namespace"):
        io.register(Admin)


async def test_middleware_of_events_plain_and_async(serve, soon):
    io = sioc.Server()
    errors = []

    @io.on("connection")
    def _(socket):
        @socket.use
        def plain(event, *args):
            if event == "no":
                raise sioc.Reject("not this", {"code": 4})

        @socket.use
        async def waits(event, *args):
            await asyncio.sleep(0.001)
            if event == "later no":
                raise sioc.Reject("nor this")
            if event == "broken":
                raise KeyError("x")

        socket.on("error", lambda error, event: errors.append((str(error), error.data, event)))
        for name in ("yes", "no", "later no", "broken"):
            socket.on(name, lambda n: n)

    client = await (await serve(io)).client()
    assert await asyncio.gather(*(client.call("yes", n) for n in range(5))) == list(range(5))
    for name in ("no", "later no", "broken"):
        await client.emit(name, 1)
    assert await client.call("yes", 7) == 7
    await soon(lambda: len(errors) == 3)
    assert errors == [("not this", {"code": 4}, "no"), ("nor this", None, "later no"), ("'x'", None, "broken")]


async def test_listeners_and_names(serve):
    io = sioc.Server()
    seen = []

    @io.on("connection")
    def _(socket):
        def a(): pass
        def b(): pass
        def c(event): pass
        socket.on("one", a)
        socket.on("one", b)
        socket.on("two", a)
        socket.on_any(c)
        socket.on_any_outgoing(c)
        seen.append(socket.listeners("one") == [a, b] and socket.listeners_any() == [c])
        seen.append(socket.listeners_any_outgoing() == [c] and socket.listeners("none") == [])
        seen.append(socket.event_names())
        socket.remove_all_listeners("one")
        seen.append(socket.event_names())
        socket.remove_all_listeners()
        seen.append(socket.event_names() == [] and socket.listeners_any() == [c])
        seen.append([socket.conn.transport, socket.conn.protocol, socket.conn.remote_address,
                     socket.conn == socket.conn, isinstance(socket.conn.id, int)])

    await (await serve(io)).client()
    assert seen == [True, True, ["one", "two"], ["two"], True, ["websocket", 4, "127.0.0.1", True, True]]


async def test_allow_request_and_generate_id_plain_and_async(serve):
    async def ids(request):
        await asyncio.sleep(0)
        return "session-" + "x" * 20 + request.query["n"]

    def allow(request):
        if request.query.get("key") == "why":
            raise sioc.Reject("the key is wrong")
        return request.query.get("key") == "yes"

    io = sioc.Server(allow_request=allow, generate_id=ids)
    refusals = []
    io.engine.on("connection_error", lambda e: refusals.append((e.code, e.message, e.request.method)))
    server = await serve(io)
    client = socketio.AsyncClient(reconnection=False)
    server.clients.append(client)
    await client.connect(server.url + "?key=yes&n=1", transports=["polling"])
    assert client.eio.sid == "session-" + "x" * 20 + "1"
    for key in ("no", "why"):
        other = socketio.AsyncClient(reconnection=False)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await other.connect(f"{server.url}?key={key}&n=2", transports=["polling"])
        await let_go(other)
    assert [r[0] for r in refusals] == [4, 4]

    async def allow_later(request):
        await asyncio.sleep(0)
        return True

    other = await serve(sioc.Server(allow_request=allow_later, generate_id=lambda: "short"))
    await refused(other)


async def test_headers_of_the_engine(serve):
    io = sioc.Server()
    order = []

    @io.engine.on("initial_headers")
    def initial(headers, request):
        headers["X-First"] = request.query["transport"]
        order.append("initial")

    @io.engine.on("headers")
    def each(headers):
        headers.add("Set-Cookie", "a=1")
        headers.add("Set-Cookie", "b=2")
        order.append("each")

    @io.engine.use
    def middleware(request, headers):
        headers["X-Seen"] = "yes"
        if "stop" in request.query:
            raise sioc.Reject

    server = await serve(io)

    async def head(query):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET /socket.io/?EIO=4&transport=polling{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                     .encode())
        text = (await reader.read()).decode()
        writer.close()
        return text.partition("\r\n\r\n")[0]

    answer = await head("")
    for line in ("X-First: polling", "Set-Cookie: a=1", "Set-Cookie: b=2", "X-Seen: yes"):
        assert line in answer
    assert order == ["initial", "each"]
    answer = await head("&stop=1")
    assert answer.startswith("HTTP/1.1 400") and "X-First" not in answer


async def test_whole_numbers_of_any_size(serve):
    io = sioc.Server()
    seen = []

    @io.event
    def echo(socket, value):
        seen.append(value)
        return value

    client = await (await serve(io)).client()
    for value in (2**63 - 1, 2**63, -2**63 - 1, 10**60, [2**64, {"a": -2**70}]):
        assert await client.call("echo", (value,)) == value
        assert seen.pop() == value


async def test_server_side_emit_without_a_cluster(serve):
    io = sioc.Server()
    await serve(io)
    assert io.server_side_emit("hello", 1)
    assert await io.server_side_emit_with_ack("hello") == []
    with pytest.raises(ValueError, match="reserved"):
        io.server_side_emit("connection")


async def test_every(serve, soon):
    io = sioc.Server()
    ticks, errors = [], []
    io.on("error", lambda error: errors.append(str(error)))

    @io.every(0.005)
    def tick():
        ticks.append(1)
        if ticks.count(1) == 2:
            raise ValueError("second")

    @io.every(0.005)
    async def wait():
        await asyncio.sleep(0)
        ticks.append(2)

    await serve(io)
    await soon(lambda: ticks.count(1) > 3 and ticks.count(2) > 3)
    assert errors == ["second"]
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError):
            io.every(wrong, tick)
    with pytest.raises(TypeError):
        io.every(1, lambda n: None)


async def test_shared_values(serve):
    io = sioc.Server()
    t, other = io.shared("t"), io.shared("other")
    assert t.get("a") is None and t.get("a", 5) == 5
    assert t.set("a", {"b": [1, 2.5, None, b"x"]}) and io.shared("t").get("a") == {"b": [1, 2.5, None, b"x"]}
    assert other.get("a") is None
    assert t.add("n", 1) and not t.add("n", 2)
    assert t.incr("n") == 2 and t.incr("n", 0.5) == 2.5 and t.incr("new", -3) == -3
    assert t.cas("new", -3, 7) and not t.cas("new", -3, 8) and t.get("new") == 7
    assert t.cas("none", None, 1) and t.cas("none", 1, None) and t.get("none") is None
    assert t.remove("new") and not t.remove("new")
    t.set("short", 1, ttl=0.02)
    await asyncio.sleep(0.05)
    assert t.get("short") is None
    with pytest.raises(TypeError, match="holds no number"):
        t.incr("a")
    with pytest.raises(TypeError, match="the value"):
        t.set("a", object())
    assert await asyncio.gather(*(asyncio.to_thread(t.incr, "threads") for _ in range(20)))
    assert t.get("threads") == 20
    await io.close()
