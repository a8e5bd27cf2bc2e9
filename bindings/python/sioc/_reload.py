"""An application and its generations: what ``python3 -m sioc app.py`` runs.

A script that is loaded with all its servers is a generation.  The next one is loaded aside, takes over
every connection between two events, and the one before finishes what it has begun; the core says when
(sioc/script.h).  What a script does while it is loaded is seen by nobody until it is swapped in, and a
script that fails changes nothing.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import signal
import sys
import traceback
import types
from typing import Any, Dict, List, Optional, Set, Tuple

from . import native
from ._failure import LoadTimeout, Refused, deadline, describe, exit_status
from ._loop import Loop
from ._modules import Finder, Kept, read_script, run_script
from ._shared import new_store
from ._state import Draft

log = logging.getLogger("sioc")
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 3000


class Generation:
    """What one load of the script has made."""

    def __init__(self, number: int):
        self.number = number
        self.servers: List[Any] = []
        self.unload: List[Any] = []
        self.module: Any = None
        self.before: Dict[str, Any] = {}  # the modules that it has replaced
        self.main_before: Any = None
        self.files: Set[str] = set()
        self.loading: Optional[asyncio.Task[Any]] = None
        self.served = False
        self.shared: Any = None  # a draft, until it serves
        self.states: List[Draft] = []  # the same
        self.begun: List[Any] = []  # lifespans
        self.kept = Kept()  # what it was loaded from
        self.is_rollback = False
        self.checks: List[Tuple[str, Any]] = []  # (name, function)
        self.tests: List[Any] = []  # clients of checks
        self.check_failed: Any = None  # (function, event, error), while a check runs


class App:
    """The script at `path`.  settings: of the command line (see _cli)."""

    current_app: "Optional[App]" = None

    def __init__(self, settings: Any):
        self.settings = settings
        self.path = os.path.abspath(settings.script)
        self.loop = Loop()
        self.finder = Finder(os.path.dirname(self.path))
        self.loading: Optional[Generation] = None  # its script runs just now
        self.current: Optional[Generation] = None
        self.checking: Optional[Generation] = None  # its checks run just now
        self.refused_files: Set[str] = set()
        self.script: Any = None
        self.watch: Any = None
        self.shared = new_store()
        self.exit_code = 0
        self.closing = False
        self._ended = asyncio.Event()
        App.current_app = self

    @property
    def number(self) -> int:
        """The generation that is loaded, or serves."""
        generation = self.loading or self.current or self.checking
        return generation.number if generation else 1

    @property
    def is_rollback(self) -> bool:
        """It is an earlier script that was loaded back."""
        generation = self.loading or self.current
        return generation is not None and generation.is_rollback

    # ---- loading

    def execute(self, generation: Generation, back: Optional[Kept] = None) -> None:
        """Runs the script, as it is now or (back) was.  Refused: the message, with a traceback."""
        finder = self.finder
        finder.files = {self.path}
        finder.kept, finder.back = generation.kept, back
        generation.is_rollback = back is not None
        module = types.ModuleType("__main__")
        module.__file__ = self.path
        module.__dict__["__builtins__"] = __builtins__
        generation.module = module
        generation.shared = native.shared_draft(self.shared)
        generation.before = finder.take_out()
        generation.main_before = sys.modules.get("__main__")
        sys.modules["__main__"] = module
        generation.states = [Draft(server.state) for server in self.current.servers] if self.current else []
        self.loading = generation
        try:
            with deadline():
                generation.kept.script = read_script(self.path) if back is None else back.script
                run_script(self.path, module, generation.kept.script)
        except (Exception, LoadTimeout, SystemExit) as error:
            raise Refused(describe(error, self.path)) from (error if isinstance(error, SystemExit) else None)
        finally:
            self.loading = None
            generation.files = finder.files
            for draft in generation.states:
                draft.suspend()

    async def begin(self, generation: Generation) -> None:
        """What has to begin before the first client: lifespans of mounted applications.  Then its checks."""
        from ._check import run_checks

        for server in generation.servers:
            for part in server._lifespans:
                try:
                    await part.startup()
                except Exception as error:
                    raise Refused(describe(error, self.path)) from None
                generation.begun.append(part)
        await run_checks(self, generation)

    def settle(self, generation: Generation) -> None:
        """The command line beats the script, for its first server: one address is left then."""
        s = self.settings
        if generation.servers:
            addresses = generation.servers[0]._addresses
            host, port = addresses[0] if addresses else (DEFAULT_HOST, DEFAULT_PORT)
            if not addresses or s.host is not None or s.port is not None:
                addresses[:] = [(s.host if s.host is not None else host, s.port if s.port is not None else port)]
            for folder in s.statics:
                generation.servers[0].static("/", folder)

    def check(self, generation: Generation) -> None:
        if any(server._state != "new" for server in generation.servers):
            raise Refused("the script closes its server while it loads")
        for server in generation.servers:
            if not server._addresses:
                raise Refused("a server of the script has no address: call io.run(port=...)")
        if not sum(server._registered for server in generation.servers):
            raise Refused("the script registers no handler, no route and no namespace (is the file cut off?)")

    def open_address(self, server: Any, host: Any, address: Tuple[str, int]) -> int:
        port = native.server_listen(host, *address)
        scheme = "https" if native.server_secure(server._host) else "http"
        name = f"[{address[0]}]" if ":" in address[0] else address[0]
        print(f"listening on {address[0]}" if name.startswith("unix:") else
              f"listening on {scheme}://{name}:{port}", flush=True)
        return port

    def undo(self, generation: Generation) -> None:
        """It will never serve."""
        self.finder.put_back(generation.before)
        if generation.main_before is not None:
            sys.modules["__main__"] = generation.main_before
        if generation.loading is not None:
            generation.loading.cancel()
        for test in generation.tests:
            test.close()
        for server in generation.servers:
            server._cancel()
            if server._state == "new":
                server._state = "closed"
                native.server_free(server._host)
        self._end_lifespans(generation)
        self.refused_files = generation.files

    def _end_lifespans(self, generation: Generation) -> None:
        loop = self.loop.asyncio
        if generation.begun and loop is not None:
            server = generation.servers[0]
            for part in generation.begun:
                loop.create_task(server._guard(part.shutdown(), "shutdown"))
        generation.begun = []

    # ---- what the core asks for

    def _load(self, number: int, back: Optional[Kept] = None) -> Generation:
        generation = Generation(number)
        try:
            self.execute(generation, back)
            error = None
        except Refused as refused:
            error = str(refused)
        assert self.loop.asyncio is not None
        generation.loading = self.loop.asyncio.create_task(self._finish_load(generation, error))
        return generation

    async def _finish_load(self, generation: Generation, error: Optional[str]) -> None:
        if error is None:
            try:
                await self.begin(generation)
            except Refused as refused:
                error = str(refused)
        generation.loading = None
        native.script_loaded(self.script, generation, error)

    def _swap(self, generation: Generation) -> Optional[str]:
        assert self.current is not None
        old = [s for s in self.current.servers if s._state == "serving"]
        opened: List[Any] = []
        try:
            self.settle(generation)
            self.check(generation)
            for i, server in enumerate(generation.servers):
                host = old[i]._host if i < len(old) else server._host
                native.server_load_tls(server._host)
                for address in server._addresses:
                    if not native.server_listens(host, *address):
                        self.open_address(server, host, address)
                        opened.append((host, address))
        except (Refused, OSError, ValueError) as error:
            for host, address in opened:
                native.server_unlisten(host, *address)
            return str(error)
        self._judge(generation)
        self._take_over(generation, old)
        generation.served = True
        self._commit(generation)
        generation.before = {}
        generation.main_before = None
        self.current = generation
        return None

    def _commit(self, generation: Generation) -> None:
        lost = native.shared_commit(generation.shared)
        generation.shared = None
        for draft in generation.states:
            draft.commit()
        generation.states = []
        if lost:
            log.warning("reload: %d of the values that the script has shared while it was loaded had no room", lost)

    def _take_over(self, generation: Generation, old: List[Any]) -> None:
        for server, before in zip(generation.servers, old):
            native.server_adopt(server._host, before._host)
            before._state = "replaced"
            for host, port in native.server_addresses(server._host):
                if (host, port) not in server._addresses:
                    native.server_unlisten(server._host, host, port)
            server._serve(before)
        for server in generation.servers[len(old):]:
            server._serve(None)
        for before in old[len(generation.servers):]:
            self._abandon(generation, before)

    def _abandon(self, generation: Generation, before: Any) -> None:
        """The script has fewer servers: this one keeps its connections, and nothing else."""
        from ._server import Server

        for host, port in native.server_addresses(before._host):
            native.server_unlisten(before._host, host, port)
        self.loading = generation
        try:
            empty = Server()
        finally:
            self.loading = None
        native.server_adopt(empty._host, before._host)
        before._state = "replaced"
        empty._serve(before)
        log.warning("reload: a server is gone from the script; its %d clients are ignored", empty.clients_count)

    def _rebind(self, generation: Generation, most: int) -> Tuple[int, bool]:
        total, more = 0, False
        for server in generation.servers:
            if server._state != "serving":
                continue
            if total >= most:
                return total, True
            count, more = native.server_rebind(server._host, most - total)
            total += count
            if more:
                break
        return total, more

    def _retire(self, generation: Generation) -> None:
        for server in generation.servers:
            server._stop_repeating()
        for fn in generation.unload:
            try:
                result = fn()
                if inspect.isawaitable(result) and generation.servers:
                    server = generation.servers[0]
                    server._start(server._guard(result, "on_unload"))
            except Exception:
                log.exception("on_unload")

    def _busy(self, generation: Generation) -> bool:
        return any(server._busy() for server in generation.servers)

    def _drop(self, generation: Generation) -> int:
        if not generation.served:
            self.undo(generation)
            return 0
        ended: int = sum(server._cancel() for server in generation.servers)
        for server in generation.servers:
            server._abort_streams()
            native.server_retire(server._host)
            if server._state == "replaced":
                server._state = "retired"
        self._end_lifespans(generation)
        return ended

    def _judge(self, generation: Generation) -> None:
        """When it is given up by itself."""
        rules = dict(generation.servers[0]._rollback) if generation.servers else {}
        on = rules.get("rollback", True) and (bool(rules) or not self.settings.watch)
        native.script_set_rollback(self.script, float(rules.get("rollback.window", 30)) if on else 0.0,
                                   rules.get("rollback.threshold", 20) / 100, rules.get("rollback.min_handlers", 20))

    def _keep(self, generation: Generation) -> Kept:
        return generation.kept

    def _load_back(self, number: int, kept: Kept) -> Generation:
        return self._load(number, kept)

    def _stats(self, generation: Generation) -> Tuple[int, int, int, int]:
        handled = failed = replays = replays_failed = 0
        for server in generation.servers:
            handled += native.server_handled(server._host) + server._called - server._replays
            failed += server._failures
            replays += server._replays
            replays_failed += server._replays_failed
        return handled, failed, replays, replays_failed

    def _outcome(self, error: Optional[str], number: int, load_ms: float, sockets: int, rebind_ms: float,
                 stall_ms: float, whose: int, why: str) -> None:
        what = "rollback" if whose else "reload"
        if error is not None:
            log.error("%s refused, generation %d serves on: %s%s", what, number, error, f" ({why})" if why else "")
        else:
            self.refused_files = set()
            log.log(logging.WARNING if whose else logging.INFO,
                    "%s: generation %d serves%s after %.1f ms; %d sockets re-bound in %.1f ms, longest pause "
                    "%.1f ms%s", what, number, f" the script of generation {whose}" if whose else "", load_ms,
                    sockets, rebind_ms, stall_ms, f"; {why}" if why else "")
        self.follow()

    def _retired(self, number: int, ended: int) -> None:
        if ended:
            log.warning("generation %d is gone; %d handlers that still waited were ended", number, ended)
        else:
            log.debug("generation %d is gone", number)

    # ---- running

    def follow(self) -> None:
        """Watches what was loaded, and what the last one that was refused was loaded from."""
        if self.watch is not None and self.current is not None:
            native.watch_set(self.watch, sorted(self.current.files | self.refused_files))

    def reload(self) -> None:
        if not self.closing and self.script is not None:
            native.script_reload(self.script)

    def rollback(self) -> None:
        """The script of before the last reload again."""
        if not self.closing and self.script is not None:
            native.script_rollback(self.script)

    def _on_signal(self, number: int) -> None:
        if self.closing:
            os._exit(128 + number)
        self.close()

    def close(self, exit_code: int = 0) -> None:
        """Ends the program."""
        if not self.closing:
            self.closing = True
            self.exit_code = exit_code
            self._ended.set()

    async def main(self) -> int:
        """Serves until it is told to end; the exit code."""
        self.loop.attach()
        if self.settings.watch:
            self.watch = native.watch_new(self.loop.core, self.reload, self.settings.watch_poll)
        code = await self._begin()
        if code is not None:
            return code
        await self._ended.wait()
        await self._end()
        return self.exit_code

    async def _begin(self) -> Optional[int]:
        """The first generation; the exit code if it does not serve."""
        generation = Generation(1)
        try:
            self.execute(generation)
            await self.begin(generation)
            if self.settings.check:
                self.undo(generation)
                return 0
            if not generation.servers:
                raise Refused(f"{self.settings.script}: the script makes no sioc.Server")
            self.settle(generation)
            for number, server in enumerate(generation.servers, 1):
                if not server._addresses:
                    raise Refused(f"sioc: server {number} of the script has no address: call io.run(port=...)")
                for address in server._addresses:
                    try:
                        self.open_address(server, server._host, address)
                    except (OSError, ValueError) as error:
                        raise Refused(f"sioc: {error}") from None
        except Refused as refused:
            self._end_lifespans(generation)
            if isinstance(refused.__cause__, SystemExit):
                return exit_status(refused.__cause__)
            print(refused, file=sys.stderr, flush=True)
            return 1
        self._serve(generation)
        return None

    def _serve(self, generation: Generation) -> None:
        loop = asyncio.get_running_loop()
        for server in generation.servers:
            server._serve(None)
        generation.served = True
        self._commit(generation)
        generation.before = {}
        generation.main_before = None
        self.current = generation
        self.script = native.script_new(self.loop.core, self, generation)
        self.follow()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        loop.add_signal_handler(signal.SIGUSR2, self.rollback)
        self._judge(generation)

    def server_closed(self) -> None:
        """A server was closed by its script; with the last one the program ends."""
        if self.current is not None and all(s._state == "closed" for s in self.current.servers):
            self.close(self.exit_code)

    async def _end(self) -> None:
        native.script_stop(self.script)
        if self.watch is not None:
            native.watch_close(self.watch)
        assert self.current is not None
        await asyncio.gather(*(server.close() for server in self.current.servers))
        native.script_free(self.script)
        self._leave_signals()
        self.loop.detach()

    def _leave_signals(self) -> None:
        """From here on a signal does not kill the program that is ending: it only ends it at once."""
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, lambda *_: os._exit(self.exit_code))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)


def loading_app() -> Optional[App]:
    """The application whose script runs just now, in this thread."""
    app = App.current_app
    if app is None or app.loading is None or not app.loop.here():
        return None
    return app
