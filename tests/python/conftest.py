"""What the tests of `import sioc` share.

Run by tests/python/run, which finds the build tree.  Servers run inside the test's own asyncio loop,
clients are python-socketio's (over WebSocket, so several of one test do not share a connection).
"""
import asyncio
import contextlib
import pathlib
import sys

import engineio.payload
import pytest
import pytest_asyncio
import socketio

import sioc

# python-socketio's client leaves ("Unexpected packet from server, aborting") when a poll brings it more than
# 16 packets, which happens when it has been kept from polling for a while.
engineio.payload.Payload.max_decode_packets = 10_000

HERE = pathlib.Path(__file__).parent


class Server:
    """A running sioc.Server, and clients for it."""

    def __init__(self, io, port):
        self.io, self.port, self.clients = io, port, []
        self.url = f"http://127.0.0.1:{port}"

    async def client(self, nsp="/", auth=None, transports=("websocket",), **on):
        client = socketio.AsyncClient(reconnection=False)
        for event, handler in on.items():
            client.on(event, handler, namespace=nsp)
        self.clients.append(client)
        await client.connect(self.url, namespaces=[nsp], auth=auth, transports=list(transports), wait=True,
                             wait_timeout=10)
        return client


@pytest_asyncio.fixture
async def serve():
    """serve(io) starts it and gives a Server; all is closed behind the test."""
    servers = []

    async def start(io):
        server = Server(io, await io.start(0))
        servers.append(server)
        return server

    yield start
    for server in servers:
        for client in server.clients:
            with contextlib.suppress(Exception):
                await client.disconnect()
        await asyncio.wait_for(server.io.close(), 10)


async def eventually(condition, seconds=5):
    """Waits until condition() is true."""
    for _ in range(int(seconds * 200)):
        if condition():
            return
        await asyncio.sleep(0.005)
    assert condition()


@pytest.fixture
def soon():
    return eventually
