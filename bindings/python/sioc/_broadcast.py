"""Who is spoken to, and how: values that are built by copying, and can be kept and shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterable, List, Optional, Tuple

from . import native
from ._errors import Disconnected, of_status
from ._types import Target
from ._values import Sent

if TYPE_CHECKING:
    from ._namespace import Namespace
    from ._socket import Socket
    from ._types import Rooms

VOLATILE, NO_COMPRESS = 1, 2
EVERYBODY: Target = ((), (), 0, False)


def names(rooms: "Iterable[Any]") -> Tuple[str, ...]:
    """Rooms are given one by one, or as lists of them; a socket means its own room."""
    flat: List[str] = []
    for room in rooms:
        if isinstance(room, str):
            flat.append(room)
        elif hasattr(room, "_handle"):
            flat.append(room.id)
        elif isinstance(room, (list, tuple, set, frozenset)):
            flat.extend(names(room))
        else:
            raise TypeError(f"the name of a room must be a str, not {type(room).__name__}")
    return tuple(flat)


class _Ask:
    """Waits for one answer: the future, and the function that the core calls."""

    __slots__ = ("future", "many")

    def __init__(self, loop: Any, many: bool):
        self.future = loop.create_future()
        self.many = many

    def __call__(self, status: Optional[str], answer: Tuple[Any, ...]) -> None:
        if self.future.done():
            return
        if status is not None:
            self.future.set_exception(of_status(status, answer))
        elif self.many:
            self.future.set_result(list(answer))
        else:
            self.future.set_result(answer[0] if len(answer) == 1 else None if not answer else answer)


class BroadcastOperator:
    """Many sockets: ``io.to("room").except_("other").emit("news", 1)``.

    Each method gives a new operator, so one can be kept: ``lobby = io.to("lobby")``.
    """

    __slots__ = ("_nsp", "_target", "_flags", "_timeout")

    def __init__(self, nsp: "Namespace", target: Target = EVERYBODY, flags: int = 0,
                 timeout: float = 0.0):
        self._nsp = nsp
        self._target = target
        self._flags = flags
        self._timeout = timeout

    def to(self, *rooms: Rooms) -> "BroadcastOperator":
        """These rooms, too (names, lists of names, or sockets): everybody who is in any of them."""
        r, e, s, local = self._target
        return BroadcastOperator(self._nsp, (r + names(rooms), e, s, local), self._flags, self._timeout)

    in_ = to

    def except_(self, *rooms: Rooms) -> "BroadcastOperator":
        """Nobody who is in one of these rooms."""
        r, e, s, local = self._target
        return BroadcastOperator(self._nsp, (r, e + names(rooms), s, local), self._flags, self._timeout)

    @property
    def volatile(self) -> "BroadcastOperator":
        """May be dropped for whoever cannot take it now."""
        return BroadcastOperator(self._nsp, self._target, self._flags | VOLATILE, self._timeout)

    @property
    def local(self) -> "BroadcastOperator":
        """This process only, when there are several."""
        r, e, s, _ = self._target
        return BroadcastOperator(self._nsp, (r, e, s, True), self._flags, self._timeout)

    def compress(self, on: bool) -> "BroadcastOperator":
        """Whether the packets may be compressed."""
        flags = self._flags & ~NO_COMPRESS if on else self._flags | NO_COMPRESS
        return BroadcastOperator(self._nsp, self._target, flags, self._timeout)

    def timeout(self, seconds: float) -> "BroadcastOperator":
        """How long answers are waited for, in seconds; 10 without it."""
        if seconds <= 0:
            raise ValueError("a timeout is longer than 0 seconds")
        return BroadcastOperator(self._nsp, self._target, self._flags, float(seconds))

    def emit(self, event: str, *args: Any,
             ack: "Optional[Callable[[Optional[Exception], List[Any]], Any]]" = None) -> Sent:
        """Sends the event to all of them.  From any thread.

        ack(error, answers) is called once, with the first argument of each answer; error is None or
        an AckTimeout.  Returns whether it is queued (awaiting that does nothing).
        TypeError or ValueError: an argument cannot be sent; says which.
        """
        nsp = self._nsp
        sent = native.broadcast(nsp._core, self._target, event, args, self._flags, self._timeout,
                                nsp.server._ack_caller(ack, True) if ack is not None else None)
        if sent is None:
            return nsp.server._from_thread(
                self.emit, event, *native.snapshot(nsp.server._host, args), **({"ack": ack} if ack else {}))
        return sent

    def send(self, *args: Any, ack: "Optional[Callable[[Optional[Exception], List[Any]], Any]]" = None) -> Sent:
        """emit("message", ...)"""
        return self.emit("message", *args, ack=ack)

    write = send

    async def emit_with_ack(self, event: str, *args: Any) -> List[Any]:
        """Sends the event and waits for all answers: the first argument of each, in the order they
        came.  AckTimeout: some are missing; those that came are in its `responses`."""
        nsp = self._nsp
        ask = _Ask(nsp.server._running_loop(), True)
        native.broadcast(nsp._core, self._target, event, args, self._flags, self._timeout, ask)
        answers: List[Any] = await ask.future
        return answers

    call = emit_with_ack

    def _change(self, rooms: Tuple[Any, ...], what: int) -> None:
        done = native.change_sockets(self._nsp._core, self._target, names(rooms), what)
        if done is None:
            self._nsp.server._from_thread(self._change, rooms, what)

    def sockets_join(self, *rooms: Rooms) -> None:
        """All of them join the rooms.  From any thread."""
        self._change(rooms, 0)

    def sockets_leave(self, *rooms: Rooms) -> None:
        """All of them leave the rooms.  From any thread."""
        self._change(rooms, 1)

    def disconnect_sockets(self, close: bool = False) -> None:
        """Disconnects all of them from the namespace; close: their connections, too."""
        self._change((), 3 if close else 2)

    def server_side_emit(self, event: str, *args: Any,
                         ack: "Optional[Callable[[Optional[Exception], List[Any]], Any]]" = None) -> Sent:
        """Sends the event to the other servers of the cluster.  ack(error, answers) as for emit."""
        server = self._nsp.server
        sent = native.server_side_emit(self._nsp._core, event, args, self._timeout,
                                       server._ack_caller(ack, True) if ack is not None else None)
        if sent is None:
            return server._from_thread(self.server_side_emit, event, *native.snapshot(server._host, args),
                                       **({"ack": ack} if ack else {}))
        return sent

    async def server_side_emit_with_ack(self, event: str, *args: Any) -> List[Any]:
        """Asks the other servers of the cluster and waits: one answer of each."""
        ask = _Ask(self._nsp.server._running_loop(), True)
        native.server_side_emit(self._nsp._core, event, args, self._timeout, ask)
        answers: List[Any] = await ask.future
        return answers

    async def fetch_sockets(self) -> "List[Socket]":
        """The sockets that are meant."""
        return native.sockets(self._nsp._core, self._target)

    async def all_sockets(self) -> "List[str]":
        """The ids of the sockets that are meant."""
        return [socket.id for socket in await self.fetch_sockets()]


class SocketOperator:
    """One socket, with flags: ``socket.timeout(5).emit_with_ack("question")``."""

    __slots__ = ("_socket", "_flags", "_timeout")

    def __init__(self, socket: "Socket", flags: int = 0, timeout: float = 0.0):
        self._socket = socket
        self._flags = flags
        self._timeout = timeout

    @property
    def volatile(self) -> "SocketOperator":
        """May be dropped when the client cannot take it now."""
        return SocketOperator(self._socket, self._flags | VOLATILE, self._timeout)

    def compress(self, on: bool) -> "SocketOperator":
        """Whether the packet may be compressed."""
        return SocketOperator(self._socket, self._flags & ~NO_COMPRESS if on else self._flags | NO_COMPRESS,
                              self._timeout)

    def timeout(self, seconds: float) -> "SocketOperator":
        """How long an answer is waited for, in seconds; without it as long as the client is there."""
        if seconds <= 0:
            raise ValueError("a timeout is longer than 0 seconds")
        return SocketOperator(self._socket, self._flags, float(seconds))

    def emit(self, event: str, *args: Any, ack: "Optional[Callable[..., Any]]" = None) -> Sent:
        """As Socket.emit."""
        s = self._socket
        server = s.nsp.server
        sent = native.socket_ask(s._core, s._handle, event, args, self._flags, self._timeout,
                                 server._ack_caller(ack, False) if ack is not None else None)
        if sent is None:
            return server._from_thread(
                self.emit, event, *native.snapshot(server._host, args), **({"ack": ack} if ack else {}))
        return sent

    def send(self, *args: Any, ack: "Optional[Callable[..., Any]]" = None) -> Sent:
        """emit("message", ...)"""
        return self.emit("message", *args, ack=ack)

    write = send

    async def emit_with_ack(self, event: str, *args: Any) -> Any:
        """As Socket.emit_with_ack."""
        s = self._socket
        if s.nsp.server._state == "closed":
            raise Disconnected()
        ask = _Ask(s.nsp.server._running_loop(), False)
        native.socket_ask(s._core, s._handle, event, args, self._flags, self._timeout, ask)
        return await ask.future

    call = emit_with_ack


__all__ = ["BroadcastOperator", "SocketOperator", "Disconnected"]
