"""What ``Server`` and ``AsyncServer`` have in common: registration, the clients, sending.

It knows how clients are reached, not how handlers are run: that is what the two differ in.  The
``sioc.Server`` underneath is made when the program begins to serve, as only then the path of the
application is known; until then there is nobody to send to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, overload

import sioc

from ._environ import environ_of
from ._members import Member, Members
from ._namespaces import BaseServerNamespace
from ._options import options_of
from ._routes import Routes
from .exceptions import ClientGone, TimeoutError
from .exceptions import ConnectionRefusedError as Refused


Function = TypeVar("Function", bound=Callable[..., Any])


class reason:
    """Why a client has left: the second argument of a disconnect handler."""

    SERVER_DISCONNECT = "server disconnect"
    CLIENT_DISCONNECT = "client disconnect"
    PING_TIMEOUT = "ping timeout"
    TRANSPORT_CLOSE = "transport close"
    TRANSPORT_ERROR = "transport error"


#: sioc's reasons, which are those of Node's server, where they differ.
REASONS = {
    "client namespace disconnect": reason.CLIENT_DISCONNECT,
    "server namespace disconnect": reason.SERVER_DISCONNECT,
    "server shutting down": reason.SERVER_DISCONNECT,
    "forced close": reason.SERVER_DISCONNECT,
    "forced server close": reason.SERVER_DISCONNECT,
}


def arguments(data: Any) -> tuple[Any, ...]:
    """The arguments of an event or an acknowledgement: a tuple is several, None is none."""
    if data is None:
        return ()
    return data if isinstance(data, tuple) else (data,)


def names(rooms: Any) -> list[str] | None:
    """Rooms as sioc has them: strings; None stands for everybody."""
    if rooms is None:
        return None
    if isinstance(rooms, (list, tuple, set)):
        return [str(room) for room in rooms]
    return [str(rooms)]


class Manager:
    """What programs ask of ``sio.manager``; the work is the core's."""

    def __init__(self, members: Members) -> None:
        self._members = members

    def get_namespaces(self) -> list[str]:
        return self._members.namespaces()

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        """A pair for each client in a room (None: all): its id, twice, as nothing here is known
        by the id of its connection."""
        for member in self._members.addressed(namespace, names(room), ()):
            yield member.socket.id, member.socket.id

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        return self._members.get(namespace, sid).rooms()

    def is_connected(self, sid: str, namespace: str) -> bool:
        return self._members.find(namespace, sid) is not None


