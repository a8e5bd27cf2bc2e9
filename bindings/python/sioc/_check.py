"""sioc.check: what a script tries out on itself before it serves, and sioc.test_socket, a client for that.

Checks run one after the other when the script has loaded.  Whatever comes of them is seen by nobody: their clients
are closed, tasks that they have brought about are cancelled, what was shared is forgotten, and io.state is what it
was.  The first error, of a check or of a handler that it has called, ends it all.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Tuple, Union, overload
from urllib.parse import urlencode

from . import native
from ._errors import AckTimeout, Disconnected, Reject
from ._failure import Refused, deadline, describe
from ._handlers import exactly
from ._reload import App, Generation, loading_app
from ._state import clone
from ._types import OnNothing

if TYPE_CHECKING:
    from ._server import Server
    from ._socket import Socket

SECONDS = 9.0  # for all checks of a script: a load has 10


@overload
def check(name: OnNothing) -> OnNothing: ...
@overload
def check(name: str) -> Callable[[OnNothing], OnNothing]: ...
@overload
def check(name: str, fn: OnNothing) -> OnNothing: ...
def check(name: Any, fn: Any = None) -> Any:
    """fn(), plain or async, is run when the script has loaded, before it serves: ``@sioc.check`` or
    ``@sioc.check("greets")``.  If it raises (``assert ...``), the script is refused: a reload keeps the old
    code, ``python3 -m sioc`` does not start, ``python3 -m sioc check`` exits with 1.  Without
    ``python3 -m sioc`` nothing is run.  TypeError: a function that wants arguments."""
    if callable(name):
        return check(name.__name__, name)
    if fn is None:
        return lambda f: check(name, f)
    exactly(fn, 0, 0, "check")
    app = loading_app()
    if app is not None and app.loading is not None:
        app.loading.checks.append((str(name), fn))
    return fn


class Emitted:
    """What the server has emitted to a test socket: ``name``, ``args`` (a tuple) and, if an answer is wanted,
    ``ack(*values)``, else None."""

    __slots__ = ("name", "args", "ack", "expected")

    def __init__(self, name: str, args: Tuple[Any, ...], ack: Optional[Callable[..., bool]]):
        self.name, self.args, self.ack = name, args, ack
        self.expected = False

    def __repr__(self) -> str:
        return f"Emitted({self.name!r}, {self.args!r})"


def one(args: Tuple[Any, ...]) -> Any:
    """As answers are told: None for nothing, a tuple for several values."""
    return None if not args else args[0] if len(args) == 1 else args


class TestSocket:
    """A client of a check, without a network: ``await sioc.test_socket()``.  ``nsp``: the name of its
    namespace."""

    __test__ = False  # pytest: it is none

    def __init__(self, server: "Server", nsp: str, timeout: float, query: str, address: Optional[str],
                 headers: List[Tuple[str, str]]):
        self.nsp = nsp
        self._id = ""
        self._timeout = timeout
        self._connected = False
        self._refused: Optional[Dict[str, Any]] = None
        self._emitted: List[Emitted] = []
        self._answers: Dict[int, Tuple[Any, ...]] = {}
        self._last = 0
        self._arrived = asyncio.Event()
        self._core = native.test_open(server._host, query, address, headers, self._arrived.set)

    def __repr__(self) -> str:
        return f"<sioc.TestSocket {self._id or 'not connected'} of {self.nsp}>"

    def _take(self) -> None:
        """What waits in the core."""
        while True:
            got = native.test_next(self._core)
            if got is None:
                return
            kind = got[0]
            if kind == "connected":
                self._id, self._connected = str(got[1]["sid"]), True
            elif kind == "refused":
                self._refused = got[1]
            elif kind == "event":
                self._emitted.append(Emitted(got[1], got[2], None if got[3] is None else self._answerer(got[3])))
            elif kind == "answer":
                self._answers[got[1]] = got[2]
            else:
                self._connected = False
                if kind == "closed":
                    return

    def _answerer(self, id: int) -> Callable[..., bool]:
        return lambda *args: bool(native.test_answer(self._core, self.nsp, id, args))

    async def _until(self, ready: Callable[[], bool], seconds: Optional[float]) -> bool:
        loop = asyncio.get_running_loop()
        end = loop.time() + (self._timeout if seconds is None else seconds)
        while True:
            self._arrived.clear()
            self._take()
            if ready():
                return True
            try:
                await asyncio.wait_for(self._arrived.wait(), end - loop.time())
            except asyncio.TimeoutError:
                return ready()

    async def _join(self, auth: Optional[Mapping[str, Any]]) -> None:
        native.test_connect(self._core, self.nsp, None if auth is None else dict(auth))
        if not await self._until(lambda: self._connected or self._refused is not None, None):
            raise AckTimeout()
        if self._refused is not None:
            raise Reject(self._refused["message"], self._refused.get("data", NotImplemented))

    @property
    def id(self) -> str:
        """The id of its socket."""
        return self._id

    @property
    def connected(self) -> bool:
        self._take()
        return self._connected

    @property
    def emitted(self) -> List[Emitted]:
        """What the server has emitted to it so far, in order."""
        self._take()
        return self._emitted

    @property
    def socket(self) -> Optional["Socket"]:
        """The socket on the server's side."""
        return native.test_socket(self._core, self.nsp, self._id)

    def receive(self, event: str, *args: Any) -> bool:
        """The server receives that event; its handlers have been called when this returns.  False: it is not
        connected.  ValueError: a reserved name."""
        self._take()
        return self._connected and bool(native.test_send(self._core, self.nsp, event, args, None))

    async def receive_with_ack(self, event: str, *args: Any) -> Any:
        """The same, and the answer: None for an empty one, a tuple for several values.  AckTimeout (2 s, or
        the option timeout), Disconnected."""
        self._take()
        id, self._last = self._last, self._last + 1
        if not self._connected or not native.test_send(self._core, self.nsp, event, args, id):
            raise Disconnected()
        await self._until(lambda: id in self._answers or not self._connected, None)
        if id in self._answers:
            return one(self._answers.pop(id))
        raise AckTimeout() if self._connected else Disconnected()

    async def expect(self, event: str, timeout: Optional[float] = None) -> Any:
        """Waits until the server has emitted that event, if it has not yet, and gives its arguments: None, one
        value, or a tuple of several.  Each one is given once.  AssertionError: nothing came."""
        found: List[Emitted] = []

        def look() -> bool:
            found[:] = [e for e in self._emitted if e.name == event and not e.expected][:1]
            return bool(found) or not self._connected

        await self._until(look, timeout)
        if not found:
            were = ", ".join(e.name for e in self._emitted[:20])
            raise AssertionError(f'no "{event}" was emitted{"" if self._connected else " before it was disconnected"}'
                                 f'{"; there were: " + were if were else ""}')
        found[0].expected = True
        return one(found[0].args)

    def disconnect(self) -> None:
        """Leaves the namespace."""
        self._take()
        if self._connected:
            native.test_disconnect(self._core, self.nsp)
        self._connected = False

    def close(self) -> None:
        """Closes the connection."""
        self._take()
        self._connected = False
        native.test_close(self._core)
        self._arrived.set()


