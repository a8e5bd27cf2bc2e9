"""``Server``: plain handlers, each event in a thread of a pool, so that they may block."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ._base import BaseServer


class Server(BaseServer):
    """The interface of ``socketio.Server`` on sioc; see ``BaseServer`` for the options.

    Handlers run in up to ``threads`` threads beside the event loop; every method may be called
    from any thread.
    """

    def __init__(self, *args: Any, threads: int = 64, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="socketio")
        self._loop: asyncio.AbstractEventLoop | None = None

    def emit(
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
        self._in_loop(self._emit, event, data, to or room, skip_sid, namespace, callback)

    def send(
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
        self.emit("message", data, to, room, skip_sid, namespace, callback)

    def call(
        self,
        event: str,
        data: Any = None,
        to: str | None = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float = 60,
        ignore_queue: bool = False,
    ) -> Any:
        """Sends an event to one client and blocks until its answer: a value, or a tuple of several.

        Raises ``TimeoutError`` after ``timeout`` seconds, and ``ClientGone`` (one too) at once
        when the client has left.
        """
        if to is None and sid is None:
            raise ValueError("Cannot use call() to broadcast.")
        if not self.async_handlers:
            raise RuntimeError("Cannot use call() when async_handlers is False.")
        if self._loop is None or self._here():
            raise RuntimeError("call() blocks: use it in a handler or a background task")
        waiting = self._call(event, data, str(to or sid), namespace, timeout)
        return asyncio.run_coroutine_threadsafe(waiting, self._loop).result()

    def enter_room(self, sid: str, room: Any, namespace: str | None = None) -> None:
        self._wait(lambda: self._members.get(namespace or "/", sid).enter(str(room)))

    def leave_room(self, sid: str, room: Any, namespace: str | None = None) -> None:
        self._wait(lambda: self._members.get(namespace or "/", sid).leave(str(room)))

    def close_room(self, room: Any, namespace: str | None = None) -> None:
        self._in_loop(self._close_room, room, namespace)

    def rooms(self, sid: str, namespace: str | None = None) -> list[str]:
        """The names of the rooms a client is in, its own id among them."""
        rooms: list[str] = self._wait(lambda: super(Server, self).rooms(sid, namespace))
        return rooms

    def get_session(self, sid: str, namespace: str | None = None) -> dict[str, Any]:
        """The session of a client, ``socket.data``: a dictionary to read and to write."""
        session: dict[str, Any] = self._wait(lambda: self._get_session(sid, namespace))
        return session

    def save_session(self, sid: str, session: dict[str, Any], namespace: str | None = None) -> None:
        self._wait(lambda: self._save_session(sid, session, namespace))

    def session(self, sid: str, namespace: str | None = None) -> Session:
        """``with sio.session(sid) as session:`` a client's session, saved at the end."""
        return Session(self, sid, namespace)

    def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:
        self._in_loop(self._disconnect, sid, namespace)

    def shutdown(self) -> None:
        """Closes the server and all its connections."""
        if self._io is not None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._io.close(), self._loop)

    def start_background_task(
        self, target: Callable[..., Any], *args: Any, **options: Any
    ) -> threading.Thread:
        """Starts ``target(*args)`` in a thread, which does not keep the program from ending."""
        thread = threading.Thread(target=target, args=args, kwargs=options, daemon=True)
        thread.start()
        return thread

    def sleep(self, seconds: float = 0) -> None:
        time.sleep(seconds)

    def instrument(self, *_args: Any, **_options: Any) -> None:
        raise NotImplementedError("sioc has no interface for the admin UI yet")

    # ---- between the threads ----

    async def _run(self, handler: Callable[[], Any]) -> Any:
        self._loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        return await self._loop.run_in_executor(self._pool, context.run, handler)

    def _here(self) -> bool:
        """Whether this is the thread of the event loop."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def _in_loop(self, function: Callable[..., Any], *args: Any) -> None:
        """Calls a function in the event loop's thread, in the order of the calls."""
        if self._here() or self._loop is None:
            function(*args)
        else:
            self._loop.call_soon_threadsafe(function, *args)

    def _wait(self, function: Callable[[], Any]) -> Any:
        """The result of a function that runs in the event loop's thread."""
        if self._here() or self._loop is None:
            return function()

        async def run() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


class Session:
    """The session of a client within ``with``."""

    def __init__(self, server: Server, sid: str, namespace: str | None) -> None:
        self._server, self._sid, self._namespace = server, sid, namespace

    def __enter__(self) -> dict[str, Any]:
        self._session = self._server.get_session(self._sid, self._namespace)
        return self._session

    def __exit__(self, *_exception: Any) -> None:
        self._server.save_session(self._sid, self._session, self._namespace)
