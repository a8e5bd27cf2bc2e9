"""Programs written for python-socketio, run as they are and with sioc's import: the same clients see
the same from both."""

import asyncio
import gc
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import urllib.request

import pytest
import socketio

PROGRAMS = pathlib.Path(__file__).parent / "programs"
PATIENCE = 20  # seconds; only what is broken takes so long

#: A client that disconnects says so and closes; which is noticed first is left to chance.
LEFT = re.compile("(gone|left the lobby): (client disconnect|transport close)")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# The servers run in processes of their own; what is collected here are clients of python-socketio, some of which
# leave a connection of aiohttp to the collector (a ResourceWarning, which nobody can catch there).
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


@pytest.fixture(autouse=True)
def collected():
    """No garbage is left for a test that minds."""
    yield
    gc.collect()


def moved(source):
    """The program with its import changed, and nothing else."""
    source = re.sub(r"^import socketio$", "import sioc.compat.socketio as socketio", source, flags=re.M)
    return re.sub(r"^from socketio", "from sioc.compat.socketio", source, flags=re.M)


class Program:
    """A program of the folder in a process of its own; `output` is what it has printed."""

    def __init__(self, name, flavour):
        self.output = ""
        source = (PROGRAMS / f"{name}.py").read_text()
        self.file = tempfile.NamedTemporaryFile("w", suffix=".py", delete=False)
        self.file.write(moved(source) if flavour == "sioc" else source)
        self.file.close()
        assert flavour != "sioc" or "import sioc.compat.socketio" in moved(source)
        self.start()

    def start(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, self.file.name],
            env={**os.environ, "PORT": str(self.port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    async def ready(self):
        for _ in range(PATIENCE * 20):
            if self.process.poll() is not None:
                said = self.process.communicate()[0]
                assert "in use" in said, said
                self.start()  # somebody else was quicker to take the port
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                await writer.wait_closed()
                return
            except OSError:
                await asyncio.sleep(0.05)
        raise AssertionError("the program does not listen")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.output = self.process.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.output = self.process.communicate()[0]
        os.unlink(self.file.name)


class Client:
    """A stock client that keeps what it hears."""

    def __init__(self, url, namespaces=("/",), auth=None, path="socket.io", headers=None):
        self.io = socketio.AsyncClient(reconnection=False)
        self.url, self.auth, self.path, self.headers = url, auth, path, headers or {}
        self.namespaces = list(namespaces)
        self.heard = asyncio.Queue()
        self.refused = asyncio.Queue()
        for namespace in self.namespaces:
            self.io.on("*", self._heard, namespace=namespace)
            self.io.on("connect_error", self.refused.put, namespace=namespace)

    async def _heard(self, event, *args):
        await self.heard.put([event, *args])

    async def __aenter__(self):
        await self.io.connect(
            self.url,
            auth=self.auth,
            headers=self.headers,
            namespaces=self.namespaces,
            socketio_path=self.path,
            wait_timeout=PATIENCE,
        )
        return self

    async def __aexit__(self, *_):
        await self.io.disconnect()

    async def hears(self, event, *args):
        """The next thing heard is this."""
        assert await asyncio.wait_for(self.heard.get(), PATIENCE) == [event, *args]

    def hears_nothing(self):
        assert self.heard.empty()

    async def call(self, event, *args, namespace="/"):
        data = args[0] if len(args) == 1 else args or None
        return await self.io.call(event, data, namespace=namespace, timeout=PATIENCE)

    async def emit(self, event, *args, namespace="/"):
        data = args[0] if len(args) == 1 else args or None
        await self.io.emit(event, data, namespace=namespace)

    def sid(self, namespace="/"):
        return self.io.get_sid(namespace)


@pytest.fixture(params=["python-socketio", "sioc"])
def program(request):
    """Starts a program by its name; what it has printed when it has ended can be asked for."""
    started = []

    async def start(name):
        started.append(Program(name, request.param))
        await started[-1].ready()
        return started[-1]

    yield start
    for one in started:
        if one.process.returncode is None:
            one.stop()


async def until(condition):
    for _ in range(PATIENCE * 50):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("in vain")


def run(test):
    """An async test in a loop of its own."""

    def wrapper(program):
        asyncio.run(test(program))

    wrapper.__name__ = test.__name__
    return wrapper


@run
async def test_rooms(program):
    server = await program("rooms")
    async with Client(server.url) as ann:
        await ann.hears("welcome", {"path": "/socket.io/"})
        async with Client(server.url) as bob:
            await bob.hears("welcome", {"path": "/socket.io/"})
            await ann.hears("arrived", {"who": bob.sid()})
            for client, room in ((ann, "red"), (bob, "red"), (bob, "blue")):
                await client.emit("join", {"room": room})
                await client.hears("info", {"rooms": ["blue", "red"] if room == "blue" else ["red"]})
            await ann.emit("say", {"room": "red", "text": "hello"})
            await bob.hears("said", {"text": "hello"})
            await ann.emit("say_to_both", {"rooms": ["red", "blue"], "text": "once"})
            await ann.hears("said", {"text": "once"})
            await bob.hears("said", {"text": "once"})
            assert await bob.call("leave", {"room": "blue"}) == ["red"]
            await ann.emit("start_ticking")
            for client in (ann, bob):
                await client.hears("tick", {"count": 1})
                await client.hears("tick", {"count": 2})
            await ann.emit("close room", {"room": "red"})
            await ann.hears("closing", "red")
            await bob.hears("closing", "red")
            await ann.emit("say_to_both", {"rooms": ["red"], "text": "to nobody"})
            assert await ann.call("leave", {"room": "red"}) == []
            ann.hears_nothing()
            bob.hears_nothing()
            await bob.emit("leave_me")
            await until(lambda: not bob.io.connected)
    server.stop()
    assert server.output.count("gone:") == 2
    assert "gone: server disconnect" in server.output
    assert LEFT.search(server.output)


@run
async def test_sessions(program):
    server = await program("sessions")
    ann = Client(server.url, auth={"name": "ann", "password": "secret"}, headers={"X-Staff": "yes"})
    bob = Client(server.url, auth={"name": "bob", "password": "hidden"})
    async with ann, bob:
        assert tuple(await ann.call("say", "one")) == ("ann", 1, "one")
        assert tuple(await ann.call("say", "two")) == ("ann", 2, "two")
        assert tuple(await bob.call("say", "one")) == ("bob", 1, "one")
        assert await ann.call("whoami") == {"name": "ann", "said": 2, "staff": True}
        assert await bob.call("whoami") == {"name": "bob", "said": 1, "staff": False}
    for auth, said in (
        ({"name": "bob", "password": "guess"}, {"message": "authentication failed", "data": {"name": "bob"}}),
        (None, {"message": "Connection rejected by server"}),
    ):
        stranger = Client(server.url, auth=auth)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await stranger.__aenter__()
        assert await asyncio.wait_for(stranger.refused.get(), PATIENCE) == said
        await stranger.io.disconnect()
    server.stop()
    assert "bye ann" in server.output and "bye bob" in server.output
    assert "Traceback" not in server.output


@run
async def test_classes(program):
    server = await program("classes")
    async with Client(server.url, namespaces=("/lobby", "/log")) as client:
        await client.hears("hello", "lobby")
        assert await client.call("add", 1, 2, namespace="/lobby") == ["function", 3]
        await client.emit("shout", "hey", namespace="/lobby")
        await client.hears("shouted", "HEY")
        assert await client.call("what ever", {"x": [1]}, namespace="/log") == ["what ever", [{"x": [1]}]]
    server.stop()
    assert LEFT.search(server.output)


@run
async def test_calls(program):
    server = await program("calls")
    client = Client(server.url, path="/realtime/socket.io")

    @client.io.on("question")
    async def answer(question):
        return question.upper(), len(question)

    @client.io.on("unanswered")
    async def unanswered(*_):
        await asyncio.sleep(1)

    async with client:
        assert await client.call("ask_me", "why?") == ["you said", ["WHY?", 4]]
        assert await client.call("ask_in_vain") == "timeout"
        await client.emit("ask_by_callback")
        await client.hears("got", ["BY CALLBACK?", 12])
        assert tuple(await client.call("several")) == ("one", 2, {"three": 3})
        assert await client.call("nothing") is None
        assert await client.call("reverse", {"bytes": b"\x00\x01\xff"}) == {"reversed": b"\xff\x01\x00", "kind": "bytes"}
        await client.emit("many", 1, "two", None)
        await client.hears("several arguments", None, "two", 1)
        await client.hears("a list", [None, "two", 1])
        await client.hears("message", {"a": "message"})


@run
async def test_catch_all(program):
    server = await program("catch_all")
    async with Client(server.url, namespaces=("/", "/rooms")) as client:
        assert await client.call("known", 1) == ["known", 1]
        assert await client.call("unknown", 1, 2) == ["any", "unknown", 1, 2]
        assert await client.call("known", 3, namespace="/rooms") == ["known in", "/rooms", 3]
        assert await client.call("unknown", 4, namespace="/rooms") == ["anything", "unknown", "/rooms", 4]
    nowhere = Client(server.url, namespaces=("/nowhere",))
    with pytest.raises(socketio.exceptions.ConnectionError):
        await nowhere.__aenter__()
    await nowhere.io.disconnect()


@run
async def test_threads(program):
    server = await program("threads")
    ann, bob = Client(server.url), Client(server.url)

    @ann.io.on("question")
    async def answer(question):
        return question.upper()

    async with ann, bob:
        assert await ann.call("count") == 1
        assert await ann.call("count") == 2
        assert await ann.call("ask_me", "why?") == ["you said", "WHY?"]
        await ann.emit("join", "den")
        await ann.hears("joined", ["den"])
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(server.url + "/", timeout=PATIENCE).read())
        assert page == b"the page"
        await ann.hears("visited", {"path": "/"})
        await bob.hears("visited", {"path": "/"})
    nobody = Client(server.url, auth={"name": "nobody"})
    with pytest.raises(socketio.exceptions.ConnectionError):
        await nobody.__aenter__()
    assert await asyncio.wait_for(nobody.refused.get(), PATIENCE) == {"message": "not you"}
    await nobody.io.disconnect()
    server.stop()
    assert "Traceback" not in server.output
