"""A socket: one client in one namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, overload

from . import native
from ._broadcast import NO_COMPRESS, VOLATILE, BroadcastOperator, SocketOperator, names
from ._conn import Connection
from ._handlers import ONCE, PREPEND, SERIAL, THREAD, exactly, shape
from ._http import Request
from ._types import Handler, OnOwnAny
from ._values import Sent

if TYPE_CHECKING:
    from typing import ItemsView, Iterable, Iterator, KeysView

    from ._namespace import Namespace
    from ._types import Rooms


class Ack:
    """Answers the client's event, once: ``ack("ok")``.  From any thread."""

    __slots__ = ("_server", "_socket", "_id", "_serial")

    def __init__(self, server: Any, socket: int, id: int, serial: int):
        self._server = server
        self._socket = socket
        self._id = id
        self._serial = serial

    def __call__(self, *args: Any) -> Sent:
        server = self._server
        sent = native.reply(server._host, self._socket, self._id, self._serial, args)
        if sent is None:
            later: Sent = server._from_thread(self, *native.snapshot(server._host, args))
            return later
        return sent


class Handshake:
    """The first HTTP request of the client, and the `auth` it gave for this namespace.

    Attributes, or items: auth, headers (dict, names in lower case), query (dict), address, time
    (text), issued (ms since 1970), url, secure (TLS), xdomain.
    """

    _names = ("auth", "headers", "query", "address", "time", "issued", "url", "secure", "xdomain")
    __slots__ = ("_values",)
    auth: Any
    headers: Dict[str, str]
    query: Dict[str, str]
    address: str
    time: str
    issued: int
    url: str
    secure: bool
    xdomain: bool

    def __init__(self, values: Dict[str, Any]):
        self._values = values

    if not TYPE_CHECKING:  # there, other names are errors

        def __getattr__(self, name: str) -> Any:
            try:
                return self._values[name]
            except KeyError:
                raise AttributeError(name) from None

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> "Iterator[str]":
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def keys(self) -> "KeysView[str]":
        return self._values.keys()

    def items(self) -> "ItemsView[str, Any]":
        return self._values.items()

    def __repr__(self) -> str:
        return f"Handshake({self._values!r})"


class Client:
    """The client behind a socket, which may have others in other namespaces: ``conn``, ``id`` (the
    connection's), ``request``."""

    __slots__ = ("conn",)

    def __init__(self, conn: Connection):
        self.conn = conn

    @property
    def id(self) -> int:
        return self.conn.id

    @property
    def request(self) -> Request:
        return self.conn.request

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Client) and self.conn == other.conn

    def __hash__(self) -> int:
        return hash(self.conn)


OWN_EVENTS = ("disconnecting", "disconnect")


