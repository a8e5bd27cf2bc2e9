"""What programs must not send or ask for: each is an exception that says what and where, and the server is well."""
import datetime
import decimal
import os
import subprocess
import sys

import pytest

import sioc

from test_errors import program


def nested(depth):
    value = "bottom"
    for _ in range(depth):
        value = [value]
    return value


def cycle(kind):
    inner = {"a": None} if kind is dict else [None]
    inner["a" if kind is dict else 0] = {"deeper": [inner]}
    return inner


class Odd:
    pass


class Liar(dict):
    """Says that it is empty while it is looked at."""

    def __iter__(self):
        self.clear()
        return iter(())


BAD = {
    "an object": (Odd(), TypeError, r"argument 1: a Odd cannot be sent; give the server a default= hook"),
    "a class": (Odd, TypeError, r"argument 1: a type cannot be sent"),
    "a function": (print, TypeError, r"argument 1: a builtin_function_or_method cannot be sent"),
    "a set": ({1}, TypeError, r"argument 1: a set cannot be sent"),
    "a generator": ((n for n in ()), TypeError, r"argument 1: a generator cannot be sent"),
    "a Decimal": (decimal.Decimal(1), TypeError, r"argument 1: a decimal\.Decimal cannot be sent"),
    "a date": (datetime.date(2020, 1, 1), TypeError, r"argument 1: a datetime\.date cannot be sent"),
    "a complex number": (1j, TypeError, r"argument 1: a complex cannot be sent"),
    "deep in there": ({"a": [1, {"b": Odd()}]}, TypeError, r'argument 1: field "a\[1\]\.b": a Odd cannot'),
    "a key": ({"a": {(1, 2): 3}}, TypeError, r'argument 1: field "a": a tuple as key; keys are str'),
    "bytes as a key": ({b"a": 3}, TypeError, r"argument 1.*: a bytes as key"),
    "a surrogate": (["ok", "\ud800"], ValueError, r'argument 1: field "\[1\]": a str with a lone surrogate; use bytes'),
    "a surrogate in a key": ({"\udfff": 1}, ValueError, r"lone surrogate"),
    "too many digits": ([10**400], ValueError, r'field "\[0\]": an int with too many digits'),
    "far too many digits": (10**10_000, ValueError, "an int with too many digits"),
    "65 levels": (nested(65), ValueError, r"argument 1: field .\[0\]\[0\].*: nested deeper than 64 levels"),
    "100000 levels": (nested(100_000), ValueError, r"nested deeper than 64 levels"),
    "a list in itself": (cycle(list), ValueError, r"nested deeper than 64 levels \(or contains itself\)"),
    "a dict in itself": (cycle(dict), ValueError, r"\(or contains itself\)"),
}
FINE = [nested(60), {"\U0001f600": "\U0001f600"}, {1: 2, None: 3, True: 4, 1.5: 5}, float("nan"), -0.0, 10**60, "\0",
        {}, [], b"", bytearray(b"a"), memoryview(b"b"), Liar()]


@pytest.mark.parametrize("name", BAD)
async def test_values_that_cannot_be_sent_say_where_they_are(serve, name):
    value, kind, text = BAD[name]
    io = sioc.Server()
    sockets, answers = [], []
    io.on("connection", sockets.append)

    @io.event
    def reply(socket, *, ack):
        with pytest.raises(kind, match=text):
            ack(value)
        answers.append(1)
        ack("fine")

    server = await serve(io)
    client = await server.client()
    socket = sockets[0]
    for speak in (socket.emit, io.emit, io.to("a").emit, socket.volatile.emit):
        with pytest.raises(kind, match=text):
            speak("event", value)
    second = text.replace("argument 1", "argument 2")
    with pytest.raises(kind, match=second):
        socket.emit("event", "first", value)
    with pytest.raises(kind, match=text):
        await socket.timeout(5).emit_with_ack("event", value)
    assert await client.call("reply", timeout=10) == "fine" and answers == [1]
    assert socket.connected


async def test_odd_values_that_can_be_sent(serve):
    io = sioc.Server()
    sockets = []
    io.on("connection", sockets.append)
    server = await serve(io)
    client = await server.client(question=lambda *args: len(args))
    for value in FINE:
        assert await sockets[0].timeout(10).emit_with_ack("question", value) == 1, value
    assert client.connected


