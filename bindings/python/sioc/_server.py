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
import weakref
from typing import Any, Callable, Dict, List, Optional, Set

from . import native
from ._errors import Reject, of_status
from ._handlers import SERIAL, exactly
from ._engine import Engine
from ._http import Http
from ._loop import Loop
from ._namespace import Namespace
from ._reload import App, Generation, loading_app
from ._shared import Shared, new_store
from ._socket import Ack, Socket
from ._tasks import start
from ._values import Raw, Sent
from ._websocket import WebSockets

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


class Server(Engine, WebSockets, Http, Namespace):
    """A Socket.IO server.

    Options are keywords: ``sioc.Server(cors="https://app.example", ping_interval=25)``; times are in
    seconds, nested ones dicts.  `default` is called for values that cannot be sent as they are, as in
    the json module (see sioc.default).  `allow_request`: fn(request), plain or async, true when a client
    may connect; ``raise sioc.Reject("why")`` or false refuses it.  `generate_id`: fn(request), plain or
    async, the secret id of a session, 20 to 64 characters of A-Za-z0-9_-.  TypeError for an option that does not exist, ValueError for a
    value that it cannot have.

    Everything here is for the thread of the loop, but emit, join, leave, disconnect, answers and
    sockets_join, sockets_leave, disconnect_sockets: those may be called from any.
    """

    __slots__ = ()

    def __init__(self, *, default: Optional[Callable[[Any], Any]] = None,
                 allow_request: Optional[Callable[..., Any]] = None,
                 generate_id: Optional[Callable[..., Any]] = None, **options: Any):
        app = loading_app()
        self._app: Optional[App] = app
        self._generation: Optional[Generation] = app.loading if app else None
        self._loop = app.loop if app else Loop()
        self._addresses: List[Any] = []  # (host, port), of a script that is loaded
        self._held: Set[Call] = set()
        self._store: Any = None
        self._every: List[Any] = []  # (seconds, fn), before it serves
        self._repeating: Set[Any] = set()  # tasks that end with their generation
        self._error_handlers: List[Any] = []
        self._tasks: Set[Any] = set()
        self._registered = 0
        self._lifespans: List[Any] = []  # what begins before the first client, ends after the last
        self._streams: Dict[int, Any] = {}
        self._namespaces: Dict[str, Namespace] = {}
        self._parents: List[Any] = []  # (pattern or None, namespace)
        self._children: Any = weakref.WeakValueDictionary()  # those with sockets keep them alive
        self._serial = bool(options.get("serial", False))
        self._state = "new"  # serving, closing, closed; replaced (by a reload), retired
        self._closed: Optional[asyncio.Event] = None
        self._closers: Set[Any] = set()  # tasks that wait for the end
        self._end: Any = None
        self.state: Dict[str, Any] = {}
        pairs = flatten(options)
        if app is not None and self._generation is not None:
            given = {name for name, _ in app.settings.options}
            pairs = [pair for pair in pairs if pair[0] not in given] + app.settings.options
            before = app.current.servers if app.current else []
            if len(self._generation.servers) < len(before):
                self.state = before[len(self._generation.servers)].state
        self._host = native.server_new(self._loop.core, self, pairs, (Socket, Ack, Raw), (NO, YES), default)
        native.server_set_log(self._host, "debug" if log.isEnabledFor(logging.DEBUG) else "info")
        if self._generation is not None:
            self._generation.servers.append(self)
        self._bind(self, "/")
        self._namespaces["/"] = self
        self._begin_engine(allow_request, generate_id)
        folder = client_dir()
        if folder:
            native.server_set_client_dir(self._host, folder)

    def __repr__(self) -> str:
        return f"<sioc.Server {self._state}>"

    # ---- namespaces

    def of(self, name: Any) -> Namespace:
        """The namespace of that name, made when there is none."""
        if not isinstance(name, str):
            return self._match(name)
        if not name.startswith("/"):
            name = "/" + name
        nsp = self._namespaces.get(name)
        if nsp is None:
            child = self._child_of(name)
            if child is not None:
                return child
            nsp = Namespace.__new__(Namespace)
            nsp._bind(self, name)
            self._namespaces[name] = nsp
            self._registered += 1
        return nsp

    def _match(self, matcher: Any) -> Namespace:
        pattern = matcher if hasattr(matcher, "search") else None
        if pattern is not None:
            def fits(name: str) -> bool:
                return pattern.search(name) is not None

            matcher = fits
        elif not callable(matcher):
            raise TypeError("of: a name, a compiled regular expression or a function is expected, not "
                            f"{type(matcher).__name__}")
        most, _ = exactly(matcher, 1, 2, "of")
        parent = Namespace.__new__(Namespace)
        core = native.server_match(self._host, matcher, most)
        parent._bind(self, native.nsp_name(core), core)
        native.nsp_set_face(core, parent)
        self._parents.append((pattern, parent))
        self._registered += 1
        return parent

    def _child_of(self, name: str) -> Optional[Namespace]:
        """A name that belongs to a pattern is a child of its parent."""
        for pattern, parent in self._parents:
            if pattern is not None and pattern.search(name):
                core = native.nsp_child(parent._core, name)
                return None if core is None else self._child(core)
        return None

    def register(self, namespace: Namespace) -> Namespace:
        """Takes the handlers of a class that was derived from sioc.Namespace.
        ValueError: there is a namespace of that name."""
        if not isinstance(namespace, Namespace) or isinstance(namespace, Server):
            raise TypeError("register: an object of a class derived from sioc.Namespace is expected, not "
                            f"{type(namespace).__name__}")
        name = namespace.name
        if name == "/":
            namespace._bind(self, name, self._core)
        elif name in self._namespaces:
            raise ValueError(f"register: there is a namespace {name} already")
        else:
            namespace._bind(self, name)
            self._namespaces[name] = namespace
        namespace._register_methods()
        self._registered += 1
        return namespace

    def _child(self, core: Any) -> Namespace:
        """The object of a namespace that clients have brought about, or that only they still know."""
        key = native.nsp_key(core)
        nsp = self._children.get(key)
        if nsp is None:
            nsp = Namespace.__new__(Namespace)
            nsp._bind(self, native.nsp_name(core), core)
            self._children[key] = nsp
        return nsp

    # ---- running

    async def start(self, port: int = 3000, host: str = "127.0.0.1") -> int:
        """Serves in the running asyncio loop from now on; returns the port (for port 0).
        OSError: the address is in use, or is none of this machine."""
        if self._app is not None:
            return self._listen(port, host)
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
        self._start_repeating()
        return port

    async def serve(self, port: int = 3000, host: str = "127.0.0.1") -> None:
        """Serves in the running asyncio loop until close(), or until this is cancelled."""
        await self.start(port, host)
        if self._app is not None:  # it serves until the program ends
            await asyncio.get_running_loop().create_future()
        try:
            await self._closed.wait()
        finally:
            await self.close()

    def _listen(self, port: int, host: str) -> int:
        """In a script that `python3 -m sioc` runs: where to listen when it has loaded."""
        if self._state in ("replaced", "retired"):
            raise RuntimeError("this code was replaced by a reload")
        if self._state == "serving" and self._app is not None:
            return self._app.open_address(self, self._host, (host, port))
        if not 0 <= port <= 65535:
            raise ValueError(f"a port is a number from 0 to 65535, not {port}")
        self._addresses.append((host, port))
        return port

    def run(self, port: int = 3000, host: str = "127.0.0.1") -> None:
        """Serves until Ctrl-C, SIGTERM or close(): asyncio.run, with uvloop if it is there.  Prints
        "listening on http://HOST:PORT" when clients may come.

        In a script that ``python3 -m sioc`` runs it only says where to listen."""
        if self._app is not None:
            self._listen(port, host)
            return
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
        if self._state in ("closed", "replaced", "retired"):
            return
        caller = asyncio.current_task()
        if caller is not None:
            self._closers.add(caller)
        if self._state != "closing":
            self._state = "closing"
            self._end = asyncio.get_running_loop().create_task(self._close())
        await asyncio.shield(self._end)  # whoever calls may be one of those that are cancelled

    async def _close(self) -> None:
        done = asyncio.Event()
        native.server_close(self._host, done.set)
        await done.wait()
        tasks = [t for t in self._tasks if t not in self._closers]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        pool = getattr(self, "_pool", None)
        if pool is not None:
            pool.shutdown(wait=False)
        for part in reversed(self._lifespans):
            await self._guard(part.shutdown(), "shutdown")
        self._state = "closed"
        native.server_free(self._host)
        self._closed.set()
        if self._app is not None:
            self._app.server_closed()
        else:
            self._loop.detach()

    def shared(self, name: str) -> Shared:
        """A table of values that no reload touches, the same for all who name it; see sioc.Shared."""
        return Shared(self, name)

    def _shared_store(self) -> Any:
        if self._generation is not None and self._generation.shared is not None:
            return self._generation.shared
        if self._store is None:
            self._store = self._app.shared if self._app is not None else new_store()
        return self._store

    # ---- generations (see _reload)

    def _serve(self, before: "Optional[Server]") -> None:
        """The script has loaded; `before`: the server whose place it takes."""
        self._state = "serving"
        self._closed = asyncio.Event()
        self._start_repeating()

    def _rebound(self, socket: Socket, before: Optional[Socket]) -> None:
        """The socket is ours now; `before`: the object that handlers knew it by."""
        socket.reloaded = True
        if before is not None:
            socket._data = before.data

    def _busy(self) -> bool:
        return bool(self._tasks) or native.server_waiting(self._host)

    def _stop_repeating(self) -> None:
        for task in list(self._repeating):
            task.cancel()

    def _cancel(self) -> int:
        """Ends all handlers that wait; how many."""
        for call in self._held:
            native.socket_release(call.socket._core, call.socket._handle)
            call.held = False
        self._held.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        return len(tasks)

    def _abort_streams(self) -> None:
        for handle in list(self._streams):
            native.request_abort(self._host, handle)

    def on_unload(self, fn: Any) -> Any:
        """fn(), plain or async, when a reload has replaced this code; also as a decorator."""
        exactly(fn, 0, 0, "on_unload")
        if self._generation is not None:
            self._generation.unload.append(fn)
        return fn

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
        """Runs a coroutine as a task of the server: kept, cancelled when it closes, or when a reload
        has replaced this code.  Errors are logged."""
        return self._keep(asyncio.get_running_loop().create_task(self._guard(coro, "background task")))


    def every(self, seconds: float, fn: Any = None) -> Any:
        """Calls fn(), plain or async, again and again while the server runs; a call that takes longer
        than the time between two is not overtaken by the next.  Errors are logged.  Also as a
        decorator: ``@io.every(60)``.  ValueError: no time at all."""
        if not seconds > 0:
            raise ValueError("every: a time above 0 seconds is expected")
        if fn is None:
            return lambda f: self.every(seconds, f)
        exactly(fn, 0, 0, "every")
        self._every.append((seconds, fn))
        if self._state == "serving":
            self._start_repeating()
        return fn

    def _start_repeating(self) -> None:
        loop = asyncio.get_running_loop()
        for seconds, fn in self._every:
            self._keep(loop.create_task(self._repeat(loop, seconds, fn)))
        self._every.clear()

    async def _repeat(self, loop: asyncio.AbstractEventLoop, seconds: float, fn: Any) -> None:
        due = loop.time()
        while True:
            due = max(due + seconds, loop.time())
            await asyncio.sleep(due - loop.time())
            try:
                result = fn()
                if inspect.isawaitable(result):
                    await result
            except Exception as error:
                self._failed(fn, None, "", error)

    def _keep(self, task: Any) -> Any:
        for kept in (self._tasks, self._repeating):
            kept.add(task)
            task.add_done_callback(kept.discard)
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
