"""What goes wrong, in a handler, in a thread, at the end, in another process: what the program is told."""
import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import socketio

import sioc


def program(source, send=None, after="ready", timeout=30):
    """Runs a program until it ends; sends a signal when it has printed `after`.  (code, out, err)"""
    process = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True)
    out = ""
    with process:
        try:
            while send is not None and after not in out:
                line = process.stdout.readline()
                assert line, process.stderr.read()
                out += line
            if send is not None:
                process.send_signal(send)
            rest, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
    return process.returncode, out + rest, err


async def test_after_close_and_twice(serve):
    io = sioc.Server()
    sockets = []
    io.on("connection", sockets.append)
    server = await serve(io)
    await server.client()
    with pytest.raises(RuntimeError, match="serving already"):
        await io.start(0)
    with pytest.raises(RuntimeError, match="an asyncio loop runs here already"):
        io.run(port=0)
    await io.close()
    await io.close()
    assert not sockets[0].emit("x") and not sockets[0].connected and sockets[0].rooms == []
    with pytest.raises(sioc.Disconnected):
        await sockets[0].emit_with_ack("x")
    with pytest.raises(RuntimeError, match="the server is closed"):
        io.emit("x")
    with pytest.raises(RuntimeError, match="the server was closed; make a new one"):
        await io.start(0)
    with pytest.raises(RuntimeError, match="the server is closed"):
        io.on("connection", print)


def test_a_second_run_says_so():
    code, out, err = program("""
import sioc, asyncio
io = sioc.Server()
io.every(0.01, lambda: asyncio.get_running_loop().create_task(io.close()))
io.run(port=0)
try: io.run(port=0)
except RuntimeError as e: print(e)
""")
    assert code == 0 and "the server was closed; make a new one" in out, err


def test_a_fork_with_a_live_loop_says_so():
    code, out, err = program("""
import sioc, os, asyncio
io = sioc.Server()
pid = os.fork()
if pid == 0:
    try: io.run(port=0)
    except RuntimeError as e: print(e, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print("parent")
""")
    assert code == 0 and "make the sioc.Server after fork()" in out and "parent" in out, err


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 0), (signal.SIGTERM, 0)])
def test_signals_end_run(number, code):
    got, out, err = program("""
import sioc
io = sioc.Server()
io.run(port=0)
print("after")
""", number, "listening on")
    assert got == code and out.endswith("after\n") and err == ""


def test_ctrl_c_interrupts_at_once_and_sigterm_waits_for_output():
    started = time.monotonic()
    code, out, err = program("""
import sioc, asyncio
io = sioc.Server()
async def main():
    await io.start(0)
    print("ready", flush=True)
    await asyncio.sleep(60)
try: asyncio.run(main())
except KeyboardInterrupt: print("interrupted")
""", signal.SIGINT)
    assert "interrupted" in out and time.monotonic() - started < 20, err


