"""Namespaces: handlers of all their sockets, and speaking to all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, overload

from . import native
from ._broadcast import BroadcastOperator
from ._handlers import ONCE, PREPEND, SERIAL, THREAD, exactly, shape
from ._types import OnAny, OnError, OnEvent, OnLeave, OnMember, OnNamespace, OnRoom, OnSocket

if TYPE_CHECKING:
    from typing import Literal

    from ._server import Server
    from ._socket import Socket

    Joins = Literal["connection", "connect", "reload"]
    Leaves = Literal["disconnecting", "disconnect"]
    Rooms = Literal["create-room", "delete-room"]
    Members = Literal["join-room", "leave-room"]

# Name: the things its handlers are told, at least and at most.
EVENTS = {"connection": (1, 1), "connect": (1, 1), "disconnecting": (1, 3), "disconnect": (1, 3),
          "reload": (1, 1), "new_namespace": (1, 1), "create-room": (1, 1), "delete-room": (1, 1),
          "join-room": (1, 2), "leave-room": (1, 2)}


class Namespace(BroadcastOperator):
    """A namespace, e.g. ``io.of("/admin")``; the server is the namespace "/" as well.

    A class of handlers: derive from it, name its methods after events, with ``on_`` before them
    (``on_connection(self, socket)``, ``on_say(self, socket, text)``), and register it:
    ``io.register(Admin("/admin"))``.
    """

    # It is a broadcast operator for everybody, and more.
    __slots__ = ("server", "name", "_core", "__dict__", "__weakref__")

    server: "Server"
    name: str
    _core: Any

    def __init__(self, name: str = "/"):
        """For classes of handlers: the namespace that register() makes it."""
        self.name = name if name.startswith("/") else "/" + name

    def _register_methods(self) -> None:
        for attribute in dir(type(self)):
            if attribute.startswith("on_") and not hasattr(Namespace, attribute):
                name, fn = attribute[3:], getattr(self, attribute)
                if name in EVENTS or name == "error":
                    self._register(name, fn, 0)
                else:
                    self._add_event(name, fn, None, False, 0)

    def _bind(self, server: "Server", name: str, core: Any = None) -> None:
        BroadcastOperator.__init__(self, self)
        self.server = server
        self.name = name
        self._core = core if core is not None else native.server_of(server._host, name, self)

    def __repr__(self) -> str:
        return f"<sioc.Namespace {self.name}>"

    # ---- handlers

    def _register(self, name: str, fn: Any, how: int) -> Any:
        if fn is None:
            return lambda f: self._register(name, f, how)
        if name == "error":
            most, _ = exactly(fn, 1, 3, 'on("error")')
            self.server._error_handlers.append((fn, 3 if most < 0 else most))
            return fn
        if name not in EVENTS:
            raise ValueError(f"on({name!r}): a server hears of {', '.join(EVENTS)} and error; for what "
                             "clients send there are @io.event and @socket.on")
        most, flags = exactly(fn, *EVENTS[name], f"on({name!r})")
        native.nsp_on(self._core, name, fn, most, flags, how)
        self.server._registered += 1
        return fn

    @overload
    def on(self, event: Joins) -> Callable[[OnSocket], OnSocket]: ...
    @overload
    def on(self, event: Joins, fn: OnSocket) -> OnSocket: ...
    @overload
    def on(self, event: Leaves) -> Callable[[OnLeave], OnLeave]: ...
    @overload
    def on(self, event: Leaves, fn: OnLeave) -> OnLeave: ...
    @overload
    def on(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def on(self, event: Literal["error"], fn: OnError) -> OnError: ...
    @overload
    def on(self, event: Literal["new_namespace"]) -> Callable[[OnNamespace], OnNamespace]: ...
    @overload
    def on(self, event: Literal["new_namespace"], fn: OnNamespace) -> OnNamespace: ...
    @overload
    def on(self, event: Rooms) -> Callable[[OnRoom], OnRoom]: ...
    @overload
    def on(self, event: Rooms, fn: OnRoom) -> OnRoom: ...
    @overload
    def on(self, event: Members) -> Callable[[OnMember], OnMember]: ...
    @overload
    def on(self, event: Members, fn: OnMember) -> OnMember: ...
    def on(self, event: str, fn: Any = None) -> Any:
        """fn(socket) for "connection" and "reload", fn(socket, reason, details) for "disconnecting"
        and "disconnect", fn(exception, socket, event) for "error".  Also as a decorator.

        What a client sends while its "connection" handler waits is kept until that has ended.
        ValueError: no such event; TypeError: a wrong signature.
        """
        return self._register(event, fn, 0)

    @overload
    def once(self, event: Joins) -> Callable[[OnSocket], OnSocket]: ...
    @overload
    def once(self, event: Joins, fn: OnSocket) -> OnSocket: ...
    @overload
    def once(self, event: Leaves) -> Callable[[OnLeave], OnLeave]: ...
    @overload
    def once(self, event: Leaves, fn: OnLeave) -> OnLeave: ...
    @overload
    def once(self, event: Members) -> Callable[[OnMember], OnMember]: ...
    @overload
    def once(self, event: Members, fn: OnMember) -> OnMember: ...
    def once(self, event: str, fn: Any = None) -> Any:
        """As on, for the next time only."""
        return self._register(event, fn, ONCE)

    def _add_event(self, name: Optional[str], fn: Any, serial: Optional[bool], thread: bool, how: int) -> Any:
        what = f"event({name!r})" if name is not None else "any"
        most, flags = shape(fn, 1 if name is not None else 2, what)
        if self.server._serial if serial is None else serial:
            flags |= SERIAL
        if thread:
            flags |= THREAD
        native.nsp_event(self._core, name, fn, most, flags, how)
        self.server._registered += 1
        return fn

    @overload
    def event(self, event: OnEvent) -> OnEvent: ...
    @overload
    def event(self, event: str, *, serial: Optional[bool] = None,
              thread: bool = False) -> Callable[[OnEvent], OnEvent]: ...
    @overload
    def event(self, event: str, fn: OnEvent, *, serial: Optional[bool] = None,
              thread: bool = False) -> OnEvent: ...
    def event(self, event: Any, fn: Any = None, *, serial: Optional[bool] = None, thread: bool = False) -> Any:
        """fn(socket, *args) for this event of every client: ``@io.event("say")``, or ``@io.event`` over
        a function called `say`.  A socket's own handlers of the same name go first, and alone.

        What it returns is the answer (a tuple: several values), if the client wants one.  With a last
        argument called `ack` it gets the function that answers, None if the client wants no answer.
        serial: a client's next events wait until it has ended.  thread: it blocks, and runs in another
        thread.  A handler called disconnect, say, is on("disconnect").
        """
        if callable(event) and fn is None:
            name: str = event.__name__
            if name in EVENTS and "-" not in name:
                return self._register(name, event, 0)
            return self._add_event(name, event, serial, thread, 0)
        if not isinstance(event, str):
            raise TypeError(f"the name of an event must be a str, not {type(event).__name__}")
        if fn is None:
            return lambda f: self._add_event(event, f, serial, thread, 0)
        return self._add_event(event, fn, serial, thread, 0)

    def on_any(self, fn: OnAny) -> OnAny:
        """fn(socket, event, *args) for every event of every client, before its own handlers."""
        self._add_event(None, fn, None, False, 0)
        return fn

    any = on_any

    def prepend_any(self, fn: OnAny) -> OnAny:
        """As on_any, before those that are there."""
        self._add_event(None, fn, None, False, PREPEND)
        return fn

    def off_any(self, fn: Any = None) -> None:
        """Takes fn off, or all handlers of every event."""
        native.nsp_off(self._core, None, fn)

    def off(self, event: str, fn: Any = None) -> None:
        """Takes fn off, or all handlers of the event."""
        if event == "error":
            handlers = self.server._error_handlers
            handlers[:] = [h for h in handlers if fn is not None and h[0] != fn]
        else:
            native.nsp_off(self._core, event, fn)

    def remove_all_listeners(self, event: Optional[str] = None) -> None:
        """Takes off all handlers of the event, or of all events of `on` (those of clients' events stay)."""
        for name in [*EVENTS, "error"] if event is None else [event]:
            self.off(name)

    def use(self, fn: OnSocket) -> OnSocket:
        """Middleware: fn(socket) before it joins, plain or async; ``raise sioc.Reject("not allowed",
        {"code": 1})`` refuses it.  Any other exception does so, too, and is logged."""
        most, _ = exactly(fn, 1, 1, "use")
        native.nsp_use(self._core, fn, most)
        self.server._registered += 1
        return fn

    # ---- what there is

    @property
    def sockets(self) -> "Dict[str, Socket]":
        """A fresh dict: id -> socket."""
        return {s.id: s for s in native.sockets(self._core, self._target)}

    @property
    def rooms(self) -> Dict[str, int]:
        """A fresh dict: name of the room -> how many are in it (on this server)."""
        return native.nsp_rooms(self._core)

    @property
    def broadcast(self) -> BroadcastOperator:
        return BroadcastOperator(self)
