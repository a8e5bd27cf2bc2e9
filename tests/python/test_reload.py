"""Hot reload of `python3 -m sioc app.py`: one test for each rule, by its number (docs/reload.md)."""
import asyncio
import os
import signal
import time

import pytest

from program import HEAD, PLAIN, Program, script


async def ask(client, event, *args):
    return await client.call(event, args, namespace=client.of, timeout=10)


async def test_r1_sighup_reloads_and_what_is_asked_meanwhile_becomes_one_more(tmp_path):
    async with Program(tmp_path, script("a")) as app:
        client = await app.client()
        assert await ask(client, "version") == "a"
        assert await app.reload(script("b")) == (2, 1)
        assert await ask(client, "version") == "b"
        app.save(script("c", "import time, sys\nprint('loading', file=sys.stderr)\ntime.sleep(0.4)"))
        app.process.send_signal(signal.SIGHUP)
        await app.until(lambda: "loading" in app.err, "the load")
        for _ in range(5):
            app.process.send_signal(signal.SIGHUP)
            await asyncio.sleep(0.02)
        await app.outcome(2)
        await asyncio.sleep(0.7)
        assert len(app.outcomes()) == 3
        assert await ask(client, "version") == "c" and client.gone == []


async def test_r2_a_script_that_fails_changes_nothing(tmp_path):
    async with Program(tmp_path, script("a", "io.state['kept'] = 'yes'")) as app:
        client = await app.client()
        half = script("b", "io.emit('leak', 1)\n@io.every(0.01)\ndef tick(): io.emit('leak', 2)\n"
                           "io.get('/new', lambda req: 'new')\nio.run(port=0)\n")
        await app.refused(half + "raise ValueError('on purpose')", r"app\.py:\d+: ValueError: on purpose$")
        assert 'raise ValueError' in app.err and "Traceback (most recent call last):" in app.err
        assert "_reload.py" not in app.err
        await app.refused(half + "missing()", r"app\.py:\d+: NameError: name 'missing' is not defined")
        await app.refused(half + ")", r"app\.py:\d+: SyntaxError: unmatched '\)'")
        await app.refused(half + "raise SystemExit(3)", r"SystemExit: 3")
        await app.refused(half + "asyncio.run(None)", r"app\.py:\d+: RuntimeError: asyncio\.run\(\) cannot be called")
        assert (await app.get("/new")).startswith("404")
        assert await ask(client, "version") == "a"
        await app.swap(script("c", "@io.event\ndef kept(s): return io.state['kept']"))
        assert await ask(client, "kept") == "yes"
        assert client.heard == [] and app.out.count("listening") == 1


async def test_r2_a_script_that_does_not_end_is_refused(tmp_path):
    before = "from sioc import _failure; _failure.LOAD_TIMEOUT = 0.3"
    async with Program(tmp_path, script("a"), before=f"{PLAIN}\n{before}") as app:
        client = await app.client()
        loop = "while True:\n    try:\n        n = abs(1)\n    except Exception:\n        pass"
        await app.refused(script("b", loop), r"app\.py:\d+: timed out: the script was not loaded within 0\.3 seconds")
        assert await ask(client, "version") == "a"


async def test_r3_a_script_that_registers_nothing_is_refused(tmp_path):
    async with Program(tmp_path, script("a")) as app:
        client = await app.client()
        await app.refused("", "registers no handler")
        await app.refused(HEAD, "registers no handler")
        await app.refused(f"{HEAD}def later():\n    io.on('connection', print)\n", "registers no handler")
        assert await ask(client, "version") == "a"