class BaseServer:
    """The registration of handlers, and everything that is the same for both kinds of server.

    ``async_handlers=False`` makes the events of one client wait for each other.
    ``always_connect=True`` lets a client in before its connect handler has run.
    ``namespaces``: names that exist without a handler, or ``'*'`` for any.
    Other options are those of python-socketio, then those of ``sioc.Server``.
    """

    reserved_events = ["connect", "disconnect"]
    reason = reason
    async_mode = "sioc"

    def __init__(
        self,
        client_manager: Any = None,
        logger: Any = False,
        serializer: Any = "default",
        json: Any = None,
        async_handlers: bool = True,
        always_connect: bool = False,
        namespaces: Any = None,
        **options: Any,
    ) -> None:
        if client_manager is not None:
            raise ValueError("client_manager= is not there yet: one process serves all clients")
        self.async_handlers = async_handlers
        self.always_connect = always_connect
        self.logger = logger if isinstance(logger, logging.Logger) else _logger(bool(logger))
        self._named = namespaces
        self._options = options_of(serializer, json, async_handlers, options)
        self._routes = Routes()
        self._members = Members()
        self._io: Any = None
        self.manager = Manager(self._members)

    def is_asyncio_based(self) -> bool:
        return False

    # ---- registration ----

    @overload
    def on(self, event: str, *, namespace: str | None = None) -> Callable[[Function], Function]: ...
    @overload
    def on(self, event: str, handler: Callable[..., Any], namespace: str | None = None) -> None: ...
    def on(self, event: str, handler: Any = None, namespace: str | None = None) -> Any:
        """Registers a handler, or decorates one: ``'*'`` as event or namespace is any."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self._routes.add(namespace or "/", event, function)
            self._open_namespaces()
            return function

        if handler is None:
            return register
        register(handler)
        return None

    @overload
    def event(self, handler: Function, /) -> Function: ...
    @overload
    def event(self, *, namespace: str | None = None) -> Callable[[Function], Function]: ...
    def event(self, *args: Any, **options: Any) -> Any:
        """Decorates a handler whose name is the event's: ``@sio.event``,
        ``@sio.event(namespace='/chat')``."""
        if len(args) == 1 and not options and callable(args[0]):
            return self.on(args[0].__name__)(args[0])
        return lambda handler: self.on(handler.__name__, *args, **options)(handler)

    def register_namespace(self, namespace_handler: BaseServerNamespace) -> None:
        """Registers a class-based namespace."""
        if not isinstance(namespace_handler, BaseServerNamespace):
            raise ValueError("Not a namespace instance")
        if namespace_handler.is_asyncio_based() != self.is_asyncio_based():
            raise ValueError("Not a valid namespace class for this server")
        namespace_handler._set_server(self)
        self._routes.classes[namespace_handler.namespace] = namespace_handler
        self._open_namespaces()

    # ---- questions ----

    def rooms(self, sid: str, namespace: str | None = None) -> list[str]:
        """The names of the rooms a client is in, its own id among them."""
        return self._members.get(namespace or "/", sid).rooms()

    def transport(self, sid: str, namespace: str | None = None) -> str:
        """``'polling'`` or ``'websocket'``."""
        return str(self._members.get(namespace or "/", sid).socket.transport)

    def get_environ(self, sid: str, namespace: str | None = None) -> dict[str, Any] | None:
        """The handshake request of a client, with the names of PEP 3333."""
        member = self._members.find(namespace or "/", sid)
        return None if member is None else member.environ

    # ---- the server underneath ----

    def _open(self, path: str) -> Any:
        """The ``sioc.Server``, made at the first call; ``path`` is the one of the application."""
        if self._io is None:
            self._io = sioc.Server(path=path, **self._options)
            self._opened: set[str] = set()
            if self._named == "*" or "*" in (self._named or ()):
                self._wire(self._io.of(lambda _name, _auth: True))
            self._open_namespaces()
        return self._io

    def _open_namespaces(self) -> None:
        if self._io is None:
            return
        listed = set(self._named or ("/",)) - {"*"} if self._named != "*" else set()
        for name in (self._routes.namespaces() | listed) - self._opened:
            self._opened.add(name)
            self._wire(self._io.of(name))

    def _wire(self, namespace: Any) -> None:
        """Lets the events of a namespace come here; one listener each, however many handlers."""
        namespace.use(self._admit)
        namespace.on("connection", self._joined)
        namespace.on_any(self._received)
        namespace.on("disconnect", self._left)

    # ---- the life of a client ----

    async def _admit(self, socket: Any) -> None:
        """Middleware: the connect handler runs before the client has joined and may refuse it."""
        namespace = socket.nsp.name
        self._members.add(namespace, Member(socket, environ_of(socket.handshake)))
        if self.always_connect:
            return
        refusal = await self._connect(namespace, socket)
        if refusal is not None:
            self._members.remove(namespace, socket.id)
            raise sioc.Reject(**refusal.error_args)

    async def _joined(self, socket: Any) -> None:
        namespace = socket.nsp.name
        self._members.join(self._members.get(namespace, socket.id))
        if self.always_connect and await self._connect(namespace, socket) is not None:
            socket.disconnect()

    async def _connect(self, namespace: str, socket: Any) -> Refused | None:
        """Runs the connect handler; why it refuses, or None."""
        environ = self._members.get(namespace, socket.id).environ
        auth = socket.handshake.auth or None
        handler = self._routes.find(namespace, "connect", (socket.id, environ, auth))
        try:
            if handler is not None and await self._run(handler) is False:
                return Refused()
        except Refused as refusal:
            return refusal
        except ConnectionRefusedError:
            return Refused("Connection refused by server")
        return None

    async def _received(self, socket: Any, event: str, *args: Any, ack: Any) -> None:
        """``ack`` is None for an event that wants no answer; one without handler gets none."""
        handler = self._routes.find(socket.nsp.name, event, (socket.id, *args))
        if handler is None:
            return
        result = await self._run(handler)
        if ack is not None:
            ack(*arguments(result))

    async def _left(self, socket: Any, why: str, *_details: Any) -> None:
        namespace = socket.nsp.name
        handler = self._routes.find(namespace, "disconnect", (socket.id, REASONS.get(why, why)))
        try:
            if handler is not None:
                await self._run(handler)
        finally:
            self._members.remove(namespace, socket.id)

    async def _run(self, handler: Callable[[], Any]) -> Any:
        raise NotImplementedError

    # ---- sending ----

    def _emit(
        self, event: str, data: Any, room: Any, skip_sid: Any, namespace: str | None, callback: Any
    ) -> None:
        """Sends an event to everybody (``room`` None), to rooms or to a client; never waits."""
        namespace, args = namespace or "/", arguments(data)
        rooms, skip = names(room), names(skip_sid) or []
        self.logger.info('emitting event "%s" to %s [%s]', event, room or "all", namespace)
        if callback is not None:
            self._ask(namespace, rooms, skip, event, args, callback)
            return
        if self._members.any_joining:
            for member in self._members.addressed(namespace, rooms, skip, joining=True):
                member.emit(event, args)
        if self._io is not None:
            broadcast(self._io.of(namespace), rooms, skip).emit(event, *args)

    def _ask(
        self,
        namespace: str,
        rooms: list[str] | None,
        skip: Iterable[str],
        event: str,
        args: tuple[Any, ...],
        callback: Callable[..., Any],
    ) -> None:
        """Sends to each client by itself, as each has an acknowledgement of its own."""

        def answered(error: Exception | None, *answer: Any) -> Any:
            return None if error is not None else callback(*answer)

        for member in self._members.addressed(namespace, rooms, skip):
            member.emit(event, args, ack=answered)

    async def _call(
        self, event: str, data: Any, sid: str, namespace: str | None, timeout: float
    ) -> Any:
        member = self._members.find(namespace or "/", sid)
        if member is None:
            raise ClientGone(f"no client {sid!r}")
        try:
            return await member.socket.timeout(timeout).emit_with_ack(event, *arguments(data))
        except sioc.Disconnected as gone:
            raise ClientGone(f"the client {sid!r} has left") from gone
        except sioc.AckTimeout:
            raise TimeoutError from None

    # ---- rooms, sessions, leaving ----

    def _close_room(self, room: Any, namespace: str | None) -> None:
        """Lets all clients leave a room, also those that are about to join."""
        for member in self._members.addressed(namespace or "/", [str(room)], ()):
            member.leave(str(room))

    def _get_session(self, sid: str, namespace: str | None) -> dict[str, Any]:
        session: dict[str, Any] = self._members.get(namespace or "/", sid).socket.data
        return session

    def _save_session(self, sid: str, session: dict[str, Any], namespace: str | None) -> None:
        kept = self._get_session(sid, namespace)
        if kept is not session:
            kept.clear()
            kept.update(session)

    def _disconnect(self, sid: str, namespace: str | None) -> None:
        """Lets a client leave a namespace; one that is not there is no error."""
        member = self._members.find(namespace or "/", sid)
        if member is not None:
            member.socket.disconnect()


def broadcast(target: Any, rooms: list[str] | None, skip: list[str]) -> Any:
    """``target`` narrowed to rooms, without those of ``skip``."""
    if rooms is not None:
        target = target.to(*rooms)
    return target.except_(*skip) if skip else target


def _logger(wanted: bool) -> logging.Logger:
    logger = logging.getLogger("socketio.server")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO if wanted else logging.ERROR)
    return logger
