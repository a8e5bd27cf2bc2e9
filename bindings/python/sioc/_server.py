"""The server: running, closing, and what happens to handlers that wait, fail or ask."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import os
import pathlib
import signal
import sys
import threading
from typing import Any, Callable, Dict, List, Optional, Set

from . import native
from ._errors import Reject, of_status
from ._handlers import SERIAL
from ._http import Http
from ._loop import Loop
from ._namespace import Namespace
from ._socket import Ack, Socket
from ._tasks import start
from ._values import Raw, Sent

log = logging.getLogger("sioc")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
NO, YES = Sent(0), Sent(1)
# These are switches and settings at once: settings turn them on.
SWITCHES = ("cookie", "http_compression", "per_message_deflate", "connection_state_recovery")


def flatten(options: Dict[str, Any], prefix: str = "") -> List[Any]:
    """Nested dicts as dotted names, lists as several values, as the core wants them."""
    pairs: List[Any] = []
    for name, value in options.items():
        name = prefix + name
        if value is None:
            continue
        if name == "cors" and not isinstance(value, dict):
            name = "cors.origin"
        if isinstance(value, dict):
            if name in SWITCHES:
                pairs.append((name, True))
            pairs.extend(flatten(value, name + "."))
        elif isinstance(value, (list, tuple, set, frozenset)):
            pairs.extend((name, item) for item in value)
        else:
            pairs.append((name, os.fspath(value) if isinstance(value, os.PathLike) else value))
    return pairs


class Call:
    """A handler that waits, and what depends on its end."""

    __slots__ = ("kind", "fn", "socket", "event", "ack", "token", "held", "ended")

    def __init__(self, kind: str, fn: Any, socket: Any, event: str, ack: Any = None, token: int = 0):
        self.kind = kind
        self.fn = fn
        self.socket = socket
        self.event = event
        self.ack = ack
        self.token = token
        self.held = False
        self.ended = False


class Server(Http, Namespace):
    """A Socket.IO server.

    Options are keywords: ``sioc.Server(cors="https://app.example", ping_interval=25)``; times are in
    seconds, nested ones dicts.  `default` is called for values that cannot be sent as they are, as in
    the json module (see sioc.default).  TypeError for an option that does not exist, ValueError for a
    value that it cannot have.

    Everything here is for the thread of the loop, but emit, join, leave, disconnect, answers and
    sockets_join, sockets_leave, disconnect_sockets: those may be called from any.
    """

    __slots__ = ()

    def __init__(self, *, default: Optional[Callable[[Any], Any]] = None, **options: Any):
        self._loop = Loop()
        self._error_handlers: List[Any] = []
        self._tasks: Set[Any] = set()
        self._registered = 0
        self._lifespans: List[Any] = []  # what begins before the first client, ends after the last
        self._streams: Dict[int, Any] = {}
        self._namespaces: Dict[str, Namespace] = {}
        self._serial = bool(options.get("serial", False))
        self._state = "new"  # serving, closing, closed
        self._closed: Optional[asyncio.Event] = None
        self.state: Dict[str, Any] = {}
        self._host = native.server_new(self._loop.core, self, flatten(options), (Socket, Ack, Raw),
                                       (NO, YES), default)
        native.server_set_log(self._host, "debug" if log.isEnabledFor(logging.DEBUG) else "info")
        self._bind(self, "/")
        self._namespaces["/"] = self
        folder = client_dir()
        if folder:
            native.server_set_client_dir(self._host, folder)

    def __repr__(self) -> str:
        return f"<sioc.Server {self._state}>"

    # ---- namespaces

    def of(self, name: Any) -> Namespace:
        """The namespace of that name, made when there is none."""
        if not isinstance(name, str):
            raise NotImplementedError("dynamic namespaces are still to come")
        if not name.startswith("/"):
            name = "/" + name
        nsp = self._namespaces.get(name)
        if nsp is None:
            nsp = Namespace.__new__(Namespace)
            nsp._bind(self, name)
            self._namespaces[name] = nsp
            self._registered += 1
        return nsp

    # ---- running

    async def start(self, port: int = 3000, host: str = "127.0.0.1") -> int:
        """Serves in the running asyncio loop from now on; returns the port (for port 0).
        OSError: the address is in use, or is none of this machine."""
        if self._state != "new":
            raise RuntimeError(f"the server is {self._state} already" if self._state == "serving" else
                               "the server was closed; make a new one")
        self._loop.attach()
        begun: List[Any] = []
        try:
            for part in self._lifespans:
                await part.startup()
                begun.append(part)
            port = native.server_listen(self._host, host, port)
        except BaseException:
            for part in reversed(begun):
                await part.shutdown()
            self._loop.detach()
            raise
        self._state = "serving"
        self._closed = asyncio.Event()
        return port

    async def serve(self, port: int = 3000, host: str = "127.0.0.1") -> None:
        """Serves in the running asyncio loop until close(), or until this is cancelled."""
        await self.start(port, host)
        try:
            await self._closed.wait()
        finally:
            await self.close()

    def run(self, port: int = 3000, host: str = "127.0.0.1") -> None:
        """Serves until Ctrl-C, SIGTERM or close(): asyncio.run, with uvloop if it is there.  Prints
        "listening on http://HOST:PORT" when clients may come."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("an asyncio loop runs here already: await io.serve(port) in it")
        if self._state != "new":
            raise RuntimeError("the server is serving already" if self._state == "serving" else
                               "the server was closed; make a new one")
        run_loop(self._main(port, host))

    async def _main(self, port: int, host: str) -> None:
        port = await self.start(port, host)
        loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            loop.add_signal_handler(signal.SIGTERM, lambda: loop.create_task(self.close()))
        scheme = "https" if native.server_secure(self._host) else "http"
        print(f"listening on {scheme}://{host}:{port}", flush=True)
        try:
            await self._closed.wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """Disconnects everybody ("server shutting down"), waits until all output is out, then for
        handlers that still run (they are cancelled)."""
        if self._state == "new":
            self._state = "closed"
            native.server_free(self._host)
            return
        if self._state == "closed":
            return
        if self._state == "closing":
            await self._closed.wait()
            return
        self._state = "closing"
        done = asyncio.Event()
        native.server_close(self._host, done.set)
        await asyncio.shield(done.wait())
        current = asyncio.current_task()
        tasks = [t for t in self._tasks if t is not current]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
        for part in reversed(self._lifespans):
            await self._guard(part.shutdown(), "shutdown")
        self._state = "closed"
        native.server_free(self._host)
        self._loop.detach()
        self._closed.set()

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
        handlers = list(self._error_handlers) if isinstance(error, Exception) else []
        if not handlers:
            where = f" of {socket.id} in {socket.nsp.name}" if socket is not None else ""
            log.error("%s%s: %s", f"event {event!r}" if event else getattr(fn, "__qualname__", "handler"),
                      where, error if isinstance(error, Reject) else repr(error),
                      exc_info=(type(error), error, error.__traceback__))
        for handler in handlers:
            try:
                count = min(3, handler_count(handler))
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

    def _spawn(self, awaitable: Any, fn: Any, socket: Any, event: str, ack: Any, flags: int) -> None:
        """A client's event has a handler that waits."""
        call = Call("event", fn, socket, event, ack)
        self._start(self._run(awaitable, call))
        if flags & SERIAL and not call.ended:
            call.held = True
            native.socket_hold(socket._core, socket._handle)

    def _in_thread(self, fn: Any, args: Any, socket: Any, event: str, ack: Any, flags: int) -> None:
        loop = self._loop.asyncio
        if loop is not None:
            self._spawn(asyncio.wrap_future(self._executor().submit(fn, *args), loop=loop), fn, socket,
                        event, ack, flags)

    def _executor(self) -> Any:
        if getattr(self, "_pool", None) is None:
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
            if call.held:
                native.socket_release(call.socket._core, call.socket._handle)

    def _settle(self, call: Call, result: Any, error: Optional[BaseException]) -> None:
        """What the core, or the client, is told of a handler's end."""
        if call.kind == "event":
            if error is None and call.ack is not None:
                call.ack(*(result if isinstance(result, tuple) else () if result is None else (result,)))
        elif call.kind == "middleware":
            if error is None:
                native.admit(self._host, call.socket._handle, None, NotImplemented)
            elif isinstance(error, Reject):
                native.admit(self._host, call.socket._handle, error.message, error._data)
            else:
                native.admit(self._host, call.socket._handle, str(error) or type(error).__name__,
                             NotImplemented)

    def _dispatch(self, kind: str, fn: Any, most: int, flags: int, socket: Any, args: Any, token: int) -> None:
        """All but clients' events: calls fn, and deals with what comes of it."""
        if kind in ("room",):
            event, args = args[0], args[1:]
        else:
            event = kind
            if socket is not None and not flags & 2:
                args = (socket, *args)
        if most >= 0:
            args = args[:most]
        call = Call(kind, fn, socket, event, None, token)
        try:
            result = fn(*args)
        except Exception as error:
            self._settle(call, None, error)
            if kind != "middleware" or not isinstance(error, Reject):
                self._failed(fn, socket, event, error)
            return
        if inspect.isawaitable(result):
            self._start(self._run(result, call))
            if kind == "connection" and not call.ended:
                call.held = True
                native.socket_hold(socket._core, socket._handle)
        else:
            self._settle(call, result, None)

    def _ack_caller(self, fn: Any, many: bool) -> Any:
        """The function that the core calls with (status, answer) for a handler of answers."""

        def answered(status: Optional[str], answer: Any) -> None:
            error = None if status is None else of_status(status, answer)
            try:
                result = fn(error, list(answer)) if many else fn(error, *answer)
                if inspect.isawaitable(result):
                    self._start(self._guard(result, "ack"))
            except Exception as e:
                self._failed(fn, None, "ack", e)

        return answered

    # ---- more

    @property
    def clients_count(self) -> int:
        """Clients that are connected (each may have sockets in several namespaces)."""
        return native.server_client_count(self._host)

    @property
    def metrics(self) -> Dict[str, int]:
        """Counters, by name."""
        return native.server_metrics(self._host)

    def background_task(self, coro: Any) -> Any:
        """Runs a coroutine as a task of the server: kept, cancelled when it closes.  Errors are
        logged."""
        task = asyncio.get_running_loop().create_task(self._guard(coro, "background task"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


@functools.lru_cache(maxsize=256)
def _count(fn: Any) -> int:
    from ._handlers import shape

    count, _ = shape(fn, 0, "error", ack=False)
    return 3 if count < 0 else count


def handler_count(fn: Any) -> int:
    try:
        return _count(fn)
    except TypeError:  # unhashable
        return 3


def run_loop(main: Any) -> None:
    """asyncio.run; with uvloop, if it is there."""
    try:
        import uvloop
    except ImportError:
        uvloop = None
    try:
        if uvloop is None:
            asyncio.run(main)
        elif sys.version_info >= (3, 12):
            asyncio.run(main, loop_factory=uvloop.new_event_loop)
        else:
            policy = asyncio.get_event_loop_policy()
            asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
            try:
                asyncio.run(main)
            finally:
                asyncio.set_event_loop_policy(policy)
    except KeyboardInterrupt:
        if sys.flags.interactive:
            raise


def client_dir() -> Optional[str]:
    """The folder of the browser client's files: of the environment, the package, or the build tree."""
    given = os.environ.get("SIOC_CLIENT_DIR")
    here = pathlib.Path(__file__).parent
    for folder in (given, here / "client", *(p / "build/data/client" for p in pathlib.Path(__file__).resolve().parents[:4])):
        if folder and os.path.isfile(os.path.join(folder, "socket.io.js")):
            return str(folder)
    return None
