"""The way back: a script that fails after a reload is given up for the one before, by itself or by SIGUSR2."""
import re
import signal

from program import Program

BACK = re.compile(r"rollback: generation (\d+) serves the script of generation (\d+) after [^;]*; (\d+) sockets re-bound"
                  r"[^;\n]*(?:; (.*))?")
REFUSED = re.compile(r"rollback refused, generation (\d+) serves on: (.*)")
GOOD = "@io.event\ndef work(socket, n): return n"
BAD = "@io.event\ndef work(socket, n, ack):\n    ack(n)\n    raise RuntimeError('broken')"


def script(version, body=GOOD, options=""):
    return (f"import sioc\nio = sioc.Server({options})\n@io.event\ndef version(s):\n"
            f"    return ['{version}', sioc.generation, sioc.is_reload, sioc.is_rollback]\n"
            f"@io.event\ndef count(s):\n    io.state['n'] = io.state.get('n', 0) + 1\n    return io.state['n']\n{body}\n")


async def work(client, count):
    for n in range(count):
        assert await client.call("work", n) == n


async def rolled_back(app, count=1):
    await app.until(lambda: len(BACK.findall(app.err)) == count, f"rollback {count}")
    generation, of, sockets, why = BACK.findall(app.err)[-1]
    return int(generation), int(of), int(sockets), why


async def test_when_handlers_fail_more_often_the_script_of_before_comes_back(tmp_path):
    async with Program(tmp_path, script("a")) as app:
        client = await app.client()
        await work(client, 30)
        assert await client.call("version") == ["a", 1, False, False]
        await app.swap(script("b", BAD))
        assert await client.call("count") == 1
        await work(client, 19)
        assert await rolled_back(app) == (3, 1, 1, "19 of 20 handlers threw, 0 of 31 before")
        assert await client.call("version") == ["a", 3, True, True]
        assert await client.call("count") == 2  # io.state stays
        await work(client, 5)
        await app.reload(script("c"))
        assert await client.call("version") == ["c", 4, True, False]
        assert client.gone == []


async def test_handlers_that_wait_requests_and_intervals_count_too(tmp_path):
    bad = """import asyncio
@io.event
async def work(socket, n, ack):
    ack(n)
    await asyncio.sleep(0)
    raise RuntimeError
@io.get("/")
def get(): raise RuntimeError
"""
    async with Program(tmp_path, script("a")) as app:
        client = await app.client()
        await app.swap(script("b", bad))
        await work(client, 10)
        for _ in range(10):
            assert (await app.get("/")).startswith("500 ")
        assert await rolled_back(app) == (3, 1, 1, "20 of 20 handlers threw, 0 of 0 before")


async def test_connection_handlers_that_are_called_again_count_apart(tmp_path):
    async with Program(tmp_path, script("a")) as app:
        clients = [await app.client() for _ in range(3)]
        for _ in range(30):
            await clients[0].call("version")
        bad = "@io.on('connection')\ndef _(s):\n    if s.reloaded: raise RuntimeError\n"
        await app.swap(script("b", bad, 'rollback={"min_handlers": 3}'))
        generation, of, sockets, why = await rolled_back(app)
        assert (generation, of, sockets) == (3, 1, 3)
        assert why.startswith("3 of 3 connection handlers that were called again threw")
        assert (await clients[1].call("version"))[0] == "a"


async def test_modules_come_back_as_they_were_also_those_whose_files_are_gone(tmp_path):
    body = "import helper, package.inner\n@io.event\ndef work(s, n): return helper.work(n) + package.inner.ZERO"
    app = Program(tmp_path, script("a", body))
    app.save("def work(n): return n\n", "helper.py")
    app.save("", "package/__init__.py")
    app.save("ZERO = 0\n", "package/inner.py")
    async with app:
        client = await app.client()
        await work(client, 25)
        (tmp_path / "package/inner.py").unlink()
        app.save("import module_of_nobody\n", "helper.py")
        await app.swap(script("b", BAD))
        await work(client, 25)
        assert (await rolled_back(app))[:2] == (3, 1)
        await work(client, 5)
        assert (await client.call("version"))[0] == "a"
        generation, why = await app.reload(script("a", body))
        assert "module_of_nobody" in why  # the files count again


async def test_by_hand_step_by_step(tmp_path):
    async with Program(tmp_path, script("a")) as app:
        client = await app.client()
        app.process.send_signal(signal.SIGUSR2)
        await app.until(lambda: REFUSED.search(app.err), "the refusal")
        await app.swap(script("b"))
        await app.swap(script("c"))
        for count, version in enumerate("ba", 1):
            app.process.send_signal(signal.SIGUSR2)
            generation, of, *_ = await rolled_back(app, count)
            assert (generation, of) == (3 + count, 3 - count)
            assert (await client.call("version"))[0] == version
        assert client.gone == []


async def test_it_can_be_switched_off_and_is_off_with_watch(tmp_path):
    for options, words in (("rollback=False", ()), ("", ("--watch",)), ("", ("--rollback=false",))):
        async with Program(tmp_path, script("a", GOOD, options), "--port", "0", *words) as app:
            client = await app.client()
            await app.swap(script("b", BAD, options))
            await work(client, 30)
            assert (await client.call("version"))[0] == "b"
            assert "rollback:" not in app.err