async def test_r5_the_next_event_connection_and_request_is_the_new_codes(tmp_path):
    def version(n):
        return script(n, f"""
@io.on("connection")
def _(s): s.emit("welcome", "{n}")
@io.use
def _(s): s.data["by"] = s.data.get("by", "") + "{n}"
@io.event
def by(s): return s.data["by"]
@io.get("/version")
def _(req): return "{n}"
@io.get("/only-{n}")
def _(req): return "here"
""")

    async with Program(tmp_path, version("a")) as app:
        first = await app.client()
        await app.swap(version("b"))
        assert await ask(first, "version") == "b"
        assert await ask(first, "by") == "a", "middleware is not run again (R17)"
        second = await app.client()
        assert await ask(second, "by") == "b"
        assert second.heard == [("welcome", "b")] and first.heard == [("welcome", "a")]
        assert await app.get("/version") == "200 b"
        assert await app.get("/only-b") == "200 here"
        assert (await app.get("/only-a")).startswith("404")


async def test_r6_live_sockets_lose_the_old_handlers_and_get_the_new(tmp_path):
    def version(n):
        return script(n, f"""
io.state.setdefault("any", "")
@io.on("connection")
def _(s):
    s.on("own", lambda: ("{n}", s.reloaded))
    s.on("own {n}", lambda: True)
    def any(name): io.state["any"] += "{n}"
    s.on_any(any)
@io.event
def any(s): return io.state["any"]
""")

    async with Program(tmp_path, version("a")) as app:
        clients = [await app.client() for _ in range(10)]
        assert await ask(clients[0], "own") == ("a", False)
        assert await app.swap(version("b")) == 10
        for client in clients:
            assert await ask(client, "own") == ("b", True)
        assert await ask(await app.client(), "own") == ("b", False)
        with pytest.raises(Exception):
            await clients[3].call("own a", timeout=0.3)
        assert await ask(clients[3], "own b") is True
        seen = await ask(clients[3], "any")
        assert seen == "a" + "b" * (len(seen) - 1)
        assert all(client.gone == [] for client in clients)


async def test_r7_the_replay_is_muted_across_waits_and_reload_is_not(tmp_path):
    def version(n):
        return script(n, f"""
@io.on("connection")
async def _(s):
    s.on("seen", lambda: s.data["seen"])
    s.join("{n}")
    before = (s.emit("hello", 1), io.emit("all", 1))
    await asyncio.sleep(0.02)
    task = asyncio.create_task(later(s))
    after = (s.emit("hello", 2), io.to("{n}").emit("room", 2))
    s.disconnect() if s.reloaded else None
    io.disconnect_sockets() if s.reloaded else None
    try:
        answer = await s.timeout(1).emit_with_ack("question") if s.reloaded else "fine"
    except sioc.Disconnected as e:
        answer = str(e)
    s.data["seen"] = [[bool(b) for b in before + after], answer, sorted(s.rooms) == sorted({{s.id, "a", "{n}"}})]
async def later(s):
    await asyncio.sleep(0.1)
    s.emit("later", "{n}")
@io.on("reload")
def _(s): s.emit("reloaded", "{n}")
""")

    async with Program(tmp_path, version("a")) as app:
        client = await app.client()
        assert await ask(client, "seen") == [[True] * 4, "fine", True]
        await app.until(lambda: ("later", "a") in client.heard, "what comes later")
        client.heard.clear()
        await app.swap(version("b"))
        assert await ask(client, "seen") == [[False] * 4, "reload", True]
        await app.until(lambda: ("later", "b") in client.heard, "what comes later")
        assert client.heard == [("reloaded", "b"), ("later", "b")] and client.gone == []


async def test_r8_r9_events_wait_for_the_replay_in_order(tmp_path):
    def version(n):
        return script(n, f"""
@io.on("connection")
async def _(s):
    await asyncio.sleep(0.1)
    s.on("own", lambda i: ["{n}", i])
@io.event("own")
def _(s, i): return "of the namespace"
""")

    async with Program(tmp_path, version("a")) as app:
        client = await app.client()
        assert await ask(client, "own", 0) == ["a", 0]
        await app.swap(version("b"))
        answers = await asyncio.gather(*(ask(client, "own", i) for i in range(5)))
        assert answers == [["b", i] for i in range(5)]


