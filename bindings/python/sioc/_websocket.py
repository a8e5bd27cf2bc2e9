"""Plain WebSockets, for devices and tools that do not speak Socket.IO, and topics that they subscribe to."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, overload

from . import native
from ._handlers import exactly
from ._http import Request
from ._types import OnClose, OnMessage, OnWebSocket

if TYPE_CHECKING:
    from typing import Literal

log = logging.getLogger("sioc")
EVENTS = {"message": 1, "close": 2}


class WebSocket:
    """One connection.  It stays usable when it is closed; ``data`` is a dict for the application."""

    __slots__ = ("_server", "_handle", "_handlers", "data", "replayed", "__weakref__")

    def __init__(self, server: Any, handle: int):
        self._server = server
        self._handle = handle
        self._handlers: Dict[str, List[Any]] = {}
        self.data: Dict[str, Any] = {}
        self.replayed = False

    @overload
    def on(self, event: Literal["message"]) -> Callable[[OnMessage], OnMessage]: ...
    @overload
    def on(self, event: Literal["message"], fn: OnMessage) -> OnMessage: ...
    @overload
    def on(self, event: Literal["close"]) -> Callable[[OnClose], OnClose]: ...
    @overload
    def on(self, event: Literal["close"], fn: OnClose) -> OnClose: ...
    def on(self, event: str, fn: Any = None) -> Any:
        """fn(data) for "message": str or bytes; fn(code, reason) for "close".  Plain or async.  Also as a
        decorator.  ValueError: no such event."""
        if event not in EVENTS:
            raise ValueError(f"on({event!r}): a WebSocket has message and close")
        if fn is None:
            return lambda f: self._on(event, f, False)
        return self._on(event, fn, False)

    @overload
    def once(self, event: Literal["message"]) -> Callable[[OnMessage], OnMessage]: ...
    @overload
    def once(self, event: Literal["message"], fn: OnMessage) -> OnMessage: ...
    @overload
    def once(self, event: Literal["close"]) -> Callable[[OnClose], OnClose]: ...
    @overload
    def once(self, event: Literal["close"], fn: OnClose) -> OnClose: ...
    def once(self, event: str, fn: Any = None) -> Any:
        """As on, for the next time only."""
        if event not in EVENTS:
            raise ValueError(f"once({event!r}): a WebSocket has message and close")
        if fn is None:
            return lambda f: self._on(event, f, True)
        return self._on(event, fn, True)

    def _on(self, event: str, fn: Any, once: bool) -> Any:
        count, _ = exactly(fn, 0, EVENTS[event], f"on({event!r})")
        self._handlers.setdefault(event, []).append((fn, EVENTS[event] if count < 0 else count, once))
        return fn

    def off(self, event: str, fn: Any = None) -> None:
        """Takes fn off, or all handlers of the event."""
        handlers = self._handlers.get(event, [])
        handlers[:] = [h for h in handlers if fn is not None and h[0] != fn]

    @property
    def reloaded(self) -> bool:
        """It was there before this code."""
        return self.replayed

    def send(self, data: Any) -> bool:
        """Sends a message: str as text, anything of bytes as binary.  False: it is closed, or was closed
        because too much waits (option max_queue).  From any thread."""
        sent = native.websocket_send(self._server._host, self._handle, data)
        if sent is None:
            copy = data if isinstance(data, str) else bytes(data)
            return bool(self._server._from_thread(self.send, copy))
        return bool(sent)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Closes it when everything is out.  ValueError: a code or reason that may not be sent."""
        if native.websocket_close(self._server._host, self._handle, code, reason) is None:
            self._server._from_thread(self.close, code, reason)

    @property
    def connected(self) -> bool:
        return bool(native.websocket_connected(self._server._host, self._handle))

    def subscribe(self, topic: str) -> None:
        """From now on it gets what io.publish(topic, ...) sends.  From any thread."""
        if native.websocket_subscribe(self._server._host, self._handle, topic, True) is None:
            self._server._from_thread(self.subscribe, topic)

    def unsubscribe(self, topic: str) -> None:
        if native.websocket_subscribe(self._server._host, self._handle, topic, False) is None:
            self._server._from_thread(self.unsubscribe, topic)

    def publish(self, topic: str, data: Any) -> int:
        """io.publish to all others that have subscribed to the topic; how many.  From any thread (then 0)."""
        count: int = self._server.publish(topic, data, self)
        return count

    @property
    def topics(self) -> List[str]:
        return list(native.websocket_topics(self._server._host, self._handle))

    # ---- called by the shim

    def _call(self, event: str, *args: Any) -> None:
        for handler in list(self._handlers.get(event, ())):
            fn, count, once = handler
            if once and handler in self._handlers[event]:
                self._handlers[event].remove(handler)
            self._server._called += 1
            try:
                result = fn(*args[:count])
                if inspect.isawaitable(result):
                    self._server._start(self._server._guard(result, f"WebSocket, {event!r}"))
            except Exception as error:
                self._server._failed(fn, None, event, error)

    def _message(self, data: Any) -> None:
        self._call("message", data)

    def _closed(self, code: int, reason: str) -> None:
        self._call("close", code, reason)