class Socket:
    """One client in one namespace.  Handlers get it; it stays usable when the client has gone."""

    __slots__ = ("nsp", "id", "_core", "_handle", "_data", "_handshake", "_conn", "reloaded", "__weakref__")

    def __init__(self, nsp: "Namespace", handle: int, id: str):
        self.nsp = nsp
        self.id = id
        self.reloaded = False
        self._core = nsp._core
        self._handle = handle
        self._data: Optional[Dict[str, Any]] = None
        self._handshake: Optional[Handshake] = None
        self._conn: Optional[Connection] = None

    def __repr__(self) -> str:
        return f"<sioc.Socket {self.id} of {self.nsp.name}>"

    # ---- what is known of it

    @property
    def data(self) -> Dict[str, Any]:
        """A dict for the application; the same object as long as the socket lives."""
        if self._data is None:
            self._data = native.socket_get(self._core, self._handle, "data") or {}
        return self._data

    @data.setter
    def data(self, value: Dict[str, Any]) -> None:
        self._data = value

    @property
    def connected(self) -> bool:
        """Joined, and not yet disconnected."""
        return bool(native.socket_get(self._core, self._handle, "connected"))

    @property
    def disconnected(self) -> bool:
        return not self.connected

    @property
    def recovered(self) -> bool:
        """It came back, with its id, rooms and data (option connection_state_recovery)."""
        return bool(native.socket_get(self._core, self._handle, "recovered"))

    @property
    def rooms(self) -> List[str]:
        """Names of the rooms it is in, its own id first; a fresh list."""
        return native.socket_rooms(self._core, self._handle)

    @property
    def handshake(self) -> Handshake:
        if self._handshake is None:
            self._handshake = Handshake(
                {n: native.socket_get(self._core, self._handle, n) for n in Handshake._names})
        return self._handshake

    @property
    def conn(self) -> Connection:
        """The connection below; all sockets of one client have the same."""
        if self._conn is None:
            self._conn = native.socket_conn(self._core, self._handle)
        return self._conn or Connection(self.nsp.server, 0, 0, 0, "", False)

    @property
    def client(self) -> Client:
        """The client, with its connection and first request."""
        return Client(self.conn)

    @property
    def request(self) -> Request:
        """The first request of the client."""
        return self.conn.request

    @property
    def transport(self) -> Optional[str]:
        """"polling" or "websocket"; None when it has gone."""
        name: Optional[str] = native.socket_get(self._core, self._handle, "transport")
        return name

    # ---- handlers

    def _add(self, name: Optional[str], fn: Optional[Callable[..., Any]], how: int, serial: Optional[bool],
             thread: bool) -> Any:
        if fn is None:
            return lambda f: self._add(name, f, how, serial, thread)
        if name in OWN_EVENTS or name == "error":
            most, flags = exactly(fn, 0, 2, f"on({name!r})")
        else:
            most, flags = shape(fn, 1 if name is None else 0, f"on({name!r})" if name else "any")
        if self.nsp.server._serial if serial is None else serial:
            flags |= SERIAL
        if thread:
            flags |= THREAD
        native.socket_on(self._core, self._handle, name, fn, most, flags, how)
        return fn

    @overload
    def on(self, event: str, *, serial: Optional[bool] = None,
           thread: bool = False) -> Callable[[Handler], Handler]: ...
    @overload
    def on(self, event: str, fn: Handler, *, serial: Optional[bool] = None, thread: bool = False) -> Handler: ...
    def on(self, event: str, fn: Any = None, *, serial: Optional[bool] = None, thread: bool = False) -> Any:
        """fn(*args) for each such event of this client; also "disconnecting" and "disconnect", with
        (reason, details), and "error", with (Reject, name of the event) when a middleware (use) has
        dropped an event.  What it returns is the answer (a tuple: several).  With a last argument
        called `ack` it gets the function that answers, None if the client wants no answer.

        serial: the client's next events wait until it has ended.  thread: it blocks, and runs in
        another thread.  ValueError: a reserved name.  TypeError: a wrong signature.
        Also as a decorator: ``@socket.on("say")``.
        """
        return self._add(event, fn, 0, serial, thread)

    @overload
    def once(self, event: str, *, serial: Optional[bool] = None,
             thread: bool = False) -> Callable[[Handler], Handler]: ...
    @overload
    def once(self, event: str, fn: Handler, *, serial: Optional[bool] = None, thread: bool = False) -> Handler: ...
    def once(self, event: str, fn: Any = None, *, serial: Optional[bool] = None, thread: bool = False) -> Any:
        """As on, for the next such event only."""
        return self._add(event, fn, ONCE, serial, thread)

    add_listener = on

    @overload
    def prepend_listener(self, event: str) -> Callable[[Handler], Handler]: ...
    @overload
    def prepend_listener(self, event: str, fn: Handler) -> Handler: ...
    def prepend_listener(self, event: str, fn: Any = None) -> Any:
        """As on, before the handlers that are there."""
        return self._add(event, fn, PREPEND, None, False)

    @overload
    def prepend_once_listener(self, event: str) -> Callable[[Handler], Handler]: ...
    @overload
    def prepend_once_listener(self, event: str, fn: Handler) -> Handler: ...
    def prepend_once_listener(self, event: str, fn: Any = None) -> Any:
        """As once, before the handlers that are there."""
        return self._add(event, fn, ONCE | PREPEND, None, False)

    def off(self, event: str, fn: Any = None) -> None:
        """Takes fn off, or all handlers of the event."""
        native.socket_off(self._core, self._handle, event, fn)

    remove_listener = off

    def listener_count(self, event: str) -> int:
        """How many handlers the event has."""
        return len(self.listeners(event))

    def on_any(self, fn: OnOwnAny) -> OnOwnAny:
        """fn(event, *args) for every event, before its own handlers."""
        self._add(None, fn, 0, None, False)
        return fn

    any = on_any

    def prepend_any(self, fn: OnOwnAny) -> OnOwnAny:
        """As on_any, before those that are there."""
        self._add(None, fn, PREPEND, None, False)
        return fn

    def off_any(self, fn: Any = None) -> None:
        """Takes fn off, or all handlers of every event."""
        native.socket_off(self._core, self._handle, None, fn)

    def listeners(self, event: str) -> List[Any]:
        """The handlers of the event, in order."""
        return list(native.socket_listeners(self._core, self._handle, event, False))

    def listeners_any(self) -> List[Any]:
        return list(native.socket_listeners(self._core, self._handle, None, False))

    def listeners_any_outgoing(self) -> List[Any]:
        return list(native.socket_listeners(self._core, self._handle, None, True))

    def event_names(self) -> List[str]:
        """The events that have handlers, in the order of registration."""
        return list(native.socket_event_names(self._core, self._handle))

    def remove_all_listeners(self, event: Optional[str] = None) -> None:
        """Takes off all handlers of the event, or of all events (those of every event stay)."""
        for name in self.event_names() if event is None else [event]:
            native.socket_off(self._core, self._handle, name, None)

    def on_any_outgoing(self, fn: OnOwnAny) -> OnOwnAny:
        """fn(event, *args) for every event that is sent to this client, before it is."""
        native.socket_on_outgoing(self._core, self._handle, fn, shape(fn, 1, "on_any_outgoing", False)[0], 0, 0)
        return fn

    def prepend_any_outgoing(self, fn: OnOwnAny) -> OnOwnAny:
        native.socket_on_outgoing(self._core, self._handle, fn, shape(fn, 1, "on_any_outgoing", False)[0], 0,
                                  PREPEND)
        return fn

    def off_any_outgoing(self, fn: Any = None) -> None:
        native.socket_off_outgoing(self._core, self._handle, fn)

    def use(self, fn: OnOwnAny) -> OnOwnAny:
        """Middleware of this client's events: fn(event, *args), plain or async.  ``raise
        sioc.Reject("why")`` drops the event."""
        native.socket_use(self._core, self._handle, fn, shape(fn, 1, "use", False)[0])
        return fn

    # ---- speaking

    def emit(self, event: str, *args: Any, ack: "Optional[Callable[..., Any]]" = None) -> Sent:
        """Sends an event to the client.  From any thread.

        ack(error, *answer) is called once: error is None, AckTimeout or Disconnected.
        Returns whether it is queued: false when the client has gone (awaiting that does nothing).
        ValueError: a reserved name; TypeError, ValueError: an argument cannot be sent; says which.
        """
        if ack is not None:
            return SocketOperator(self).emit(event, *args, ack=ack)
        sent = native.socket_emit(self._core, self._handle, event, args)
        if sent is None:
            return self.nsp.server._from_thread(self.emit, event,
                                                *native.snapshot(self.nsp.server._host, args))
        return sent

    def send(self, *args: Any, ack: "Optional[Callable[..., Any]]" = None) -> Sent:
        """emit("message", ...)"""
        return self.emit("message", *args, ack=ack)

    write = send

    async def emit_with_ack(self, event: str, *args: Any) -> Any:
        """Sends an event and waits for the client's answer: its value, None for an empty one, a tuple
        for several.  Disconnected: the client left.  (AckTimeout: with ``socket.timeout(5)``.)"""
        return await SocketOperator(self).emit_with_ack(event, *args)

    call = emit_with_ack

    @property
    def volatile(self) -> SocketOperator:
        """What may be dropped when the client cannot take it now."""
        return SocketOperator(self, VOLATILE)

    def timeout(self, seconds: float) -> SocketOperator:
        """How long answers are waited for, in seconds."""
        return SocketOperator(self).timeout(seconds)

    def compress(self, on: bool) -> SocketOperator:
        """Whether a packet may be compressed."""
        return SocketOperator(self).compress(on)

    def _others(self, rooms: "Iterable[Rooms]" = (), out: "Iterable[Rooms]" = ()) -> BroadcastOperator:
        return BroadcastOperator(self.nsp, (names(rooms), names(out), self._handle, False))

    @property
    def broadcast(self) -> BroadcastOperator:
        """Everybody but this client."""
        return self._others()

    @property
    def local(self) -> BroadcastOperator:
        """Everybody in this process but this client."""
        return self._others().local

    def to(self, *rooms: Rooms) -> BroadcastOperator:
        """Everybody in these rooms but this client."""
        return self._others(rooms)

    in_ = to

    def except_(self, *rooms: Rooms) -> BroadcastOperator:
        """Everybody but this client and those in these rooms."""
        return self._others((), rooms)

    # ---- rooms, leaving

    def _change(self, room: Any, what: int) -> None:
        if native.socket_change(self._core, self._handle, room, what) is None:
            self.nsp.server._from_thread(self._change, room, what)

    def join(self, *rooms: Rooms) -> None:
        """Joins rooms (names, or lists of them).  From any thread.
        RuntimeError: too many (option max_rooms); ValueError: a name that is too long."""
        for room in names(rooms):
            self._change(room, 0)

    def leave(self, *rooms: Rooms) -> None:
        """Leaves rooms.  From any thread."""
        for room in names(rooms):
            self._change(room, 1)

    def disconnect(self, close: bool = False) -> "Socket":
        """Disconnects from this namespace; close: from all, and closes the connection.  From any
        thread."""
        self._change(None, 3 if close else 2)
        return self
