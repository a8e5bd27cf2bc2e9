"""leaks.py [EVENTS] -- what EVENTS events (1e6) leave behind: nothing may grow with their number.

A client without a library sends them in batches of seven kinds: values that are echoed, handlers that wait,
attachments, exceptions, questions of the server's own, rooms, and clients that come and go.  A tenth is
warming up; then the blocks of Python, the bytes of malloc, the resident set, and in a debug build the
references are looked at, and again at the end.  Another tenth is traced.  Prints a line for each, as JSON at
the end; exits with 1 when something grows.

    PYTHONPATH=build/release/python python3 tests/python/leaks.py
"""

import asyncio
import ctypes
import gc
import json
import os
import struct
import sys
import time
import tracemalloc

import sioc

BATCH = 100  # events of each kind
LEAKING = bool(os.environ.get("SIOC_TEST_LEAK"))  # to see that it would be seen
kept = []

io = sioc.Server(max_pending_acks=10_000)
io.on("error", lambda error: None)


@io.event
def echo(socket, *args):
    return args


@io.event
async def later(socket, n):
    await asyncio.sleep(0)
    if LEAKING:
        kept.append(object())
    return n


@io.event("bytes")
def some_bytes(socket, data):
    return bytes(reversed(data)), bytearray(data), memoryview(data)


@io.event
def fails(socket, n):
    raise ValueError(f"no {n}")


@io.event("fails later")
async def fails_later(socket, n, ack):
    await asyncio.sleep(0)
    ack(n)
    raise ValueError(f"no {n}")


@io.event
async def asks(socket, n):
    return await socket.timeout(60).emit_with_ack("question", n)


@io.event
def rooms(socket, name):
    socket.join(name)
    io.to(name).emit("news", {"room": name, "who": [socket.id]})
    socket.emit("told", name, ack=lambda error, answer: None)
    socket.leave(name)
    return socket.rooms


@io.on("connection")
def connected(socket):
    socket.data["seen"] = []
    socket.on("own", lambda n: socket.data["seen"].append(n))


def frame(payload, binary=False):
    """A frame as clients send it; a mask of zeros changes nothing."""
    data, kind = (payload, 0x82) if binary else (payload.encode(), 0x81)
    if len(data) < 126:
        return bytes([kind, 0x80 | len(data)]) + bytes(4) + data
    return bytes([kind, 0x80 | 126]) + struct.pack(">H", len(data)) + bytes(4) + data


def event(id, name, *args):
    return frame(f"42{id}" + json.dumps([name, *args]))


def batch():
    """(frames, how many are answered, how many events)"""
    out, ids = [], iter(range(10**9))
    for n in range(BATCH):
        out.append(event(next(ids), "echo", n, 2**70, 1.5, "text ü", {"list": [None, True, {"deep": "er"}], "k": ""}))
        out.append(event(next(ids), "later", n))
        out.append(frame(f'451-{next(ids)}["bytes",{{"_placeholder":true,"num":0}}]') + frame(bytes(64), True))
        out.append(event("", "fails", n))
        out.append(event(next(ids), "fails later", n))
        out.append(event(next(ids), "asks", n))
        out.append(event(next(ids), "rooms", f"room {n}"))
    return b"".join(out), next(ids), 7 * BATCH


class Client:
    async def connect(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        self.writer.write(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                          b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        await self.reader.readuntil(b"\r\n\r\n")
        self.writer.write(frame("40"))
        while not (await self.read()).startswith(b"40"):
            pass
        return self

    async def read(self):
        """The next message; heartbeats and questions are answered on the way."""
        while True:
            kind, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack(">H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", await self.reader.readexactly(8))
            data = await self.reader.readexactly(size)
            if kind == 0x88:
                raise EOFError("the server has closed")
            if data == b"2":
                self.writer.write(frame("3"))
            elif kind == 0x81 and data.startswith(b"42") and b"[" in data and data[2:3].isdigit():
                self.writer.write(frame("43" + data[2:data.index(b"[")].decode() + '["answer"]'))
            elif kind == 0x81:
                return data

    async def send(self, frames, answers):
        self.writer.write(frames)
        while answers:
            data = await self.read()
            answers -= data.startswith((b"43", b"46"))

    def close(self):
        self.writer.close()


class Malloc(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks",
                                                    "fsmblks", "uordblks", "fordblks", "keepcost")]


def malloc_bytes():
    """What malloc has given away; None where nobody tells."""
    try:
        told = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return None
    told.restype = Malloc
    info = told()
    return (info.uordblks + info.hblkhd) or None  # none with a malloc that is not glibc's


def rss_kib():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def look():
    for _ in range(3):
        gc.collect()
    figures = {"blocks": sys.getallocatedblocks(), "rss_kib": rss_kib(), "objects": len(gc.get_objects())}
    if malloc_bytes() is not None and "asan" not in os.environ.get("LD_PRELOAD", ""):
        figures["malloc"] = malloc_bytes()
    if hasattr(sys, "gettotalrefcount"):
        figures["references"] = sys.gettotalrefcount()
    return figures


# What may be more at the end, however many events there were: caches that fill up, a timer here or there.
MAY_GROW = {"blocks": 800, "objects": 50, "references": 2000, "malloc": 64 << 10, "rss_kib": 3 << 10,
            "traced": 64 << 10}


async def settled():
    """What the last batch has begun has ended."""
    while io._tasks or io.clients_count > 1:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)


async def main(events):
    port = await io.start(0)
    client = await Client().connect(port)
    frames, answers, size = batch()

    async def drive(count):
        for _ in range(max(1, count // size)):
            await client.send(frames, answers)
            guest = await Client().connect(port)
            await guest.send(event("", "own", 1) + event(1, "echo", 1), 1)
            guest.close()
        await settled()

    await drive(events // 10)
    before, began = look(), time.perf_counter()
    await drive(events - 2 * (events // 10))
    took, after = time.perf_counter() - began, look()
    grown = {name: after[name] - before[name] for name in before}

    tracemalloc.start()
    await drive(size)
    gc.collect()
    first = tracemalloc.take_snapshot()
    began_with = tracemalloc.get_traced_memory()[0]
    await drive(events // 10)
    gc.collect()
    grown["traced"] = tracemalloc.get_traced_memory()[0] - began_with
    if grown["traced"] > MAY_GROW["traced"]:
        print(*tracemalloc.take_snapshot().compare_to(first, "lineno")[:8], sep="\n")
    tracemalloc.stop()

    client.close()
    await io.close()
    leaks = [name for name, by in grown.items() if by > MAY_GROW[name] and
             not (name == "rss_kib" and "malloc" not in grown)]  # a sanitizer keeps what is free
    for name, by in grown.items():
        print(f"{name:>10} {before.get(name, '-'):>12} grown by {by} (may: {MAY_GROW[name]})")
    print(json.dumps({"events": events, "us_per_event": round(took * 1e6 / (events * 0.8), 2), "grown": grown, "leaks": leaks}))
    return 1 if leaks else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 10**6)))