async def test_r10_r11_what_waits_finishes_in_its_own_generation(tmp_path):
    old = script("a", """
@io.event
async def slow(s, ack):
    await asyncio.sleep(0.3)
    s.emit("still", "a")
    ack("a")
@io.event
async def returns(s):
    await asyncio.sleep(0.3)
    return "a"
@io.event
def keep(s, ack): asyncio.get_running_loop().call_later(0.3, ack, "kept")
@io.event
async def back(s):
    return await s.timeout(5).emit_with_ack("question"), "a"
@io.event
def called(s):
    s.emit("question", ack=lambda e, r: s.emit("answered", r, "a"))
""")

    async def question():
        await asyncio.sleep(0.3)
        return 7

    async with Program(tmp_path, old, "--port", "0", "--log-level", "debug") as app:
        client = await app.client(question=question)
        waiting = [asyncio.create_task(ask(client, e)) for e in ("slow", "returns", "keep", "back")]
        await ask(client, "called")
        await app.swap(script("b"))
        assert await ask(client, "version") == "b"
        assert await asyncio.gather(*waiting) == ["a", "a", "kept", (7, "a")]
        await app.until(lambda: ("answered", 7, "a") in client.heard, "the answer")
        assert ("still", "a") in client.heard
        await app.until(lambda: "generation 1 is gone" in app.err, "the end of generation 1")


async def test_r12_what_repeats_stops_and_background_tasks_are_cancelled(tmp_path):
    def version(n):
        return script(n, f"""
@io.every(0.01)
def tick(): io.emit("tick", "{n}")
async def forever():
    try:
        while True:
            await asyncio.sleep(0.01)
            io.emit("tock", "{n}")
    finally:
        io.emit("end", "{n}")
io.background_task(forever())
""")

    async with Program(tmp_path, version("a")) as app:
        client = await app.client()
        await app.until(lambda: {("tick", "a"), ("tock", "a")} <= set(client.heard), "ticks")
        await app.swap(version("b"))
        await app.until(lambda: {("tick", "b"), ("tock", "b"), ("end", "a")} <= set(client.heard), "ticks")
        client.heard.clear()
        await asyncio.sleep(0.1)
        assert set(client.heard) == {("tick", "b"), ("tock", "b")}


async def test_r13_at_most_two_generations_finish(tmp_path):
    def version(n):
        return script(n, f"""
@io.event
async def sleep(s):
    try:
        await asyncio.sleep(60)
    finally:
        io.state.setdefault("ended", []).append("{n}")
@io.event
async def wait(s):
    try:
        return await s.emit_with_ack("never")
    except sioc.Disconnected as e:
        io.state.setdefault("ended", []).append(str(e))
@io.event
def ended(s): return sorted(io.state.get("ended", []))
""")

    async with Program(tmp_path, version("1")) as app:
        client = await app.client(never=asyncio.Event().wait)
        await client.emit("sleep")
        await client.emit("wait")
        assert await ask(client, "version") == "1"
        for n in "234":
            await app.swap(version(n))
        await app.until(lambda: "generation 1 is gone; " in app.err, "the end of generation 1")
        assert "generation 1 is gone; 2 handlers that still waited were ended" in app.err
        assert "1" in await ask(client, "ended")
        assert await ask(client, "version") == "4"


async def test_r14_r15_data_and_state_are_the_same_objects(tmp_path):
    body = """
class Thing: pass
@io.event
def fill(s):
    s.data["thing"] = s.data["self"] = s.data
    io.state["list"] = [1]
@io.event
async def late(s):
    data, state = s.data, io.state
    await asyncio.sleep(0.3)
    data["late"] = True
    state["list"].append(2)
@io.event
def look(s): return [s.data.get("thing") is s.data, s.data.get("late"), io.state.get("list")]
"""
    async with Program(tmp_path, script("a", body)) as app:
        client = await app.client()
        await ask(client, "fill")
        late = asyncio.create_task(ask(client, "late"))
        await asyncio.sleep(0.05)
        await app.swap(script("b", body))
        await late
        assert await ask(client, "look") == [True, True, [1, 2]]