async def test_a_hook_that_fails_or_goes_round_in_circles(serve):
    for hook, kind, text in ((lambda value: value, (TypeError, ValueError), "default= returns what it cannot send either"),
                             (lambda value: 1 // 0, ZeroDivisionError, "division"),
                             (lambda value: [Odd()], (TypeError, ValueError), "default= returns what it cannot send either")):
        io = sioc.Server(default=hook)
        sockets = []
        io.on("connection", sockets.append)
        server = await serve(io)
        await server.client()
        with pytest.raises(kind, match=text):
            sockets[0].emit("event", Odd())


async def test_wrong_types_of_names_rooms_and_times(serve):
    io = sioc.Server()
    sockets = []
    io.on("connection", sockets.append)
    server = await serve(io)
    await server.client()
    socket = sockets[0]
    wrong = [
        (lambda: socket.emit(1), TypeError, "str"), (lambda: io.emit(None), TypeError, "str"),
        (lambda: socket.emit(b"event"), TypeError, "str"), (lambda: socket.emit("\ud800"), ValueError, "surrogate"),
        (lambda: socket.join(1), TypeError, "the name of a room must be a str, not int"),
        (lambda: io.to(None), TypeError, "the name of a room must be a str, not NoneType"),
        (lambda: socket.join("\ud800"), ValueError, "surrogate"),
        (lambda: io.of(1), TypeError, "of: a name"), (lambda: socket.timeout(0), ValueError, "longer than 0"),
        (lambda: socket.timeout("5"), TypeError, "str"), (lambda: io.every(0, print), ValueError, "above 0"),
        (lambda: socket.on("event", 7), TypeError, "a function is expected, not int"),
        (lambda: io.event(7), TypeError, "the name of an event must be a str, not int"),
        (lambda: io.event("event", None, 1), TypeError, "positional"),
        (lambda: socket.on("disconnect", lambda a, b, c: 0), TypeError, "requires more arguments than the 2"),
        (lambda: io.on("connection", lambda: 0), TypeError, "takes 0 arguments, but is told 1"),
        (lambda: socket.emit("connect"), ValueError, "reserved"),
        (lambda: socket.emit("event", ack=7), TypeError, "ack: a function is expected, not int"),
        (lambda: sioc.Raw("{"), ValueError, "line 1"), (lambda: sioc.Server(ping_interval="x"), (TypeError, ValueError), "ping_interval"),
        (lambda: sioc.Server(ping_intervall=1), TypeError, "ping_interval"),
        (lambda: sioc.Server(default=7), TypeError, "default"),
    ]
    for n, (call, kind, text) in enumerate(wrong):
        with pytest.raises(kind, match=text):
            call()
            pytest.fail(f"number {n} was taken")
    assert socket.connected and socket.emit("event")


def test_the_child_of_a_fork_has_nothing_to_do_with_the_server():
    """The connections are the parent's: what the child says is an error, and nobody hears it."""
    code, out, err = program("""
import asyncio, os, sys
import sioc
sys.path.insert(0, "tests")
io = sioc.Server()
sockets = []
io.on("connection", sockets.append)
async def main():
    import socketio
    heard = []
    port = await io.start(0)
    client = socketio.AsyncClient(reconnection=False)
    client.on("*", lambda *args: heard.append(args))
    await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"], wait_timeout=20)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        for speak in (lambda: io.emit("child"), lambda: sockets[0].emit("child"), lambda: sockets[0].join("child"),
                      lambda: io.disconnect_sockets(), lambda: sockets[0].disconnect(True)):
            try: print("said", speak())
            except RuntimeError as error: print("refused", "make the sioc.Server after fork()" in str(error))
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)
    sockets[0].emit("parent")
    while not heard: await asyncio.sleep(0.01)
    print("heard", heard, sockets[0].rooms == [sockets[0].id])
    await client.disconnect()
    await io.close()
asyncio.run(main())
""")
    assert code == 0 and out.splitlines() == 5 * ["refused True"] + ["heard [('parent',)] True"], out + err


@pytest.mark.parametrize("missing, text", [
    ("compiler", "compiler"), ("libuv", "sioc needs libuv and its headers: install one of libuv1-dev, libuv-devel")])
def test_what_is_missing_at_install_is_named(tmp_path, missing, text):
    """As `pip install .` configures it."""
    env = {**os.environ, "LD_PRELOAD": "", "PYTHONPATH": "", "PKG_CONFIG_LIBDIR": str(tmp_path)}
    if missing == "compiler":
        env["CC"] = str(tmp_path / "cc")
    root = os.path.join(os.path.dirname(__file__), "..", "..")
    done = subprocess.run([sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-index", "--no-deps",
                           "-w", str(tmp_path / "dist"), root], env=env, cwd=tmp_path, capture_output=True, text=True,
                          timeout=240)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode != 0 and text in said, done.stdout + done.stderr