CLIENT = """
import sioc, asyncio, socketio
io = sioc.Server()
{handler}
async def client(port):
    c = socketio.AsyncClient(reconnection=False)
    await c.connect(f"http://127.0.0.1:{{port}}", transports=["websocket"])
    await c.emit("go")
    await asyncio.sleep(20)
async def main():
    port = await io.start(0)
    await client(port)
asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_what_ends_the_program_ends_it_from_a_handler(kind):
    code, out, err = program(CLIENT.format(handler=f"@io.event\n{kind} go(s): raise SystemExit(7)"))
    assert code == 7, err
    code, out, err = program(CLIENT.format(handler=f"@io.event\n{kind} go(s): raise KeyboardInterrupt"))
    assert code != 0 and "KeyboardInterrupt" in err


async def test_an_exception_is_logged_with_event_and_traceback_or_given_to_a_handler(serve, caplog, soon):
    io = sioc.Server()

    @io.event
    def plain(socket):
        raise ValueError("plain one")

    @io.event
    async def waits(socket):
        await asyncio.sleep(0)
        raise ValueError("async one")

    client = await (await serve(io)).client()
    await client.emit("plain")
    await client.emit("waits")
    await soon(lambda: len(caplog.records) == 2)
    for record, name in zip(caplog.records, ("plain", "waits")):
        assert record.levelno == logging.ERROR and f"event '{name}' of " in record.message
        assert record.exc_info[2].tb_frame is not None
    told = []
    io.on("error", lambda error, socket, event: told.append((str(error), socket.id, event)))
    await client.emit("plain")
    await soon(lambda: told)
    assert told == [("plain one", client.get_sid(), "plain")] and len(caplog.records) == 2


async def test_a_handler_that_keeps_everybody_waiting_is_logged(serve, caplog, soon):
    io = sioc.Server()

    @io.event
    def slow(socket):
        time.sleep(0.12)
        return 1

    @io.event
    def slow_error(socket):
        time.sleep(0.12)
        raise ValueError("after a while")

    client = await (await serve(io)).client()
    assert await client.call("slow") == 1
    await client.emit("slow_error")
    await soon(lambda: len(caplog.records) == 3)
    assert "event 'slow': the handler" in caplog.records[0].message and "waiting for 1" in caplog.records[0].message
    assert "after a while" in caplog.records[2].message


async def test_thread_runs_a_handler_beside_the_loop(serve):
    io = sioc.Server()
    gate = threading.Event()

    @io.event("block", thread=True)
    def block(socket, n):
        socket.emit("from the thread", n)
        socket.join("r")
        assert gate.wait(10)
        return threading.current_thread() is not threading.main_thread(), n

    @io.event
    def open_gate(socket):
        gate.set()
        return "open"

    heard = []
    client = await (await serve(io)).client(**{"from the thread": heard.append})
    waiting = asyncio.create_task(client.call("block", 3))
    await asyncio.sleep(0.05)
    assert await client.call("open_gate") == "open"
    assert await waiting == (True, 3) and heard == [3]
    assert list(io.rooms) != []


async def test_calls_from_other_threads(serve, soon):
    io = sioc.Server()
    sockets, got = [], []
    io.on("connection", sockets.append)
    client = await (await serve(io)).client(news=lambda *args: got.append(args))

    def work(n):
        mutable = [n]
        assert io.emit("news", mutable, b"\x01")
        mutable.append("changed afterwards")
        sockets[0].emit("news", n)
        sockets[0].join(f"room {n}")
        io.to(f"room {n}").emit("news", "room", n)
        for call in (lambda: io.rooms, lambda: sockets[0].rooms, lambda: io.on("connection", print)):
            with pytest.raises(RuntimeError, match="for the thread of the server's loop"):
                call()
        with pytest.raises(TypeError, match="argument 1"):
            io.emit("news", object())

    await asyncio.gather(*(asyncio.to_thread(work, n) for n in range(8)))
    await soon(lambda: len(got) == 24)
    assert sorted(a for a in got if len(a) == 2 and a[1] == b"\x01") == [([n], b"\x01") for n in range(8)]
    assert sorted(a[1] for a in got if a[0] == "room") == list(range(8))
    loop = asyncio.get_running_loop()
    client.on("question", lambda: "answer")
    ask = lambda: asyncio.run_coroutine_threadsafe(sockets[0].timeout(5).emit_with_ack("question"), loop).result(10)
    assert await asyncio.to_thread(ask) == "answer"


async def test_serial_handlers_of_a_socket_run_one_after_the_other(serve):
    io = sioc.Server(serial=True)
    order = []

    @io.event
    async def step(socket, n):
        order.append(("begin", n))
        await asyncio.sleep(0.02 / (n + 1))
        order.append(("end", n))

    @io.event("free", serial=False)
    async def free(socket, n):
        order.append(("begin", n))
        await asyncio.sleep(0.02 / (n + 1))
        order.append(("end", n))

    server = await serve(io)
    client = await server.client()
    await asyncio.gather(*(client.call("step", n) for n in range(4)))
    assert order == [(what, n) for n in range(4) for what in ("begin", "end")]
    order.clear()
    await asyncio.gather(*(client.call("free", n) for n in range(4)))
    assert order[:4] == [("begin", n) for n in range(4)]
    assert order[4:] != [("end", n) for n in range(4)]


async def test_wrong_handlers_are_refused_when_they_are_registered():
    io = sioc.Server()
    for register, fn, text in ((io.event("x"), lambda: 1, "takes 0 arguments, but is told 1"),
                               (io.on("connection").__call__, lambda: 1, "takes 0 arguments"),
                               (io.use, lambda a, b: 1, "requires more arguments"),
                               (io.event("x"), 5, "a function is expected, not int"),
                               (io.event("x"), lambda s, *, key: 1, "keyword-only argument 'key'"),
                               (io.on("error").__call__, lambda: 1, "takes 0 arguments")):
        with pytest.raises(TypeError, match=text):
            register(fn)
    with pytest.raises(ValueError, match="a server hears of connection"):
        io.on("chat", print)
    await io.close()
