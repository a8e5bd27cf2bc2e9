"""Handlers: they are called, wait, fail, and what is told of their end.

Knows how an asyncio task is begun, and what the core wants to hear; not what a server is.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from typing import Any, Callable, List, Optional, Set

from . import native
from ._errors import Reject, of_status
from ._handlers import SERIAL
from ._loop import Loop
from ._tasks import start
from ._values import Sent

log = logging.getLogger("sioc")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
NO, YES = Sent(0), Sent(1)


class Call:
    """A handler that waits, and what depends on its end."""

    __slots__ = ("kind", "fn", "socket", "event", "ack", "token", "held", "ended", "replay")

    def __init__(self, kind: str, fn: Any, socket: Any, event: str, ack: Any = None, token: int = 0):
        self.kind = kind
        self.fn = fn
        self.socket = socket
        self.event = event
        self.ack = ack
        self.token = token
        self.held = False
        self.ended = False
        self.replay: Optional[List[bool]] = None  # true: nobody hears what it says


class Calls:
    """What a server does with handlers; part of sioc.Server."""

    _host: Any
    _loop: Loop
    _pool: Any
    _held: Set[Call]
    _tasks: Set[Any]
    _error_handlers: List[Any]
    _generation: Any
    # Handlers that were called from the package, that have raised; replays of connection handlers, and these.
    _called = _failures = _replays = _replays_failed = 0

    # ---- threads

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        loop = self._loop.asyncio
        if loop is None:
            raise RuntimeError("the server does not run")
        if not self._loop.here():
            raise RuntimeError("answers can be awaited in the server's loop only; from another thread: "
                               "asyncio.run_coroutine_threadsafe(socket.emit_with_ack(...), loop).result()")
        return loop

    def _from_thread(self, fn: Callable[..., Any], *args: Any, **named: Any) -> Sent:
        """Another thread has called: fn is called again, in the loop's."""
        return YES if self._loop.post(functools.partial(self._quietly, fn, *args, **named)) else NO

    def _quietly(self, fn: Callable[..., Any], *args: Any, **named: Any) -> None:
        try:
            fn(*args, **named)
        except Exception:
            log.exception("what another thread has asked for")

    # ---- handlers that wait or fail (called by the shim)

    def _log(self, level: str, text: str) -> None:
        log.log(LEVELS.get(level, logging.INFO), "%s", text)

    def _failed(self, fn: Any, socket: Any, event: str, error: BaseException) -> None:
        """A handler has raised."""
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise error
        if native.loop_replay(self._loop.core).get(None):
            self._replays_failed += 1
        else:
            self._failures += 1
        if self._generation is not None and self._generation.check_failed is not None:
            self._generation.check_failed(fn, event, error)
            return
        handlers = list(self._error_handlers) if isinstance(error, Exception) else []
        if not handlers:
            where = f" of {socket.id} in {socket.nsp.name}" if socket is not None else ""
            log.error("%s%s: %s", f"event {event!r}" if event else getattr(fn, "__qualname__", "handler"),
                      where, error if isinstance(error, Reject) else repr(error),
                      exc_info=(type(error), error, error.__traceback__))
        for handler, count in handlers:
            try:
                result = handler(*(error, socket, event)[:count])
                if inspect.isawaitable(result):
                    self._start(self._guard(result, "error handler"))
            except Exception:
                log.exception("error handler")

    async def _guard(self, awaitable: Any, what: str) -> None:
        try:
            await awaitable
        except Exception:
            log.exception(what)

    def _start(self, coro: Any) -> Any:
        return start(self._loop.asyncio or asyncio.get_running_loop(), coro, self._tasks)

    def _slow(self, fn: Any, event: str, ms: int) -> None:
        log.warning("event %r: the handler %s has kept everybody waiting for %d ms (async with await, or "
                    "thread=True, does not)", event, getattr(fn, "__qualname__", fn), ms)

    def _spawn(self, awaitable: Any, fn: Any, socket: Any, event: str, ack: Any, flags: int) -> None:
        """A client's event has a handler that waits."""
        call = Call("event", fn, socket, event, ack)
        self._start(self._run(awaitable, call))
        if flags & SERIAL and not call.ended:
            self._hold(call)

    def _hold(self, call: Call) -> None:
        """What else the client sends waits until the call has ended."""
        call.held = True
        self._held.add(call)
        native.socket_hold(call.socket._core, call.socket._handle)

    def _in_thread(self, fn: Any, args: Any, socket: Any, event: str, ack: Any, flags: int) -> None:
        loop = self._loop.asyncio
        if loop is not None:
            self._spawn(asyncio.wrap_future(self._executor().submit(fn, *args), loop=loop), fn, socket,
                        event, ack, flags)

    def _executor(self) -> Any:
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(thread_name_prefix="sioc")
        return self._pool

    async def _run(self, awaitable: Any, call: Call) -> None:
        try:
            result = await awaitable
        except asyncio.CancelledError:
            self._settle(call, None, Reject("cancelled"))
            raise
        except Exception as error:
            self._settle(call, None, error)
            if call.kind not in ("middleware", "packet") or not isinstance(error, Reject):
                self._failed(call.fn, call.socket, call.event, error)
        else:
            try:
                self._settle(call, result, None)
            except Exception as error:
                self._failed(call.fn, call.socket, call.event, error)
        finally:
            call.ended = True
            if call.replay is not None:
                self._unmute(call.replay)
            if call.held:
                self._held.discard(call)
                native.socket_release(call.socket._core, call.socket._handle)

    def _settle(self, call: Call, result: Any, error: Optional[BaseException]) -> None:
        """What the core, or the client, is told of a handler's end."""
        if call.kind == "event":
            if error is None and call.ack is not None:
                call.ack(*(result if isinstance(result, tuple) else () if result is None else (result,)))
        elif call.kind == "match":
            native.match(self._host, call.token, error is None and bool(result))
        elif call.kind == "packet":
            self._pass(call, error)
        elif call.kind == "middleware":
            if error is None:
                native.admit(self._host, call.socket._handle, None, NotImplemented)
            elif isinstance(error, Reject):
                native.admit(self._host, call.socket._handle, error.message, error._data)
            else:
                native.admit(self._host, call.socket._handle, str(error) or type(error).__name__,
                             NotImplemented)

    def _pass(self, call: Call, error: Optional[BaseException]) -> None:
        message = None if error is None else str(error) or type(error).__name__
        native.pass_(self._host, call.socket._handle, call.token, message,
                     error._data if isinstance(error, Reject) else NotImplemented)

    def _dispatch(self, kind: str, fn: Any, most: int, flags: int, socket: Any, args: Any, token: int) -> None:
        """All but clients' events: calls fn, and deals with what comes of it."""
        if kind == "room":
            event, args = args[0], args[1:]
        elif kind == "error":
            event, args = args[1], (Reject(args[0], *args[2:]), args[1])
        else:
            event = kind
            if socket is not None and not flags & 2:
                args = (socket, *args)
        if most >= 0:
            args = args[:most]
        call = Call(kind, fn, socket, event, None, token)
        if kind == "connection" and token:
            self._replay(call, args)
        else:
            self._call(call, args)

    def _replay(self, call: Call, args: Any) -> None:
        """Calls a connection handler again, for a socket that was there before: muted until it ends."""
        replay = self._begin_replay()
        call.replay = replay[0]
        self._replays += 1
        waits = False
        try:
            waits = self._call(call, args)
        finally:
            self._end_replay(replay, waits)

    def _begin_replay(self) -> Any:
        replay = [True]
        native.loop_replay_begin(self._loop.core)
        return replay, native.loop_replay(self._loop.core).set(replay)

    def _end_replay(self, begun: Any, waits: bool) -> None:
        replay, token = begun
        native.loop_replay(self._loop.core).reset(token)
        if not waits:
            self._unmute(replay)

    def _unmute(self, replay: List[bool]) -> None:
        if replay:
            replay.clear()
            native.loop_replay_end(self._loop.core)

    def _call(self, call: Call, args: Any) -> bool:
        """Whether it waits now."""
        try:
            result = call.fn(*args)
        except Exception as error:
            self._settle(call, None, error)
            if call.kind not in ("middleware", "packet") or not isinstance(error, Reject):
                self._failed(call.fn, call.socket, call.event, error)
            return False
        if not inspect.isawaitable(result):
            self._settle(call, result, None)
            return False
        self._start(self._run(result, call))
        if call.kind == "connection" and not call.ended:
            self._hold(call)
        return not call.ended

    def _ack_caller(self, fn: Any, many: bool) -> Any:
        """The function that the core calls with (status, answer) for a handler of answers."""
        if not callable(fn):
            raise TypeError(f"ack: a function is expected, not {type(fn).__name__}")

        def answered(status: Optional[str], answer: Any) -> None:
            error = None if status is None else of_status(status, answer)
            try:
                result = fn(error, list(answer)) if many else fn(error, *answer)
                if inspect.isawaitable(result):
                    self._start(self._guard(result, "ack"))
            except Exception as e:
                self._failed(fn, None, "ack", e)

        return answered
