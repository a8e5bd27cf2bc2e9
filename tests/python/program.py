"""A program whose script changes: a folder with app.py, run by `python3 -m sioc`, and what its log says."""
import asyncio
import contextlib
import os
import pathlib
import re
import signal
import sys

import socketio

OUTCOME = re.compile(r"^.*(?:reload: generation (\d+) serves.*?; (\d+) sockets re-bound"
                     r"|reload refused, generation (\d+) serves on: (.*)$)", re.M)
PLAIN = "import sys; sys.modules['uvloop'] = None"  # asyncio's own loop, whatever is installed
HEAD = "import sioc, asyncio\nio = sioc.Server()\n"


def script(version, body=""):
    return f'{HEAD}@io.event\ndef version(socket):\n    return "{version}"\n{body}\n'


class Program:
    """async with Program(folder, source) as app"""

    def __init__(self, folder, source, *words, command=None, before=PLAIN):
        self.folder = pathlib.Path(folder)
        self.words, self.clients, self.out, self.err = words, [], "", ""
        self.command = command or [sys.executable, "-c", f"{before}\nfrom sioc._cli import main\nraise SystemExit(main())"]
        self.save(source)

    def save(self, source, name="app.py"):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)

    async def __aenter__(self):
        await self.start()
        await self.until(lambda: "listening on" in self.out, "that it listens")
        self.port = int(re.search(r"listening on \S+:(\d+)", self.out)[1])
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def start(self):
        env = dict(os.environ, PYTHONUNBUFFERED="1")
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        self.process = await asyncio.create_subprocess_exec(
            *self.command, str(self.folder / "app.py"), *(self.words or ("--port", "0")),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=env)
        self.readers = [asyncio.create_task(self.read("out", self.process.stdout)),
                        asyncio.create_task(self.read("err", self.process.stderr))]

    async def read(self, name, stream):
        while data := await stream.read(65536):
            setattr(self, name, getattr(self, name) + data.decode())

    async def until(self, condition, what, seconds=30):
        for _ in range(int(seconds * 100)):
            if condition():
                return
            if self.process.returncode is not None and self.readers[1].done():
                break
            await asyncio.sleep(0.01)
        assert condition(), f"waited for {what}:\n{self.out}\n{self.err}"

    async def __aexit__(self, kind, *_):
        for client in self.clients:
            with contextlib.suppress(Exception):
                await client.disconnect()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL if kind else signal.SIGTERM)
        code = await self.ended()
        if not kind:
            assert code == 0, self.err
            assert "AddressSanitizer" not in self.err and "runtime error" not in self.err, self.err
            assert "never awaited" not in self.err and "never retrieved" not in self.err, self.err

    async def ended(self):
        code = await asyncio.wait_for(self.process.wait(), 30)
        await asyncio.gather(*self.readers)
        return code

    def outcomes(self):
        """(generation, sockets), or (generation, why it was refused)"""
        return [(int(m[1]), int(m[2])) if m[1] else (int(m[3]), m[4]) for m in OUTCOME.finditer(self.err)]

    async def reload(self, source=None, name="app.py"):
        count = len(self.outcomes())
        if source is not None:
            self.save(source, name)
        self.process.send_signal(signal.SIGHUP)
        return await self.outcome(count)

    async def outcome(self, number):
        await self.until(lambda: len(self.outcomes()) > number and self.err.endswith("\n"), f"outcome {number + 1}")
        return self.outcomes()[number]

    async def swap(self, source=None, name="app.py"):
        generation, what = await self.reload(source, name)
        assert isinstance(what, int), self.err
        return what

    async def refused(self, source, pattern, name="app.py"):
        generation, what = await self.reload(source, name)
        assert isinstance(what, str), "it was loaded"
        assert re.search(pattern, what), what

    async def client(self, nsp="/", transports=("websocket",), auth=None, **on):
        client = socketio.AsyncClient(reconnection=False)
        client.gone, client.heard = [], []
        client.on("disconnect", lambda *reason: client.gone.append(reason), namespace=nsp)
        client.on("*", lambda event, *args: client.heard.append((event, *args)), namespace=nsp)
        for event, handler in on.items():
            client.on(event, handler, namespace=nsp)
        self.clients.append(client)
        await client.connect(self.url, namespaces=[nsp], auth=auth, transports=list(transports), wait=True,
                             wait_timeout=10)
        client.of = nsp
        return client

    async def get(self, path):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        return f"{head.split()[1].decode()} {body.decode()}"
