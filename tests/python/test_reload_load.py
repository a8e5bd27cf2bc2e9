"""Reloads under load: numbered requests in flight while good and broken scripts come and go."""
import asyncio
import os

from program import Program

# All clients are in this process.  What is on its way at a time is bounded: on a busy machine it would else
# read its pings so late that the server is right to give it up (ping timeout, after 20 s).
IN_FLIGHT = 50
CLIENTS = int(os.environ.get("SIOC_TEST_CLIENTS", 200))
RELOADS = int(os.environ.get("SIOC_TEST_RELOADS", 30))


def good(n):
    return f"""
import sioc, asyncio
io = sioc.Server()
@io.on("connection")
async def _(s):
    s.join("all")
    s.on("own", lambda i: (i, {n}))
    await asyncio.sleep(0.001)
@io.event
def flat(s, i): return i, {n}
@io.event
async def slow(s, i):
    await asyncio.sleep(0.01)
    return i, {n}
@io.event
async def back(s, i): return await s.timeout(20).emit_with_ack("question", i), {n}
@io.event
def count(s):
    s.data["n"] = s.data.get("n", 0) + 1
    return s.data["n"]
@io.every(5)
def tick(): io.to("all").emit("tick", {n})
io.run(port=0)
"""


def broken(n):
    return [good(n) + " )", good(n) + f"raise ValueError('load {n}')", "", good(n)[: good(n).index("asyncio.sleep")]][n % 4]


class Traffic:
    """Numbered requests of one client, several in flight; each must be answered once, with its number,
    and those of a kind whose handlers do not wait in order."""

    def __init__(self, client, slots):
        self.slots = slots
        self.client, self.sent, self.answered, self.wrong, self.counted = client, 0, 0, [], 0
        self.generations = set()
        self.stopped = False

    async def run(self):
        await asyncio.gather(*(self.kind(k) for k in ("own", "flat", "slow", "back", "count")))

    async def kind(self, kind):
        width, number, answered = (3 if kind in ("own", "flat") else 1), 0, []
        while not self.stopped:
            async with self.slots:
                await asyncio.gather(*(self.one(kind, number + i, answered) for i in range(width)))
            number += width
        if answered != list(range(number)):
            self.wrong.append(f"{kind}: answered in the order {answered}")

    async def one(self, kind, number, answered):
        self.sent += 1
        answer = await self.client.call(kind, () if kind == "count" else (number,), timeout=100)
        self.answered += 1
        answered.append(number)
        if kind == "count":
            self.counted += 1
            if answer != self.counted:
                self.wrong.append(f"count {answer}, not {self.counted}")
        else:
            self.generations.add(answer[1])
            if answer[0] != number:
                self.wrong.append(f"{kind} {number}: {answer}")


async def test_nothing_is_lost_reordered_handled_twice_or_disconnected(tmp_path):
    async with Program(tmp_path, good(0), "--port", "0", "--log-level", "debug") as app:
        clients = []
        for i in range(CLIENTS):
            client = await app.client(transports=["polling"] if i % 4 == 3 else ["websocket"],
                                      question=lambda i: i, tick=lambda n: None)
            clients.append(client)
        slots = asyncio.Semaphore(IN_FLIGHT)
        traffic = [Traffic(client, slots) for client in clients]
        running = [asyncio.create_task(t.run()) for t in traffic]
        refused = accepted = 0
        for n in range(1, RELOADS + 1):
            generation, what = await app.reload(good(n) if n % 3 else broken(n))
            refused += isinstance(what, str)
            accepted += isinstance(what, int)
            assert isinstance(what, str) == (n % 3 == 0), (n, what)
            # Two old generations may be busy; handlers of a third would be ended, without an answer.
            await app.until(lambda: app.err.count(" is gone\n") >= accepted - 1, "the end of old code", 100)
        await app.until(lambda: all(t.answered > 5 for t in traffic), "traffic", 100)
        for t in traffic:
            t.stopped = True
        await asyncio.gather(*running)
        assert [w for t in traffic for w in t.wrong][:10] == []
        assert [c.gone for c in clients if c.gone] == []
        assert sum(t.sent for t in traffic) == sum(t.answered for t in traffic)
        assert refused == RELOADS // 3
        assert max(max(t.generations) for t in traffic) >= RELOADS // 2, "traffic met the new code"


async def test_fifty_generations_leave_nothing_behind(tmp_path):
    watched = """
import gc, weakref, builtins
if not hasattr(builtins, "seen"): builtins.seen = []
class Marker: pass
marker = Marker()
builtins.seen.append(weakref.ref(marker))
@io.event
def alive(s):
    gc.collect()
    return sum(r() is not None for r in builtins.seen)
@io.event
async def held(s):
    await asyncio.sleep(0.03)
    return marker is not None
io.of("/other").on("connection", lambda s: s.use(lambda event, *args: None))
"""
    async with Program(tmp_path, good(0) + watched, "--port", "0", "--log-level", "debug") as app:
        client = await app.client()
        await app.client("/other")
        for n in range(1, 51):
            held = asyncio.create_task(client.call("held", timeout=20))
            await asyncio.sleep(0.005)
            generation, what = await app.reload(good(n) + watched)
            assert isinstance(what, int), what
            assert await held is True
        await app.until(lambda: app.err.count(" is gone\n") == 50, "the end of all old generations")
        # Of 51 generations the one that serves, and at most the one before it.
        assert await client.call("alive", timeout=20) <= 2