async def test_r16_sockets_of_a_namespace_that_is_gone_stay(tmp_path):
    other = "@io.of('/other').event\ndef hi(s): return s.nsp.name\n"
    async with Program(tmp_path, script("a", other)) as app:
        client = await app.client("/other")
        assert await ask(client, "hi") == "/other"
        await app.swap(script("b"))
        assert 'namespace "/other" is gone from the script' in app.err
        with pytest.raises(Exception):
            await client.call("hi", namespace="/other", timeout=0.3)
        await app.swap(script("c", other))
        assert await ask(client, "hi") == "/other" and client.gone == []


async def test_r18_addresses_and_options(tmp_path):
    async with Program(tmp_path, script("a", "io.run(port=0)")) as app:
        client = await app.client()
        await app.swap(f"import sioc\nio = sioc.Server(max_payload=5000)\n@io.event\ndef version(s): return 'b'\n"
                       "second = sioc.Server()\nsecond.on('connection', print)\nsecond.run(port=0)\n")
        await app.until(lambda: app.out.count("listening on") == 2, "the second address")
        await app.swap(script("c"))
        assert await ask(client, "version") == "c" and client.gone == []
        assert "a server is gone from the script; its 0 clients are ignored" in app.err
        port = int(app.out.split(":")[-1])
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", port)
        await app.refused("import sioc\nio = sioc.Server()\nio.event('x', print)\nsioc.Server()", "has no address")


async def test_r19_generation_is_reload_on_unload(tmp_path):
    def version(n):
        return script(n, f"""
import sioc
numbers = [sioc.generation, sioc.is_reload]
@io.event
def which(s): return numbers
@io.on_unload
def _(): io.state.setdefault("unloaded", []).append("{n}")
@io.on_unload
async def _():
    await asyncio.sleep(0.01)
    io.state["unloaded"].append("{n} later")
@io.event
def unloaded(s): return io.state.get("unloaded")
""")

    async with Program(tmp_path, version("a")) as app:
        client = await app.client()
        assert await ask(client, "which") == [1, False] and await ask(client, "unloaded") is None
        await app.swap(version("b"))
        await asyncio.sleep(0.1)
        assert await ask(client, "which") == [2, True]
        assert await ask(client, "unloaded") == ["a", "a later"]


