"""sioc: a Socket.IO server with a C core.

    import sioc
    io = sioc.Server(cors="https://app.example")

    @io.event("say")
    async def say(socket, text):
        io.to("lobby").emit("say", socket.id, text)
        return "delivered"

    io.run(port=3000)
"""

from typing import Any

from . import _reload
from ._broadcast import BroadcastOperator, SocketOperator
from ._check import Emitted, TestSocket, check, test_socket
from ._conn import Connection, Transport
from ._engine import ConnectionRefused
from ._errors import AckTimeout, Disconnected, Reject
from ._http import BadBody, Request, Response, content_type
from ._namespace import Namespace
from ._server import Server
from ._shared import Shared
from ._socket import Ack, Client, Handshake, Socket
from ._values import Raw, Sent, default
from ._websocket import WebSocket
from ._wsgi import WSGI
from .native import version as _version

__version__ = _version()


def __getattr__(name: str) -> Any:
    # In a script that `python3 -m sioc` runs: which load of it this is.
    app = _reload.App.current_app
    if name == "generation":
        return app.number if app else 1
    if name == "is_reload":
        return app.number > 1 if app else False
    if name == "is_rollback":
        return app.is_rollback if app else False
    raise AttributeError(f"module 'sioc' has no attribute {name!r}")


__all__ = ["Ack", "AckTimeout", "BadBody", "BroadcastOperator", "Client", "Connection", "ConnectionRefused",
           "Disconnected", "Emitted", "Handshake", "Namespace", "Raw", "Reject", "Request", "Response", "Sent",
           "Server", "Shared", "Socket", "SocketOperator", "TestSocket", "Transport", "WSGI", "WebSocket", "check",
           "content_type", "default", "test_socket"]
