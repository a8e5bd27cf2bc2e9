"""Plain WebSockets beside the sockets, and what a reload does with them."""
import asyncio

import aiohttp
import pytest

import sioc
from program import Program, script


async def test_messages_topics_and_closing(serve, soon):
    io = sioc.Server()
    closed, sockets = [], []

    @io.websocket("/chat/:room")
    async def chat(ws, request):
        sockets.append(ws)
        await asyncio.sleep(0.01)
        ws.data["room"] = request.params["room"]
        ws.subscribe(ws.data["room"])

        @ws.on("message")
        async def _(data):
            if data == "close":
                ws.close(4001, "as you wish")
            elif data == "shout":
                await asyncio.sleep(0)
                ws.send(str(io.publish(ws.data["room"], "hear", ws)))
            else:
                ws.send(data)

        ws.on("close", lambda code, reason: closed.append((code, reason, ws.connected)))

    server = await serve(io)
    async with aiohttp.ClientSession() as session:
        one = await session.ws_connect(server.url + "/chat/a")
        two = await session.ws_connect(server.url + "/chat/a")
        await one.send_str("é")
        assert await one.receive_str() == "é"
        await one.send_bytes(b"\x00\xff")
        assert await one.receive_bytes() == b"\x00\xff"
        await two.send_str("x")
        assert await two.receive_str() == "x"
        await one.send_str("shout")
        assert await one.receive_str() == "1" and await two.receive_str() == "hear"
        assert sockets[0].topics == ["a"] and sockets[0].connected
        with pytest.raises(ValueError, match="close: a code"):
            sockets[0].close(1005)
        with pytest.raises(TypeError):
            sockets[0].send(5)
        sent = await asyncio.to_thread(sockets[0].send, bytearray(b"from a thread"))
        assert sent and await one.receive_bytes() == b"from a thread"
        await one.send_str("close")
        message = await one.receive()
        assert one.close_code == 4001 and message.extra == "as you wish"
        await two.close(code=1001)
        await soon(lambda: len(closed) == 2)
        assert closed == [(4001, "as you wish", False), (1001, "", False)]
        assert sockets[0].send("x") is False


async def test_they_live_through_a_reload(tmp_path):
    def version(n):
        return script(n, f"""
@io.websocket("/ws")
async def _(ws):
    ws.send("hello {n}")
    await asyncio.sleep(0.05)
    ws.data.setdefault("seen", []).append("{n}")
    ws.on("message", lambda data: ws.send("{n} " + ",".join(ws.data["seen"])))
    ws.subscribe("all")
@io.every(0.02)
def _(): io.publish("tick", "{n}")
""")

    async with Program(tmp_path, version("a")) as app:
        async with aiohttp.ClientSession() as session:
            ws = await session.ws_connect(app.url + "/ws")
            assert await ws.receive_str() == "hello a"
            await ws.send_str("?")
            assert await ws.receive_str() == "a a"
            await app.swap(version("b"))
            await ws.send_str("?")
            assert await ws.receive_str() == "b a,b"
            await app.swap(script("c"))
            await ws.receive()
            assert ws.close_code == 1012
