"""Connections below sockets, events of the engine, and raw Engine.IO; what clients see of them is shown by
tests/integration/engineio.test.mjs with SIOC_TARGET=python."""
import asyncio
import threading

import aiohttp
import pytest
from program import Program, script

import sioc


async def test_the_connection_below_a_socket(serve, soon):
    io, told, sockets = sioc.Server(), [], []

    @io.engine.on("connection")
    async def connection(conn):
        await asyncio.sleep(0)
        told.append(("connection", conn.ready_state, conn.protocol))

    io.engine.once("flush", lambda conn, packets: told.append(("flush", packets[0]["type"])))

    @io.on("connection")
    def connected(socket):
        sockets.append(socket)
        socket.conn.on("close", lambda reason: told.append(("close", reason)))

        @socket.conn.once("packet")
        def packet(p):
            told.append(("packet", p["type"], p["data"]))
            raise ValueError("is told")

    io.on("error", lambda error: told.append(repr(error)))
    server = await serve(io)
    client = await server.client()
    await client.emit("x", 1)
    await soon(lambda: "ValueError('is told')" in told)
    socket = sockets[0]
    conn = socket.conn
    assert conn is socket.conn and io.engine.clients == {conn.id: conn} and io.engine.clients_count == 1
    assert socket.client.conn is conn and socket.client.id == conn.id and socket.request is conn.request
    assert (conn.transport, conn.transport.name, conn.upgraded) == ("websocket", "websocket", False)
    assert conn.request.method == "GET" and conn.request.query["EIO"] == "4" and conn.remote_address == "127.0.0.1"
    assert ("connection", "open", 4) in told and ("packet", "message", '2["x",1]') in told
    assert ("flush", "open") in told or ("flush", "message") in told
    thread = threading.Thread(target=conn.close)
    thread.start()
    thread.join()
    await soon(lambda: ("close", "forced close") in told)
    assert (conn.ready_state, conn.transport, conn.send("x"), conn.queued) == ("closed", "", False, 0)
    assert io.engine.clients == {}


def test_what_cannot_be_registered():
    io = sioc.Server()

    async def waits(headers, request):
        pass

    for event in ("headers", "initial_headers"):
        with pytest.raises(TypeError, match="cannot wait"):
            io.engine.on(event, waits)
    with pytest.raises(TypeError, match="cannot wait"):
        io.engine.use(waits)
    with pytest.raises(ValueError, match="there are connection_error"):
        io.engine.on("nothing")
    with pytest.raises(TypeError):
        io.engineio("/engine.io/", lambda a, b, c: None)
    io.engineio("/engine.io/", lambda conn: None)
    with pytest.raises(Exception, match="engineio"):
        io.engineio("/engine.io/", lambda conn: None)
    asyncio.run(io.close())


async def test_raw_engine_io_over_a_reload(tmp_path):
    def version(n):
        return script(n, f"""
@io.engineio("/raw/")
async def opened(conn, request):
    conn.data.setdefault("seen", []).append(conn.reloaded)
    conn.send("muted" if conn.reloaded else "hello " + request.query["who"])
    await asyncio.sleep(0.01)
    conn.on("message", lambda data: conn.send(f"{n} {{data}} {{conn.data['seen']}}") and None)
""")

    async with Program(tmp_path, version("a")) as app, aiohttp.ClientSession() as session:
        raw = await session.ws_connect(f"{app.url}/raw/?EIO=4&transport=websocket&who=me")
        assert (await raw.receive_str())[0] == "0"
        assert await raw.receive_str() == "4hello me"
        await raw.send_str("4x")
        assert await raw.receive_str() == "4a x [False]"
        await app.swap(version("b"))
        await raw.send_str("4y")
        assert await raw.receive_str() == "4b y [False, True]"
        await raw.close()


async def test_once_off_and_publish_of_a_plain_websocket(serve):
    io = sioc.Server()

    @io.websocket("/ws")
    def opened(ws):
        def echo(data):
            ws.send(f"echo {data}")

        ws.subscribe("topic")
        ws.once("message", lambda data: ws.send(f"first {data} {ws.reloaded}") and None)
        ws.on("message", echo)
        ws.on("message", lambda data: data == "off" and ws.off("message", echo))
        ws.on("message", lambda data: data == "tell" and ws.publish("topic", "told"))

    server = await serve(io)
    async with aiohttp.ClientSession() as session:
        one = await session.ws_connect(server.url + "/ws")
        two = await session.ws_connect(server.url + "/ws")
        await one.send_str("off")
        assert [await one.receive_str() for _ in range(2)] == ["first off False", "echo off"]
        await one.send_str("tell")
        assert await two.receive_str() == "told"
        await two.send_str("x")
        assert await two.receive_str() == "first x False"
        await one.close()
        await two.close()


async def test_listeners_of_a_namespace_can_be_taken_off(serve, soon):
    io, told = sioc.Server(), []
    io.on("connection", lambda socket: told.append("never"))
    io.on("disconnect", lambda socket: told.append("never"))
    io.remove_all_listeners("connection")
    io.remove_all_listeners()
    io.on("connection", lambda socket: told.append("connection"))
    server = await serve(io)
    client = await server.client()
    await client.disconnect()
    await soon(lambda: not io.sockets)
    assert told == ["connection"]