async def test_socket(*, nsp: str = "/", auth: Optional[Mapping[str, Any]] = None,
                      headers: Optional[Mapping[str, str]] = None, query: Optional[Mapping[str, Any]] = None,
                      address: Optional[str] = None, server: "Optional[Server]" = None,
                      timeout: float = 2.0) -> TestSocket:
    """A client that has joined the namespace, of the script's first server or of `server`; only in a check.
    timeout: how long anything is waited for, in seconds.  Reject: it was refused; AckTimeout; RuntimeError:
    this is no check."""
    app = App.current_app
    generation = app.checking if app is not None else None
    if generation is None:
        raise RuntimeError("test_socket: only in a check (sioc.check)")
    if server is None:
        if not generation.servers:
            raise RuntimeError("test_socket: the script has no server")
        server = generation.servers[0]
    test = TestSocket(server, nsp if nsp.startswith("/") else "/" + nsp, timeout, urlencode(query or {}), address,
                      list((headers or {}).items()))
    generation.tests.append(test)
    await test._join(auth)
    return test


test_socket.__test__ = False  # type: ignore[attr-defined]


# ---- running them

class Failed(Exception):
    """A handler has raised."""

    def __init__(self, event: str, error: BaseException):
        super().__init__(event)
        self.event, self.error = event, error


def sentence(name: str, error: BaseException, script: str) -> str:
    if isinstance(error, Failed):
        return describe(error.error, script, f'check "{name}": error in {error.event}: ')
    if isinstance(error, asyncio.TimeoutError) and not isinstance(error, AckTimeout):
        return f'{script}: check "{name}": it was not over in time'
    return describe(error, script, f'check "{name}": ')


class Checks:
    """The checks of a generation that has loaded, and what they must leave as it was."""

    def __init__(self, app: App, generation: Generation):
        self.app, self.generation = app, generation
        self.failure: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()

    def fail(self, fn: Any, event: str, error: BaseException) -> None:
        if not self.failure.done():
            self.failure.set_exception(Failed(f'event "{event}"' if event else getattr(fn, "__qualname__", "handler"), error))

    async def _run(self, fn: Callable[[], Any], seconds: float) -> None:
        with deadline():
            result = fn()
        if inspect.isawaitable(result):
            task = asyncio.ensure_future(result)
            task.add_done_callback(lambda t: t.cancelled() or t.exception())  # it may end when nobody looks any more
            try:
                await asyncio.wait([self.failure, task], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                if not self.failure.done():
                    if not task.done():
                        raise asyncio.TimeoutError()
                    task.result()
            finally:
                task.cancel()
        if self.failure.done():
            self.failure.result()

    async def run(self) -> None:
        """Refused: one of them has failed."""
        loop = asyncio.get_running_loop()
        end = loop.time() + SECONDS
        for name, fn in self.generation.checks:
            try:
                await self._run(fn, end - loop.time())
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                raise Refused(sentence(name, error, self.app.path)) from None

    def begin(self) -> List[Tuple[Any, Dict[str, Any]]]:
        drafts = {id(draft.state): draft for draft in self.generation.states}
        states = [(server, server.state) for server in self.generation.servers]
        for server, state in states:
            server.state = drafts[id(state)].preview() if id(state) in drafts else clone(state)
        return states

    def end(self, states: List[Tuple[Any, Dict[str, Any]]]) -> None:
        for test in self.generation.tests:
            test.close()
        self.generation.tests = []
        for server, state in states:
            server.state = state
            server._cancel()
        if self.failure.done():
            self.failure.exception()


async def run_checks(app: App, generation: Generation) -> None:
    """Refused: one of them has failed."""
    if not generation.checks or generation.is_rollback:
        return
    checks = Checks(app, generation)
    states, shared = checks.begin(), generation.shared
    generation.shared = native.shared_draft(shared)
    app.checking, generation.check_failed = generation, checks.fail
    try:
        await checks.run()
    finally:
        app.checking, generation.check_failed = None, None
        generation.shared = shared
        checks.end(states)
