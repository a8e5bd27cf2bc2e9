"""Events both ways, answers both ways, rooms: what a chat is made of."""
import asyncio

import pytest
import socketio

import sioc


async def test_a_handler_answers_with_what_it_returns(serve):
    io = sioc.Server()

    @io.event("one")
    def one(socket, a, b=7):
        return [a, b]

    @io.event("two")
    async def two(socket):
        await asyncio.sleep(0.001)
        return "first", "second"

    @io.event("nothing")
    def nothing(socket):
        pass

    @io.event("late")
    def late(socket, n, ack):
        asyncio.get_running_loop().call_later(0.001, ack, n + 1)

    @io.event
    def named(socket, *args, ack=None):
        ack(len(args))

    client = await (await serve(io)).client()
    assert await client.call("one", 5) == [5, 7]
    assert await client.call("one", (5, 6)) == [5, 6]
    assert await client.call("two") == ("first", "second")
    assert await client.call("nothing") is None
    assert await client.call("late", 41) == 42
    assert await client.call("named", (1, 2, 3)) == 3


async def test_values_travel_unchanged(serve):
    io = sioc.Server()
    seen = []

    @io.event("echo")
    def echo(socket, value):
        seen.append(value)
        return value

    client = await (await serve(io)).client()
    for value in [None, True, False, 0, -1, 2**53, 1.5, -0.25, "", "é \u2028 \U0001f600", [], {}, [[], [{}]],
                  {"a": {"b": [1, None]}}, b"", b"\x00\xff", {"file": b"abc", "more": [b"d", 1]},
                  list(range(100)), {f"k{i}": i for i in range(300)}]:
        assert await client.call("echo", (value,)) == value
        assert seen.pop() == value


async def test_emit_asks_the_client(serve):
    io = sioc.Server()
    sockets = []
    io.on("connection", lambda socket: sockets.append(socket))
    server = await serve(io)
    never = asyncio.Event()
    client = await server.client(question=lambda n: n + 1, two=lambda: ("a", "b"), silent=never.wait)
    socket = sockets[0]
    assert await socket.emit_with_ack("question", 1) == 2
    assert await socket.timeout(5).call("two") == ("a", "b")
    answers = []
    socket.emit("question", 2, ack=lambda error, answer: answers.append((error, answer)))
    assert await socket.call("question", 3) == 4
    assert answers == [(None, 3)]

    await server.client()  # answers whatever it is asked
    with pytest.raises(sioc.AckTimeout) as timeout:
        await io.timeout(0.05).emit_with_ack("silent")
    assert isinstance(timeout.value, TimeoutError) and timeout.value.responses == [None]
    with pytest.raises(sioc.AckTimeout):
        await socket.timeout(0.05).emit_with_ack("silent")
    waiting = asyncio.ensure_future(socket.emit_with_ack("silent"))
    await asyncio.sleep(0)
    await client.disconnect()
    with pytest.raises(sioc.Disconnected):
        await waiting
    never.set()
    assert not socket.emit("gone")
    assert not await socket.emit("gone")


async def test_rooms(serve, soon):
    io = sioc.Server()

    @io.event("enter")
    def enter(socket, room):
        socket.join(room)
        return socket.rooms

    @io.event("say")
    def say(socket, room, text):
        socket.to(room).emit("said", text)

    server = await serve(io)
    got = {}
    a = await server.client(said=lambda text: got.setdefault("a", []).append(text))
    b = await server.client(said=lambda text: got.setdefault("b", []).append(text))
    rooms = await a.call("enter", "r")
    assert len(rooms) == 2 and rooms[1] == "r"
    await b.call("enter", "r")
    await a.emit("say", ("r", "hi"))
    io.to("r").except_(a.get_sid()).emit("said", "only b")
    io.to("r").emit("said", "all")
    await soon(lambda: len(got.get("b", [])) == 3 and len(got.get("a", [])) == 1)
    assert got == {"a": ["all"], "b": ["hi", "only b", "all"]} or got["b"][0] == "only b"
    assert len(await io.in_("r").fetch_sockets()) == 2
    assert io.rooms["r"] == 2
    io.in_("r").sockets_leave("r")
    assert "r" not in io.rooms


async def test_middleware_rejects(serve):
    io = sioc.Server()

    @io.use
    async def allow(socket):
        await asyncio.sleep(0)
        if socket.handshake.auth.get("name") != "ann":
            raise sioc.Reject("not allowed", {"code": 7})

    server = await serve(io)
    await server.client(auth={"name": "ann"})
    errors = []
    client = socketio.AsyncClient(reconnection=False)
    client.on("connect_error", errors.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(server.url, auth={"name": "bob"}, transports=["websocket"])
    assert errors == [{"message": "not allowed", "data": {"code": 7}}]


async def test_what_comes_while_connection_waits_is_kept(serve, soon):
    io = sioc.Server()
    got = []

    @io.on("connection")
    async def connected(socket):
        await asyncio.sleep(0.05)
        socket.on("early", lambda n: got.append(n))

    client = await (await serve(io)).client()
    await client.emit("early", 1)
    await client.emit("early", 2)
    await soon(lambda: got == [1, 2])


async def test_errors_are_logged_and_told(serve, soon, caplog):
    io = sioc.Server()

    @io.event("boom")
    def boom(socket):
        raise ValueError("boom")

    @io.event("slow boom")
    async def slow_boom(socket):
        await asyncio.sleep(0)
        raise KeyError("slow")

    client = await (await serve(io)).client()
    await client.emit("boom")
    await client.emit("slow boom")
    await soon(lambda: len(caplog.records) == 2)
    assert "event 'boom'" in caplog.text and "ValueError: boom" in caplog.text and "test_chat.py" in caplog.text
    told = []
    io.on("error", lambda error, socket, event: told.append((repr(error), event)))
    await client.emit("boom")
    await soon(lambda: told)
    assert told == [("ValueError('boom')", "boom")] and len(caplog.records) == 2
