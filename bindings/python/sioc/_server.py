"""The server: options, running, closing, and its part in reloads."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import weakref
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Pattern, Set, Tuple

from . import native
from ._calls import NO, YES, Call, Calls
from ._engine import Engine
from ._handlers import exactly
from ._http import Http
from ._library import offer_api
from ._loop import Loop, run_loop
from ._namespace import Namespace
from ._options import client_dir, flatten
from ._reload import App, Generation, loading_app
from ._repeat import Repeating
from ._shared import Shared, new_store
from ._socket import Ack, Socket
from ._spaces import Spaces
from ._values import Raw
from ._websocket import WebSockets

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import OnNothing, Options, Question

log = logging.getLogger("sioc")


class Server(Spaces, Calls, Repeating, Engine, WebSockets, Http, Namespace):
    """A Socket.IO server.

    Options are keywords: ``sioc.Server(cors="https://app.example", ping_interval=25)``; times are in
    seconds, nested ones dicts.  `default` is called for values that cannot be sent as they are, as in
    the json module (see sioc.default).  `allow_request`: fn(request), plain or async, true when a client
    may connect; ``raise sioc.Reject("why")`` or false refuses it.  `generate_id`: fn(request), plain or
    async, the secret id of a session, 20 to 64 characters of A-Za-z0-9_-.  TypeError for an option that
    does not exist, ValueError for a value that it cannot have.

    Everything here is for the thread of the loop, but emit, join, leave, disconnect, answers and
    sockets_join, sockets_leave, disconnect_sockets: those may be called from any.
    """

    def __init__(self, *, default: Optional[Callable[[Any], Any]] = None,
                 allow_request: Optional[Question] = None, generate_id: Optional[Question] = None,
                 **options: Unpack[Options]):
        if default is not None and not callable(default):
            raise TypeError(f"default: a function is expected, not {type(default).__name__}")
        app = loading_app()
        self._app: Optional[App] = app
        self._generation: Optional[Generation] = app.loading if app else None
        self._loop = app.loop if app else Loop()
        self._addresses: List[Any] = []  # (host, port), of a script that is loaded
        self._held: Set[Call] = set()
        self._store: Any = None
        self._pool: Any = None  # threads, for handlers that block
        self._every: List[Any] = []  # (seconds, fn), before it serves
        self._repeating: Set[Any] = set()  # tasks that end with their generation
        self._error_handlers: List[Any] = []
        self._tasks: Set[Any] = set()
        self._registered = 0
        self._lifespans: List[Any] = []  # what begins before the first client, ends after the last
        self._streams: Dict[int, Any] = {}
        self._namespaces: Dict[str, Namespace] = {}
        self._parents: List[Tuple[Optional[Pattern[str]], Namespace]] = []  # (pattern or None, namespace)
        self._children: Any = weakref.WeakValueDictionary()  # those with sockets keep them alive
        self._serial = bool(options.get("serial", False))
        self._state = "new"  # serving, closing, closed; replaced (by a reload), retired
        self._closed: asyncio.Event  # when it serves
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
        self._rollback = {name: value for name, value in pairs if name.partition(".")[0] == "rollback"}
        offer_api(pairs)
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
        if self._pool is not None:
            self._pool.shutdown(wait=False)
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

    def on_unload(self, fn: OnNothing) -> OnNothing:
        """fn(), plain or async, when a reload has replaced this code; also as a decorator."""
        exactly(fn, 0, 0, "on_unload")
        if self._generation is not None:
            self._generation.unload.append(fn)
        return fn

    # ---- more

    @property
    def clients_count(self) -> int:
        """Clients that are connected (each may have sockets in several namespaces)."""
        return native.server_client_count(self._host)

    @property
    def metrics(self) -> Dict[str, int]:
        """Counters, by name."""
        return native.server_metrics(self._host)
