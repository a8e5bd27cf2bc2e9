"""Where uvloop can be imported, programs run on it (tests/python otherwise keeps to asyncio's own loop)."""
import asyncio
import signal
import sys

import pytest
from program import Program, script

pytest.importorskip("uvloop")

BODY = """
@io.event
def loop(socket): return type(asyncio.get_running_loop()).__module__.partition(".")[0]
@io.event
async def later(socket, data):
    await asyncio.sleep(0.001)
    return await socket.timeout(20).emit_with_ack("question", data)
@io.event("in a thread", thread=True)
def in_a_thread(socket, n): return n + 1
@io.get("/")
async def page(request): return "page"
io.run(port=0)
"""
WAYS = {"io.run": [sys.executable], "-m sioc": [sys.executable, "-m", "sioc"]}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
async def test_programs_run_on_uvloop(tmp_path, way, end):
    async with Program(tmp_path, script("a", BODY), command=WAYS[way]) as app:
        clients = [await app.client(transports=[transport], question=lambda data: data)
                   for transport in ("websocket", "polling")]
        assert await clients[0].call("loop", timeout=20) == "uvloop"
        for client in clients:
            answers = await asyncio.gather(*(client.call("later", n, timeout=20) for n in range(50)))
            assert answers == list(range(50))
            assert await client.call("later", b"bytes", timeout=20) == b"bytes"
            assert await client.call("in a thread", 1, timeout=20) == 2
        assert await app.get("/") == "200 page"
        if way == "-m sioc":
            assert await app.swap(script("b", BODY)) == 2
            assert await clients[1].call("version", timeout=20) == "b"
        app.process.send_signal(end)
        assert await app.ended() == 0


async def test_serve_within_a_loop_of_the_application_s_own(tmp_path):
    source = """
import asyncio, uvloop, sioc
io = sioc.Server()
@io.event
async def stop(socket):
    asyncio.get_running_loop().call_later(0.01, ended.set)
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]
async def main():
    global ended
    ended = asyncio.Event()
    port = await io.start(0)
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    await ended.wait()
    await io.close()
asyncio.set_event_loop(loop := uvloop.new_event_loop())
loop.run_until_complete(main())
loop.close()
"""
    async with Program(tmp_path, source, command=[sys.executable]) as app:
        client = await app.client()
        assert await client.call("stop", timeout=20) == "uvloop"
        assert await app.ended() == 0