class WebSocketRoute:
    """The handler of a path."""

    __slots__ = ("server", "fn", "count")

    def __init__(self, server: Any, fn: Callable[..., Any]):
        count, _ = exactly(fn, 1, 2, "websocket")
        self.server, self.fn, self.count = server, fn, 2 if count < 0 else count

    def _opened(self, handle: int, told: Any, replayed: bool, before: Optional[WebSocket]) -> WebSocket:
        websocket = WebSocket(self.server, handle)
        if before is not None:
            websocket.data = before.data
        websocket.replayed = replayed
        replay = self.server._begin_replay() if replayed else None
        waits = False
        try:
            result = self.fn(*(websocket, Request(*told[1:]))[:self.count])
            if inspect.isawaitable(result):
                native.websocket_hold(self.server._host, handle, True)
                waits = True
                self.server._start(self._later(result, handle, replay and replay[0]))
        except Exception as error:
            self.server._failed(self.fn, None, "websocket", error)
        finally:
            if replay:
                self.server._end_replay(replay, waits)
        return websocket

    async def _later(self, awaitable: Any, handle: int, replay: Any) -> None:
        try:
            await awaitable
        except Exception as error:
            self.server._failed(self.fn, None, "websocket", error)
        finally:
            if replay is not None:
                self.server._unmute(replay)
            native.websocket_hold(self.server._host, handle, False)


class WebSockets:
    """What a server does with plain WebSockets; part of sioc.Server."""

    _host: Any
    _registered: int
    _from_thread: Callable[..., Any]

    @overload
    def websocket(self, path: str) -> Callable[[OnWebSocket], OnWebSocket]: ...
    @overload
    def websocket(self, path: str, fn: OnWebSocket) -> OnWebSocket: ...
    def websocket(self, path: str, fn: Any = None) -> Any:
        """fn(websocket, request) for each WebSocket that is opened at the path, whose parts may be
        ``:names``.  Plain or async: messages wait until it has ended.  Also as a decorator:
        ``@io.websocket("/chat")``."""
        if fn is None:
            return lambda f: self.websocket(path, f)
        native.websocket_route(self._host, path, WebSocketRoute(self, fn))
        self._registered += 1
        return fn

    def publish(self, topic: str, data: Any, sender: Optional[WebSocket] = None) -> int:
        """One message for all WebSockets that have subscribed to the topic, but the sender; how many.
        From any thread (then 0)."""
        count = native.publish(self._host, topic, data, sender._handle if sender else 0)
        if count is None:
            self._from_thread(self.publish, topic, data if isinstance(data, str) else bytes(data), sender)
            return 0
        return int(count)
