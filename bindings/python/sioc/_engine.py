"""Who may open a session, by which id, which headers the answers carry, and what was refused."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple, overload

from . import native
from ._conn import Connection, EngineRoute
from ._errors import Reject
from ._handlers import exactly
from ._http import Request
from ._types import OnConn, OnEngine, OnFlush, OnHeaders, OnOpen, OnRefused

if TYPE_CHECKING:
    from typing import Literal

log = logging.getLogger("sioc")
# Name: (what the shim calls it, the things its handlers are told at most)
EVENTS = {"connection_error": (1, 1), "initial_headers": (4, 2), "headers": (4, 2), "connection": (8, 1),
          "flush": (16, 2), "drain": (32, 1)}
REQUEST = 2


class ConnectionRefused:
    """A request that was refused: `code` (0 to 5), `message`, `context` (a dict of what is known beside
    them), `request`."""

    __slots__ = ("code", "message", "context", "request")

    def __init__(self, request: Request, code: int, message: str, context: Dict[str, str]):
        self.request, self.code, self.message, self.context = request, code, message, context

    def __repr__(self) -> str:
        return f"<sioc.ConnectionRefused {self.code} {self.message!r} {self.context!r}>"


class Headers(Dict[str, str]):
    """Headers that are added to an answer; ``add`` for several of one name."""

    __slots__ = ("more",)

    def __init__(self) -> None:
        super().__init__()
        self.more: List[Tuple[str, str]] = []

    def add(self, name: str, value: str) -> None:
        self.more.append((name, value))

    def pairs(self) -> List[Tuple[str, str]]:
        return [(str(name), str(value)) for name, value in [*self.items(), *self.more]]


class EngineEvents:
    """``io.engine``: what happens below the sockets."""

    def __init__(self, server: Any):
        self._server = server
        self._handlers: Dict[str, List[Tuple[Any, bool]]] = {name: [] for name in EVENTS}  # (fn, once)
        self._middleware: List[Any] = []

    @overload
    def on(self, event: Literal["connection_error"]) -> Callable[[OnRefused], OnRefused]: ...
    @overload
    def on(self, event: Literal["connection_error"], fn: OnRefused) -> OnRefused: ...
    @overload
    def on(self, event: Literal["initial_headers", "headers"]) -> Callable[[OnHeaders], OnHeaders]: ...
    @overload
    def on(self, event: Literal["initial_headers", "headers"], fn: OnHeaders) -> OnHeaders: ...
    @overload
    def on(self, event: Literal["connection", "drain"]) -> Callable[[OnConn], OnConn]: ...
    @overload
    def on(self, event: Literal["connection", "drain"], fn: OnConn) -> OnConn: ...
    @overload
    def on(self, event: Literal["flush"]) -> Callable[[OnFlush], OnFlush]: ...
    @overload
    def on(self, event: Literal["flush"], fn: OnFlush) -> OnFlush: ...
    def on(self, event: str, fn: Any = None) -> Any:
        """fn(refused) for "connection_error"; fn(headers, request) for "initial_headers" (of a session's
        first answer) and "headers" (of each): a dict to add to; fn(conn) for "connection" (a client has
        opened its session; see sioc.Connection) and "drain", fn(conn, packets) for "flush", of any of these
        connections.  Those of headers must be plain functions.  Also as a decorator.  ValueError: no such
        event; TypeError: a wrong signature, or a function that waits where none may."""
        return self._add(event, fn, False)

    @overload
    def once(self, event: Literal["connection_error"]) -> Callable[[OnRefused], OnRefused]: ...
    @overload
    def once(self, event: Literal["connection_error"], fn: OnRefused) -> OnRefused: ...
    @overload
    def once(self, event: Literal["initial_headers", "headers"]) -> Callable[[OnHeaders], OnHeaders]: ...
    @overload
    def once(self, event: Literal["initial_headers", "headers"], fn: OnHeaders) -> OnHeaders: ...
    @overload
    def once(self, event: Literal["connection", "drain"]) -> Callable[[OnConn], OnConn]: ...
    @overload
    def once(self, event: Literal["connection", "drain"], fn: OnConn) -> OnConn: ...
    @overload
    def once(self, event: Literal["flush"]) -> Callable[[OnFlush], OnFlush]: ...
    @overload
    def once(self, event: Literal["flush"], fn: OnFlush) -> OnFlush: ...
    def once(self, event: str, fn: Any = None) -> Any:
        """As on, for the next time only."""
        return self._add(event, fn, True)

    def _add(self, event: str, fn: Any, once: bool) -> Any:
        if event not in EVENTS:
            raise ValueError(f"engine.on({event!r}): there are {', '.join(EVENTS)}")
        if fn is None:
            return lambda f: self._add(event, f, once)
        exactly(fn, 0, EVENTS[event][1], f"engine.on({event!r})")
        if event in ("initial_headers", "headers"):
            at_once(fn, f"engine.on({event!r})")
        self._handlers[event].append((fn, once))
        self._listen()
        return fn

    def off(self, event: str, fn: Any = None) -> None:
        """Takes fn off, or all handlers of the event."""
        handlers = self._handlers[event]
        handlers[:] = [h for h in handlers if fn is not None and h[0] != fn]
        self._listen()

    def use(self, fn: OnEngine) -> OnEngine:
        """fn(request, headers), a plain function, for each request of the engine, before it is looked at:
        ``raise sioc.Reject`` refuses it with code 3; headers are added to whatever is answered."""
        exactly(fn, 1, 2, "engine.use")
        at_once(fn, "engine.use")
        self._middleware.append(fn)
        self._listen()
        return fn

    def _listen(self) -> None:
        what = REQUEST if self._middleware else 0
        for name, handlers in self._handlers.items():
            what |= EVENTS[name][0] if handlers else 0
        native.engine_listen(self._server._host, what)

    @property
    def clients_count(self) -> int:
        """Clients that are connected."""
        return int(native.server_client_count(self._server._host))

    @property
    def clients(self) -> Dict[int, Connection]:
        """A fresh dict: id -> connection."""
        return {conn.id: conn for conn in native.conns(self._server._host)}

    def _tell(self, event: str, *args: Any) -> None:
        for handler in list(self._handlers[event]):
            fn, once = handler
            if once and handler in self._handlers[event]:
                self._handlers[event].remove(handler)
            try:
                result = fn(*args[:fn_count(fn, len(args))])
                if inspect.isawaitable(result):
                    self._server._start(self._server._guard(result, f"engine, {event!r}"))
            except Exception as error:
                self._server._failed(fn, None, f"engine: {event}", error)


def at_once(fn: Any, what: str) -> None:
    if inspect.iscoroutinefunction(fn):
        raise TypeError(f"{what}: an answer is being made, so the handler cannot wait: a plain function is expected")


def fn_count(fn: Any, most: int) -> int:
    count, _ = exactly(fn, 0, most, "engine")
    return most if count < 0 else min(count, most)


class Engine:
    """What a server does with its engine; part of sioc.Server."""

    _host: Any
    _start: Callable[[Any], Any]
    _guard: Callable[..., Any]
    _failed: Callable[..., None]
    _registered: int
    _called: int

    def _begin_engine(self, allow_request: Any, generate_id: Any) -> None:
        self.engine = EngineEvents(self)
        if allow_request is not None:
            native.engine_on_request(self._host, Question(allow_request, "allow_request", self._answer_allow))
        if generate_id is not None:
            native.engine_on_id(self._host, Question(generate_id, "generate_id", self._answer_id))

    def _answer_allow(self, handle: int, result: Any, error: Optional[Exception]) -> None:
        refusal = None
        if error is not None:
            refusal = str(error) if isinstance(error, Reject) else ""
        elif not result:
            refusal = ""
        native.engine_allow(self._host, handle, refusal)

    def _answer_id(self, handle: int, result: Any, error: Optional[Exception]) -> None:
        try:
            native.engine_give_id(self._host, handle, None if error else result)
        except (TypeError, ValueError) as e:
            log.error("%s", e)
            native.engine_give_id(self._host, handle, None)

    @overload
    def engineio(self, path: str) -> Callable[[OnOpen], OnOpen]: ...
    @overload
    def engineio(self, path: str, fn: OnOpen) -> OnOpen: ...
    def engineio(self, path: str, fn: Any = None) -> Any:
        """fn(conn, request) for each client that speaks Engine.IO, and nothing above it, at the path
        ("/engine.io/"); see sioc.Connection.  Plain or async: messages wait until it has ended.  Also as a
        decorator.  ValueError: no path; FileExistsError: it is served already."""
        if fn is None:
            return lambda f: self.engineio(path, f)
        native.engineio_route(self._host, path, EngineRoute(self, fn))
        self._registered += 1
        return fn

    def _call_plainly(self, fn: Any, args: Any, event: str) -> None:
        """Calls a handler of which nothing is expected."""
        self._called += 1
        try:
            result = fn(*args)
            if inspect.isawaitable(result):
                self._start(self._guard(result, event))
        except Exception as error:
            self._failed(fn, None, event, error)

    # ---- called by the shim

    def _engine_error(self, told: Any, code: int, message: str, context: Dict[str, Any]) -> None:
        if context.get("protocol", "").isdigit():
            context["protocol"] = int(context["protocol"])
        self.engine._tell("connection_error", ConnectionRefused(Request(*told[1:]), code, message, context))

    def _engine_request(self, told: Any) -> Optional[List[Tuple[str, str]]]:
        headers = Headers()
        if self.engine._middleware:
            request = Request(*told[1:])
            for fn in self.engine._middleware:
                try:
                    fn(*(request, headers)[:fn_count(fn, 2)])
                except Reject:
                    return None
                except Exception:
                    log.exception("engine.use")
                    return None
        return headers.pairs()

    def _engine_headers(self, told: Any, initial: bool) -> List[Tuple[str, str]]:
        headers = Headers()
        request = Request(*told[1:])
        if initial:
            self.engine._tell("initial_headers", headers, request)
        self.engine._tell("headers", headers, request)
        return headers.pairs()


    def _connection(self, handle: int, number: int, protocol: int, address: str, replayed: bool,
                    before: Optional[Connection]) -> Connection:
        conn = Connection(self, handle, number, protocol, address, replayed)
        if before is not None:
            conn.data = before.data
        return conn

    def _engine_connection(self, conn: Connection) -> None:
        self.engine._tell("connection", conn)

    def _engine_flush(self, conn: Connection, packets: List[Dict[str, Any]]) -> None:
        self.engine._tell("flush", conn, packets)

    def _engine_drain(self, conn: Connection) -> None:
        self.engine._tell("drain", conn)


class Question:
    """A function of the application that is asked about a request."""

    __slots__ = ("fn", "what", "answer", "count")

    def __init__(self, fn: Any, what: str, answer: Callable[[int, Any, Optional[Exception]], None]):
        count, _ = exactly(fn, 0, 1, what)
        self.fn, self.what, self.answer = fn, what, answer
        self.count = 1 if count < 0 else count

    def __call__(self, server: Any, handle: int, *told: Any) -> None:
        try:
            result = self.fn(*(Request(*told),)[:self.count])
            if inspect.isawaitable(result):
                server._start(self._later(result, handle))
                return
        except Exception as error:
            self._failed(handle, error)
        else:
            self.answer(handle, result, None)

    async def _later(self, awaitable: Any, handle: int) -> None:
        try:
            result = await awaitable
        except Exception as error:
            self._failed(handle, error)
        except BaseException:
            self.answer(handle, None, Reject("cancelled"))
            raise
        else:
            self.answer(handle, result, None)

    def _failed(self, handle: int, error: Exception) -> None:
        if not isinstance(error, Reject):
            log.error("%s: %r", self.what, error, exc_info=(type(error), error, error.__traceback__))
        self.answer(handle, None, error)
