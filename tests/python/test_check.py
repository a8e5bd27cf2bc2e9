"""sioc.check: before a script serves it has tried itself out, and nobody has noticed."""
import asyncio
import re
import subprocess
import sys

import pytest
from program import Program

import sioc


def script(version, body=""):
    return f"""import asyncio
import sioc
io = sioc.Server()
@io.event
def version(s): return "{version}"
@io.on("connection")
def connected(s):
    io.emit("joined", s.id)
    s.join("all")
    s.on("disconnect", lambda: io.emit("left", s.id) and None)
@io.event
def say(s, text):
    io.state["said"] = io.state.get("said", 0) + 1
    io.shared("n").incr("said")
    io.to("all").emit("said", text)
    return len(text)
@io.event
async def count(s):
    return [io.state.get("said", 0), io.shared("n").get("said", 0), io.metrics["sessions_opened"],
            len(await io.fetch_sockets())]
{body}
"""


def checks(name):
    return f"""
@sioc.check("{name}")
async def _():
    t = await sioc.test_socket(auth={{"who": "a check"}})
    assert await t.receive_with_ack("say", "hello") == 5
    assert await t.expect("said") == "hello"
    assert len(await io.fetch_sockets()) == 1, "it sees only itself"
    io.emit("from the check", 1)
    io.background_task(asyncio.sleep(60))
    await asyncio.sleep(0.05)
    t.receive("say", "again")
    assert [e.name for e in t.emitted][-1] == "said"
"""


def test_without_the_program_nothing_is_run():
    @sioc.check
    def never():
        raise RuntimeError

    with pytest.raises(TypeError):
        sioc.check("wants", lambda argument: None)
    with pytest.raises(RuntimeError, match="only in a check"):
        asyncio.run(sioc.test_socket())


async def test_it_runs_before_a_reload_and_nobody_hears_sees_or_counts_anything_of_it(tmp_path):
    async with Program(tmp_path, script("a", checks("first"))) as app:
        client = await app.client()
        assert await client.call("say", "x") == 1
        assert await client.call("count") == [1, 1, 1, 1]  # nor of the one at the start
        client.heard.clear()
        reload = asyncio.create_task(app.swap(script("b", checks("second"))))
        for _ in range(5):
            assert await client.call("say", "y") == 1
            await asyncio.sleep(0.015)
        assert await reload in (0, 1)  # an event that comes first re-binds its socket itself
        assert await client.call("version") == "b"
        assert await client.call("count") == [6, 6, 1, 1]
        assert client.heard == [("said", "y")] * 5
        assert client.gone == []


async def test_a_failing_check_refuses_the_reload_its_name_where_and_the_traceback(tmp_path):
    async with Program(tmp_path, script("a")) as app:
        client = await app.client()
        wrong = """
@sioc.check
async def greets():
    t = await sioc.test_socket()
    assert await t.receive_with_ack("say", "x") == 2, "a wrong length"
"""
        await app.refused(script("b", wrong), r'app\.py:\d+: check "greets": AssertionError: a wrong length$')
        assert re.search(r"a wrong length\n +Traceback \(most recent call last\):\n +File .*app\.py.* in greets", app.err)
        broken = checks("x") + "@io.event\ndef say(s, t): raise ValueError('broken')\n"
        broken = broken.replace("def say", "def also").replace('"say", "hello"', '"also", "hello"')
        await app.refused(script("b", broken), r'app\.py:\d+: check "x": error in event "also": ValueError: broken')
        plain = "@sioc.check\ndef plain(): assert 1 == 2\n"
        await app.refused(script("b", plain), r'app\.py:\d+: check "plain": AssertionError$')
        assert await client.call("version") == "a"
        assert await client.call("count") == [0, 0, 1, 1]
        assert client.heard == [("joined", client.get_sid())] and client.gone == []
        await app.swap(script("c", checks("x")))
        assert await client.call("version") == "c"


async def test_the_old_script_serves_on_while_a_check_waits(tmp_path):
    async with Program(tmp_path, script("a")) as app:
        client = await app.client()
        late = "@sioc.check\nasync def late():\n    print('waits')\n    await asyncio.sleep(0.3)\n    raise ValueError('at last')\n"
        reload = asyncio.create_task(app.refused(script("b", late), 'check "late": ValueError: at last'))
        await app.until(lambda: "waits" in app.out, "the check")
        assert await client.call("version") == "a"
        await reload
        assert await client.call("version") == "a"


async def test_the_program_ends_while_a_check_runs(tmp_path):
    async with Program(tmp_path, script("a")) as app:
        app.save(script("b", "@sioc.check\nasync def waits():\n    t = await sioc.test_socket()\n    print('waits')\n"
                             "    await asyncio.sleep(60)\n"))
        app.process.send_signal(1)
        await app.until(lambda: "waits" in app.out, "the check")


EVERYTHING = """
@io.use
def guard(s):
    if s.handshake.auth.get("refuse"): raise sioc.Reject("no", {"code": 1})
@io.of("/other").on("connection")
def other(s):
    s.on("ask", lambda: s.emit("q", 1, 2, ack=lambda error, *answer: s.emit("answered", repr(error), *answer)) and None)
    s.on("bye", lambda: s.disconnect() and None)
    s.on("never", lambda ack: None)
    s.on("several", lambda: (1, b"2"))
    s.on("who", lambda: (s.handshake.headers["x-who"], s.handshake.query["a"], s.handshake.address))

@sioc.check
async def everything():
    try:
        await sioc.test_socket(auth={"refuse": 1})
        assert False
    except sioc.Reject as error:
        assert (error.message, error.data) == ("no", {"code": 1})
    t = await sioc.test_socket(nsp="other", headers={"X-Who": "me"}, query={"a": "b c"}, address="10.0.0.1", timeout=0.2)
    assert t.connected and t.socket.id == t.id and t.nsp == "/other"
    assert await t.receive_with_ack("who") == ("me", "b c", "10.0.0.1")
    assert await t.receive_with_ack("several") == (1, b"2")
    t.receive("ask")
    assert await t.expect("q") == (1, 2)
    assert t.emitted[0].name == "q" and t.emitted[0].args == (1, 2)
    assert t.emitted[0].ack("yes", {"b": b"x"})
    assert await t.expect("answered") == ("None", "yes", {"b": b"x"})
    try:
        await t.receive_with_ack("never")
        assert False
    except sioc.AckTimeout:
        pass
    try:
        await t.expect("nothing", timeout=0.01)
        assert False
    except AssertionError as error:
        assert str(error) == 'no "nothing" was emitted; there were: q, answered'
    t.receive("bye")
    assert not t.connected and not t.receive("ask") and t.socket is None
    t = await sioc.test_socket()
    t.close()
    try:
        await t.receive_with_ack("version")
        assert False
    except sioc.Disconnected:
        pass
"""


def run(path, *words):
    done = subprocess.run([sys.executable, "-m", "sioc", *words, str(path)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_check_runs_them_a_failing_one_keeps_the_program_from_starting(tmp_path):
    path = tmp_path / "app.py"
    path.write_text(script("a", checks("good") + EVERYTHING))
    assert run(path, "check") == (0, "", "")
    path.write_text(script("a", checks("good") + "@sioc.check('bad')\ndef _(): raise ValueError('no')\n"))
    for words in (("check",), ("--port=0",)):
        code, out, err = run(path, *words)
        assert (code, out) == (1, "")
        assert re.match(r'\S+/app\.py:\d+: check "bad": ValueError: no\nTraceback \(most recent', err), err
