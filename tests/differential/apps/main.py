"""The applications for sioc, in Python: main.mjs is the twin.  SIOC_TEST_APPS names them, SIOC_TEST_OPTIONS
has options."""
import asyncio
import importlib
import json
import os
import sys

import sioc

io = sioc.Server(**json.loads(os.environ["SIOC_TEST_OPTIONS"]))


def tell(record):
    sys.stderr.write(f"@@ {json.dumps(record)}\n")
    sys.stderr.flush()


class Host:
    """What the applications are given."""

    io = io
    sleep = staticmethod(asyncio.sleep)

    def plain(self, value):
        """Values as they can be told: no binary, no functions."""
        if isinstance(value, bytes):
            return f"<binary {value.hex()}>"
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        if isinstance(value, dict):
            return {key: self.plain(item) for key, item in value.items()}
        return "<function>" if callable(value) else value

    def record(self, socket, *entry):
        """What the server sees of a socket, or of none."""
        tell({**({} if socket is None else {"id": socket.id}), "entry": self.plain(entry)})

    def unordered(self, items):
        """A list whose order means nothing, or is that of ids: the runner sorts it."""
        return {"unordered": list(items)}

    def serve(self, nsp, body=lambda socket: None):
        @nsp.on("connection")
        def connected(socket):
            self.record(socket, "connection", socket.nsp.name)
            socket.on("sync", lambda: None)
            for name in ("disconnecting", "disconnect"):
                socket.on(name, lambda reason, *, name=name: self.record(socket, name, reason, self.unordered(socket.rooms)))
            body(socket)

        return nsp


@io.of("/control").on("connection")
def control(socket):
    fences = 0

    def fence():
        nonlocal fences
        fences += 1
        tell({"fence": fences})
        return {"fence": fences, "clients": io.clients_count}

    @socket.on("drain")
    async def drain():
        for _ in range(6000):
            if io.clients_count <= 1:
                break
            await asyncio.sleep(0.005)
        return fence()

    @socket.on("close")
    async def close():
        await io.close()

    socket.on("fence", fence)


@io.on("error")
def failed(error):
    tell({"error": repr(error)})


for name in os.environ["SIOC_TEST_APPS"].split(","):
    importlib.import_module(name).app(Host())
io.run(port=0)
