"""Connections of Engine.IO: those below sockets (``socket.conn``, ``io.engine.clients``), and those of routes
that speak nothing else (``io.engineio``)."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict, List, Optional, Tuple, overload

from . import native
from ._handlers import exactly
from ._http import Request
from ._types import Handler

# Name: (the core's number, the things its handlers are told at most)
EVENTS = {"message": (1, 1), "data": (1, 1), "close": (2, 2), "packet": (4, 1), "packet_create": (8, 1),
          "heartbeat": (16, 0), "upgrading": (32, 1), "upgrade": (64, 1), "flush": (128, 1), "drain": (256, 0)}
UPGRADES, DRAIN = 32 | 64, 256


class Transport(str):
    """"polling" or "websocket", also as ``name``; ``writable``: a packet would leave at once."""

    writable: bool

    def __new__(cls, name: str, writable: bool = False) -> "Transport":
        self = super().__new__(cls, name)
        self.writable = writable
        return self

    @property
    def name(self) -> str:
        return str(self)


class Connection:
    """A connection: one client, whatever carries it.  ``id``: a number that no other connection of this
    server has had; ``protocol``: 4, or 3 for clients of Socket.IO 1 and 2; ``remote_address``; ``data``: a
    dict for the application; ``reloaded``: it was there before this code.  It can be kept: when the client
    has gone, ``ready_state`` is "closed", and nothing is sent."""

    __slots__ = ("_server", "_handle", "id", "protocol", "remote_address", "reloaded", "data", "_request",
                 "_handlers", "_sent", "__weakref__")

    def __init__(self, server: Any, handle: int, number: int, protocol: int, address: str, reloaded: bool):
        self._server = server
        self._handle = handle
        self.id = number
        self.protocol = protocol
        self.remote_address = address
        self.reloaded = reloaded
        self.data: Dict[str, Any] = {}
        self._request: Optional[Request] = None
        self._handlers: Dict[int, List[Tuple[Any, int, bool]]] = {}  # kind: (fn, most, once)
        self._sent: List[Any] = []  # functions that wait until everything has left

    def __repr__(self) -> str:
        return f"<sioc.Connection {self.id} {self.ready_state}>"

    # ---- facts

    def _facts(self) -> Any:
        return native.conn_facts(self._server._host, self._handle) or ("closed", "", False, False, 0, 0)

    @property
    def ready_state(self) -> str:
        """"open", "closing" (a client that polls is yet to be told) or "closed"."""
        return str(self._facts()[0])

    @property
    def transport(self) -> Transport:
        """"polling" or "websocket"; "" when it has gone."""
        facts = self._facts()
        return Transport(facts[1], facts[2])

    @property
    def upgraded(self) -> bool:
        """It began over HTTP and has moved to a WebSocket."""
        return bool(self._facts()[3])

    @property
    def write_buffer_length(self) -> int:
        """How many packets wait to leave."""
        return int(self._facts()[4])

    @property
    def queued(self) -> int:
        """How many bytes wait to leave."""
        return int(self._facts()[5])

    @property
    def request(self) -> Request:
        """The first request of the client."""
        if self._request is None:
            url, headers, query = native.conn_request(self._server._host, self._handle) or ("", [], [])
            path = url.partition("?")[0].partition("#")[0]
            self._request = Request("GET", path, url, headers, query, [], b"", self.remote_address)
        return self._request

    # ---- handlers

    def _add(self, event: str, fn: Any, once: bool) -> Any:
        if event not in EVENTS:
            raise ValueError(f"on({event!r}): a connection has {', '.join(EVENTS)}")
        if fn is None:
            return lambda f: self._add(event, f, once)
        kind, most = EVENTS[event]
        count, _ = exactly(fn, 0, most, f"on({event!r})")
        self._handlers.setdefault(kind, []).append((fn, most if count < 0 else count, once))
        self._listen()
        return fn

    @overload
    def on(self, event: str) -> Callable[[Handler], Handler]: ...
    @overload
    def on(self, event: str, fn: Handler) -> Handler: ...
    def on(self, event: str, fn: Any = None) -> Any:
        """fn(data) for "message" (str or bytes), fn(reason, details) for "close", fn(packet) for "packet"
        (that has come) and "packet_create" (that is sent), fn(packets) for "flush", fn(transport) for
        "upgrading" and "upgrade", fn() for "heartbeat" and "drain".  A packet is a dict: type, data and, if
        it is sent, compress.  Plain or async.  Also as a decorator.  ValueError: no such event."""
        return self._add(event, fn, False)

    @overload
    def once(self, event: str) -> Callable[[Handler], Handler]: ...
    @overload
    def once(self, event: str, fn: Handler) -> Handler: ...
    def once(self, event: str, fn: Any = None) -> Any:
        """As on, for the next time only."""
        return self._add(event, fn, True)

    def off(self, event: str, fn: Any = None) -> None:
        """Takes fn off, or all handlers of the event."""
        if event not in EVENTS:
            raise ValueError(f"off({event!r}): a connection has {', '.join(EVENTS)}")
        handlers = self._handlers.get(EVENTS[event][0], [])
        handlers[:] = [h for h in handlers if fn is not None and h[0] != fn]
        self._listen()

    def remove_all_listeners(self, event: Optional[str] = None) -> None:
        """Takes off all handlers of the event, or of all events."""
        for name in EVENTS if event is None else [event]:
            self.off(name)

    def _listen(self) -> None:
        kinds = DRAIN if self._sent else 0
        for kind, handlers in self._handlers.items():
            kinds |= kind if handlers else 0
        native.conn_set_events(self._server._host, self._handle, kinds)

    # ---- speaking

    def send(self, data: Any, fn: Optional[Callable[[], Any]] = None, *, binary: bool = False,
             compress: bool = True) -> bool:
        """Sends a message: str as text, anything of bytes as binary.  fn() is called when everything has
        left.  False: it is closed, or was closed because too much waits (option max_queue).  From any
        thread."""
        server = self._server
        if not server._loop.here():
            copy = data if isinstance(data, str) else bytes(data)
            return bool(server._from_thread(self.send, copy, fn, binary=binary, compress=compress))
        if fn is not None:
            self._sent.append(fn)  # it may leave at once
            self._listen()
        sent = bool(native.conn_send(server._host, self._handle, data, binary, compress))
        if not sent and fn in self._sent:
            self._sent.remove(fn)
        return sent

    write = send

    def close(self, discard: bool = False) -> None:
        """Closes the connection ("forced close") when everything is out; discard: at once.  From any
        thread."""
        if native.conn_close(self._server._host, self._handle, discard) is None:
            self._server._from_thread(self.close, discard)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Connection) and self.id == other.id and self.id != 0

    def __hash__(self) -> int:
        return hash(self.id)

    # ---- called by the shim

    def _happened(self, kind: int, args: Any) -> None:
        if kind & UPGRADES:
            args = (Transport(args[0], True),)
        if kind == DRAIN and self._sent:
            sent, self._sent = self._sent, []
            self._listen()
            for fn in sent:
                self._server._call_plainly(fn, (), "sent")
        for handler in list(self._handlers.get(kind, ())):
            fn, most, once = handler
            if once and handler in self._handlers[kind]:
                self._handlers[kind].remove(handler)
                self._listen()
            self._server._call_plainly(fn, args[:most], "connection event")


class EngineRoute:
    """The handler of a path."""

    def __init__(self, server: Any, fn: Callable[..., Any]):
        count, _ = exactly(fn, 1, 2, "engineio")
        self.server, self.fn, self.count = server, fn, 2 if count < 0 else count

    def _opened(self, conn: Connection, replayed: bool) -> None:
        replay = self.server._begin_replay() if replayed else None
        waits = False
        try:
            result = self.fn(*(conn, conn.request)[:self.count])
            if inspect.isawaitable(result):
                native.conn_hold(self.server._host, conn._handle, True)
                waits = True
                self.server._start(self._later(result, conn, replayed, replay and replay[0]))
        except Exception as error:
            self._failed(conn, replayed, error)
        finally:
            if replay:
                self.server._end_replay(replay, waits)

    async def _later(self, awaitable: Any, conn: Connection, replayed: bool, replay: Any) -> None:
        try:
            await awaitable
        except Exception as error:
            self._failed(conn, replayed, error)
        finally:
            if replay is not None:
                self.server._unmute(replay)
            native.conn_hold(self.server._host, conn._handle, False)

    def _failed(self, conn: Connection, replayed: bool, error: Exception) -> None:
        self.server._failed(self.fn, None, "engineio", error)
        if not replayed:
            conn.close(True)