async def test_modules_of_the_application_are_new_and_others_are_kept(tmp_path):
    body = """
import json, package.inside, single
from package import inside as again
json.kept = getattr(json, "kept", 0) + 1
@io.event
def look(s):
    import package.lazy
    return [package.inside.X, again.X, single.X, package.lazy.X, json.kept]
"""
    async with Program(tmp_path, script("no", "")) as app:
        client = await app.client()
        for name in ("package/__init__.py", "package/inside.py", "single.py", "package/lazy.py"):
            app.save("X = 1", name)
        await app.swap(script("a", body))
        assert await ask(client, "look") == [1, 1, 1, 1, 1]
        stat = os.stat(tmp_path / "single.py")
        for i in range(2, 5):  # the same length in the same second: what a .pyc cannot tell
            for name in ("package/inside.py", "single.py", "package/lazy.py"):
                app.save(f"X = {i}", name)
                os.utime(tmp_path / name, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
            await app.swap()
            assert await ask(client, "look") == [i, i, i, i, i]
        # A module that is broken: the modules of before are there again.
        app.save("X = 9", "package/lazy.py")
        await app.refused("X = (", r"inside\.py:1: SyntaxError", "package/inside.py")
        assert await ask(client, "look") == [4, 4, 4, 4, 4]


async def test_watch_notices_the_script_its_modules_and_what_was_missing(tmp_path):
    source = script("a", "try:\n    import late\n    X = late.X\nexcept ImportError:\n    X = 0\n"
                         "@io.event\ndef look(s): return X")
    async with Program(tmp_path, source, "--port", "0", "--watch") as app:
        client = await app.client()
        assert await ask(client, "look") == 0
        app.save("X = 1", "late.py")
        await app.outcome(0)
        assert await ask(client, "look") == 1
        app.save("X = (", "late.py")
        assert isinstance((await app.outcome(1))[1], str)
        app.save("X = 2", "late.py")
        await app.outcome(2)
        assert await ask(client, "look") == 2
        app.save(source.replace('"a"', '"b"'))
        await app.outcome(3)
        assert await ask(client, "version") == "b" and client.gone == []


async def test_a_serial_handler_of_old_code_does_not_hold_its_socket_for_ever(tmp_path):
    def version(n):
        return (f"import sioc, asyncio\nio = sioc.Server(serial=True)\n@io.event\nasync def hang(s):\n"
                f"    print('hangs')\n    await asyncio.sleep(60)\n@io.event\ndef version(s): return '{n}'\n")

    async with Program(tmp_path, version("1")) as app:
        client = await app.client()
        await client.emit("hang")
        held = asyncio.create_task(ask(client, "version"))
        await app.until(lambda: "hangs" in app.out, "the handler")
        for n in "234":  # two old generations may be busy, and so the first one is ended
            await app.swap(version(n))
            other = await app.client()
            await other.emit("hang")
            await app.until(lambda: app.out.count("hangs") == int(n), "one more")
        assert await held == "4"


async def test_old_code_that_outlives_its_generation_does_no_harm(tmp_path):
    keep = script("a", """
import threading, builtins
builtins.old = io
@io.on("connection")
def _(s): builtins.old_socket = s
@io.event
async def rooms(s): return []
""")
    new = script("b", """
import builtins
@io.event
def use(s):
    o, told = builtins.old_socket, []
    for call in (lambda: o.emit("x"), lambda: o.rooms, lambda: o.connected, lambda: o.join("r"),
                 lambda: builtins.old.emit("x"), lambda: builtins.old.rooms, lambda: o.data["n"]):
        try:
            told.append(repr(call()))
        except RuntimeError as e:
            told.append(str(e))
        except KeyError:
            told.append("KeyError")
    return told
""")
    async with Program(tmp_path, keep, "--port", "0", "--log-level", "debug") as app:
        client = await app.client()
        await app.swap(new)
        await app.until(lambda: "generation 1 is gone" in app.err, "the end of generation 1")
        told = await ask(client, "use")
        assert told == ["False", "[]", "False", "None", "the server is closed", "the server is closed", "KeyError"]


async def test_http_requests_that_wait_are_answered_by_the_code_that_took_them(tmp_path):
    def version(n):
        return script(n, f"""
@io.get("/slow")
async def _(req):
    await asyncio.sleep(0.3)
    return "{n}"
""")

    async with Program(tmp_path, version("a")) as app:
        waiting = asyncio.create_task(app.get("/slow"))
        await asyncio.sleep(0.1)
        await app.swap(version("b"))
        assert await waiting == "200 a"
        assert await app.get("/slow") == "200 b"


async def test_the_first_load_says_file_and_line(tmp_path):
    for source, code, text in ((script("a") + ")", 1, "app.py:7: SyntaxError"), ("1/0", 1, "app.py:1: ZeroDivisionError"),
                               ("x = 1", 1, "makes no sioc.Server"), ("raise SystemExit(7)", 7, ""),
                               ("raise SystemExit", 0, "")):
        app = Program(tmp_path, source)
        await app.start()
        assert await app.ended() == code, app.err
        assert text in app.err


async def test_r15_shared_values_survive_and_a_refused_script_has_changed_none(tmp_path):
    body = """
t = io.shared("t")
t.set("{n}", [1, {{"a": b"x"}}])
t.incr("loads")
@io.event
def look(s): return [t.get("a"), t.get("b"), t.get("loads")]
"""
    async with Program(tmp_path, script("a", body.format(n="a"))) as app:
        client = await app.client()
        value = [1, {"a": b"x"}]
        assert await ask(client, "look") == [value, None, 1]
        await app.refused(script("b", body.format(n="b")) + "1/0", "ZeroDivisionError")
        assert await ask(client, "look") == [value, None, 1]
        await app.swap(script("b", body.format(n="b")))
        assert await ask(client, "look") == [value, value, 2]


async def test_a_refused_script_has_written_nothing_to_the_state(tmp_path):
    body = """
@io.event
def state(s): return io.state
"""
    set_up = "io.state.setdefault('scores', {'a': [1]})['b'] = 2\nio.state['whose'] = 'first'\n"
    refused = "io.state['scores']['a'].append(2)\nio.state['new'] = 1\ndel io.state['whose']\n1 / 0\n"
    good = "scores = io.state['scores']\nio.state['whose'] = 'second'\n" + body + """
@io.event
def more(s): scores['c'] = 3
"""
    async with Program(tmp_path, script("a", set_up + body)) as app:
        client = await app.client()
        await app.refused(script("b", refused + body), "ZeroDivisionError")
        assert await ask(client, "state") == {"scores": {"a": [1], "b": 2}, "whose": "first"}
        await app.swap(script("b", good))
        await client.call("more")  # what a script has kept of it is the state
        assert await ask(client, "state") == {"scores": {"a": [1], "b": 2, "c": 3}, "whose": "second"}
        await app.swap(script("c", body + "import asyncio\n"))
        assert (await ask(client, "state"))["scores"]["c"] == 3


def test_what_was_written_meanwhile_stays():
    from sioc._state import Draft

    inner, deep = [1], {"a": {1, 2}}
    state = {"same": 1, "old": 1, "both": 1, "new": 1, "gone": 1, "gone here": 1, "list": inner, "deep": deep}
    state["self"] = state
    before = dict(state)
    draft = Draft(state)
    state.update(new=2, both=2)
    deep["a"].add(3)
    deep["b"] = kept = bytearray(b"x")
    inner.append(2)
    del state["gone here"]
    draft.suspend()
    assert state == before and inner == [1] and deep == {"a": {1, 2}}
    state.update(old=3, both=3, more=3)
    deep["c"] = 1
    del state["gone"]
    draft.commit()
    assert state.pop("self") is state
    assert state == {"same": 1, "old": 3, "both": 2, "new": 2, "more": 3, "list": [1, 2],
                     "deep": {"a": {1, 2, 3}, "b": b"x", "c": 1}}
    assert state["list"] is inner and state["deep"] is deep and deep["b"] is kept


async def test_old_generations_are_gone_to_the_last(tmp_path):
    body = """
import gc, weakref
class Marker: pass
marker = Marker()
markers = io.state.setdefault("markers", [])
markers.append(weakref.ref(marker))
@io.on("connection")
def connected(s): s.on("own", lambda: marker and s.conn.id and None)
@io.event
async def alive(s):
    gc.collect()
    return sum(ref() is not None for ref in markers)
@sioc.check
async def works():
    t = await sioc.test_socket()
    assert await t.receive_with_ack("version")
"""
    async with Program(tmp_path, script("a", body)) as app:
        client = await app.client()
        for n in range(25):
            await app.swap(script(n, body))
            await ask(client, "own")
            if n % 5 == 0:
                await app.refused(script(n, body + "\n1 / 0"), "ZeroDivisionError")
        for _ in range(200):
            alive = await ask(client, "alive")
            if alive == 1:
                break
            await asyncio.sleep(0.05)
        assert alive == 1
