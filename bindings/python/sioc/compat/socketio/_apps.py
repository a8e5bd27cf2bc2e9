"""``ASGIApp`` and ``WSGIApp``: what an application is made of; and ``run``, which serves one.

python-socketio's are given to a server such as uvicorn.  Here sioc is the server, so they are
descriptions: which Socket.IO server, which application for everything else, which files.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

import sioc

from . import _launch


class _App:
    """What both kinds of application have in common."""

    def __init__(
        self, server: Any, other: Any, static_files: dict[str, Any] | None, path: str | None
    ) -> None:
        if path is None:
            raise ValueError("socketio_path=None: sioc needs a path of its own, e.g. 'socket.io'")
        self.server = server
        self.other = other
        self.static_files = dict(static_files or {})
        self.path = "/" + path.strip("/") + "/"

    def _mounted(self) -> Any:
        """The other application as ``io.mount`` takes it, or None."""
        return self.other

    async def startup(self) -> None:
        """Before the first client."""

    async def shutdown(self) -> None:
        """After the last one."""

    def _open(self) -> Any:
        """The ``sioc.Server`` with all of this in it."""
        io = self.server._open(self.path)
        for url, what in self.static_files.items():
            _add_files(io, url, what)
        if self._mounted() is not None:
            io.mount("/", self._mounted())
        io._lifespans.append(self)
        return io


class ASGIApp(_App):
    """A Socket.IO server, and an ASGI application or files for what else is asked for.

    ``run(app, port=…)`` and ``uvicorn.run(app, port=…)`` serve it.  ``on_startup`` and
    ``on_shutdown`` are called before and after, plain or async.
    """

    def __init__(
        self,
        socketio_server: Any,
        other_asgi_app: Any = None,
        static_files: dict[str, Any] | None = None,
        socketio_path: str | None = "socket.io",
        on_startup: Callable[[], Any] | None = None,
        on_shutdown: Callable[[], Any] | None = None,
    ) -> None:
        super().__init__(socketio_server, other_asgi_app, static_files, socketio_path)
        self.on_startup = on_startup
        self.on_shutdown = on_shutdown

    async def startup(self) -> None:
        await _call(self.on_startup)

    async def shutdown(self) -> None:
        await _call(self.on_shutdown)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError(
            "sioc serves by itself: start this program with python3 -m sioc, uvicorn.run(app) or "
            "sioc.compat.socketio.run(app), not from another server"
        )


class WSGIApp(_App):
    """A Socket.IO server, and a WSGI application or files for what else is asked for.

    ``run(app, port=…)`` serves it, as does ``flask_app.run()`` when it is the ``wsgi_app`` of a
    Flask application.
    """

    def __init__(
        self,
        socketio_app: Any,
        wsgi_app: Any = None,
        static_files: dict[str, Any] | None = None,
        socketio_path: str | None = "socket.io",
    ) -> None:
        super().__init__(socketio_app, wsgi_app, static_files, socketio_path)

    def _mounted(self) -> Any:
        return None if self.other is None else sioc.WSGI(self.other)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        raise RuntimeError(
            "sioc serves by itself: start this program with python3 -m sioc, app.run() or "
            "sioc.compat.socketio.run(app), not from another server"
        )


class Middleware(WSGIApp):
    """An older name of ``WSGIApp``."""


def run(app: Any, host: str = "127.0.0.1", port: int = 5000) -> None:
    """Serves an ``ASGIApp`` or a ``WSGIApp`` until SIGINT or SIGTERM."""
    described = _launch.described(app)
    if described is None:
        raise TypeError(f"run() takes an ASGIApp or a WSGIApp, not {type(app).__name__}")
    described._open().run(port=port, host=host)


async def _call(function: Callable[[], Any] | None) -> None:
    if function is not None:
        result = function()
        if inspect.isawaitable(result):
            await result


def _add_files(io: Any, url: str, what: Any) -> None:
    """A folder, or one file: a name, or a dictionary with ``filename`` and ``content_type``."""
    name = what if isinstance(what, str) else what["filename"]
    content_type = None if isinstance(what, str) else what.get("content_type")
    if os.path.isdir(name):
        io.static(url or "/", name)
        return

    async def send_file(_request: Any, response: Any) -> Any:
        with open(name, "rb") as file:
            content = file.read()
        response.header("Content-Type", content_type or sioc.content_type(name))
        return response.send(content)

    io.get(url or "/", send_file)


_launch.take_over(run)
