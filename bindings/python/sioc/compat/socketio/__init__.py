"""python-socketio's server on sioc: ``import sioc.compat.socketio as socketio``.

A program written for python-socketio's ``AsyncServer`` or ``Server`` runs after that import is
changed; ``uvicorn.run`` with this module's ``ASGIApp`` and Flask's ``app.run`` with its
``WSGIApp`` then start sioc instead.  What differs is listed in
docs/migrating-from-python-socketio.md.
"""

from __future__ import annotations

from typing import Any

from . import exceptions
from ._apps import ASGIApp, Middleware, WSGIApp, run
from ._asyncio import AsyncServer
from ._namespaces import AsyncNamespace, Namespace
from ._threads import Server

__all__ = [
    "ASGIApp",
    "AsyncNamespace",
    "AsyncServer",
    "Middleware",
    "Namespace",
    "Server",
    "WSGIApp",
    "exceptions",
    "run",
]

_CLIENTS = ("Client", "AsyncClient", "SimpleClient", "AsyncSimpleClient", "ClientNamespace", "AsyncClientNamespace")


def __getattr__(name: str) -> Any:
    """Clients come from python-socketio itself, if it is there; managers are named as missing."""
    if name in _CLIENTS:
        import socketio  # type: ignore[import-untyped, unused-ignore]

        return getattr(socketio, name)
    if name.endswith("Manager"):
        raise AttributeError(f"sioc.compat.socketio has no {name}: one process serves all clients")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
