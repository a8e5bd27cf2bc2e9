"""Who may open a session, by which id, which headers the answers carry, and what was refused."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple, overload

from . import native
from ._errors import Reject
from ._handlers import exactly
from ._http import Request
from ._types import OnEngine, OnHeaders, OnRefused

if TYPE_CHECKING:
    from typing import Literal

log = logging.getLogger("sioc")
EVENTS = {"connection_error": 1, "initial_headers": 2, "headers": 2}


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
        self._handlers: Dict[str, List[Any]] = {name: [] for name in EVENTS}
        self._middleware: List[Any] = []

    @overload
    def on(self, event: Literal["connection_error"]) -> Callable[[OnRefused], OnRefused]: ...
    @overload
    def on(self, event: Literal["connection_error"], fn: OnRefused) -> OnRefused: ...
    @overload
    def on(self, event: Literal["initial_headers", "headers"]) -> Callable[[OnHeaders], OnHeaders]: ...
    @overload
    def on(self, event: Literal["initial_headers", "headers"], fn: OnHeaders) -> OnHeaders: ...
    def on(self, event: str, fn: Any = None) -> Any:
        """fn(refused) for "connection_error"; fn(headers, request) for "initial_headers" (of a session's
        first answer) and "headers" (of each): a dict to add to.  They must be plain functions.  Also as a
        decorator.  ValueError: no such event."""
        if event not in EVENTS:
            raise ValueError(f"engine.on({event!r}): there are {', '.join(EVENTS)}")
        if fn is None:
            return lambda f: self._on(event, f)
        return self._on(event, fn)

    def _on(self, event: str, fn: Any) -> Any:
        exactly(fn, 0, EVENTS[event], f"engine.on({event!r})")
        self._handlers[event].append(fn)
        native.engine_listen(self._server._host)
        return fn

    def off(self, event: str, fn: Any = None) -> None:
        handlers = self._handlers[event]
        handlers[:] = [h for h in handlers if fn is not None and h != fn]

    def use(self, fn: OnEngine) -> OnEngine:
        """fn(request, headers), a plain function, for each request of the engine, before it is looked at:
        ``raise sioc.Reject`` refuses it with code 3; headers are added to whatever is answered."""
        exactly(fn, 1, 2, "engine.use")
        self._middleware.append(fn)
        native.engine_listen(self._server._host)
        return fn

    def _tell(self, event: str, *args: Any) -> None:
        for fn in list(self._handlers[event]):
            try:
                fn(*args[:fn_count(fn, len(args))])
            except Exception:
                log.exception("engine, %r", event)


def fn_count(fn: Any, most: int) -> int:
    count, _ = exactly(fn, 0, most, "engine")
    return most if count < 0 else min(count, most)


class Engine:
    """What a server does with its engine; part of sioc.Server."""

    _host: Any
    _start: Callable[[Any], Any]

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
            log.error("generate_id: %s", e)
            native.engine_give_id(self._host, handle, None)

    # ---- called by the shim

    def _engine_error(self, told: Any, code: int, message: str, context: Dict[str, str]) -> None:
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
