"""``AsyncServer``: handlers, plain or async, in the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ._base import BaseServer


class AsyncServer(BaseServer):
    """The interface of ``socketio.AsyncServer`` on sioc; see ``BaseServer`` for the options.

    Its methods are coroutines where python-socketio's are; none of them waits for the network but
    ``call()``.
    """

    _tasks: set[asyncio.Task[Any]]

    def is_asyncio_based(self) -> bool:
        return True

    def attach(self, app: Any, socketio_path: str = "socket.io") -> None:
        """Not here: aiohttp, Sanic and Tornado bring a network of their own."""
        raise NotImplementedError(
            f"sioc serves by itself and cannot be attached to {type(app).__name__}: wrap an ASGI "
            "application in socketio.ASGIApp(sio, app), or serve the other one on its own port"
        )

    async def emit(
        self,
        event: str,
        data: Any = None,
        to: Any = None,
        room: Any = None,
        skip_sid: Any = None,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
        ignore_queue: bool = False,
    ) -> None:
        """Sends an event to one client, to rooms (a name or a list), or to all.

        ``data``: a tuple is several arguments.  ``skip_sid``: an id, or several, to leave out.
        ``callback``: called with each client's answer.
        """
        self._emit(event, data, to or room, skip_sid, namespace, callback)

    async def send(
        self,
        data: Any,
        to: Any = None,
        room: Any = None,
        skip_sid: Any = None,
        namespace: str | None = None,
        callback: Callable[..., Any] | None = None,
        ignore_queue: bool = False,
    ) -> None:
        """Sends the event ``message``."""
        self._emit("message", data, to or room, skip_sid, namespace, callback)

    async def call(
        self,
        event: str,
        data: Any = None,
        to: str | None = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float = 60,
        ignore_queue: bool = False,
    ) -> Any:
        """Sends an event to one client and waits for its answer: a value, or a tuple of several.

        Raises ``TimeoutError`` after ``timeout`` seconds, and ``ClientGone`` (one too) at once
        when the client has left.
        """
        if to is None and sid is None:
            raise ValueError("Cannot use call() to broadcast.")
        if not self.async_handlers:
            raise RuntimeError("Cannot use call() when async_handlers is False.")
        return await self._call(event, data, str(to or sid), namespace, timeout)

    async def enter_room(self, sid: str, room: Any, namespace: str | None = None) -> None:
        self._members.get(namespace or "/", sid).enter(str(room))

    async def leave_room(self, sid: str, room: Any, namespace: str | None = None) -> None:
        self._members.get(namespace or "/", sid).leave(str(room))

    async def close_room(self, room: Any, namespace: str | None = None) -> None:
        self._close_room(room, namespace)

    async def get_session(self, sid: str, namespace: str | None = None) -> dict[str, Any]:
        """The session of a client, ``socket.data``: a dictionary to read and to write."""
        return self._get_session(sid, namespace)

    async def save_session(
        self, sid: str, session: dict[str, Any], namespace: str | None = None
    ) -> None:
        self._save_session(sid, session, namespace)

    def session(self, sid: str, namespace: str | None = None) -> Session:
        """``async with sio.session(sid) as session:`` a client's session, saved at the end."""
        return Session(self, sid, namespace)

    async def disconnect(
        self, sid: str, namespace: str | None = None, ignore_queue: bool = False
    ) -> None:
        self._disconnect(sid, namespace)

    async def shutdown(self) -> None:
        """Closes the server and all its connections."""
        if self._io is not None:
            await self._io.close()

    def start_background_task(
        self, target: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **options: Any
    ) -> asyncio.Task[Any]:
        """Starts ``target(*args)`` as a task, and keeps it from being collected."""
        task = asyncio.ensure_future(target(*args, **options))
        self._tasks = getattr(self, "_tasks", set())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def sleep(self, seconds: float = 0) -> None:
        await asyncio.sleep(seconds)

    def instrument(self, *_args: Any, **_options: Any) -> None:
        raise NotImplementedError("sioc has no interface for the admin UI yet")

    async def _run(self, handler: Callable[[], Any]) -> Any:
        result = handler()
        return await result if hasattr(result, "__await__") else result


class Session:
    """The session of a client within ``async with``."""

    def __init__(self, server: AsyncServer, sid: str, namespace: str | None) -> None:
        self._server, self._sid, self._namespace = server, sid, namespace

    async def __aenter__(self) -> dict[str, Any]:
        self._session = await self._server.get_session(self._sid, self._namespace)
        return self._session

    async def __aexit__(self, *_exception: Any) -> None:
        await self._server.save_session(self._sid, self._session, self._namespace)
