"""The core's loop inside asyncio's.

The core has one descriptor that becomes readable when there is something to do; asyncio watches it
and calls `pump`, one turn of the core.  A turn tells when the next one is due.  What is asked for
between two turns (an emit from a task, say) makes the core call `wake`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import weakref
from typing import Any, Callable, Optional

from . import native


FORKED = ("this process was forked while the loop existed: make the sioc.Server after fork(), in each process "
          "its own")


class Loop:
    """One per application: servers that are made before the first runs share it."""

    def __init__(self) -> None:
        self.core = native.loop_new()
        self.pid = os.getpid()
        self.asyncio: Optional[asyncio.AbstractEventLoop] = None
        self._users = 0
        self._timer: Optional[asyncio.TimerHandle] = None
        self._soon = False
        loops.add(self)

    def attach(self) -> None:
        """Runs in the running asyncio loop until as many detach() as attach()."""
        if self.pid != os.getpid():
            raise RuntimeError(FORKED)
        running = asyncio.get_running_loop()
        if self._users and running is not self.asyncio:
            raise RuntimeError("the server runs in another asyncio loop already")
        self._users += 1
        if self._users > 1:
            return
        self.asyncio = running
        native.loop_attach(self.core, self.wake)
        running.add_reader(native.loop_fd(self.core), self.pump)
        self.wake()

    def detach(self) -> None:
        self._users -= 1
        if self._users or self.asyncio is None:
            return
        if not self.asyncio.is_closed():
            self.asyncio.remove_reader(native.loop_fd(self.core))
        if self._timer:
            self._timer.cancel()
        self._timer = None
        native.loop_attach(self.core, None)
        self.asyncio = None

    @property
    def running(self) -> bool:
        return self.asyncio is not None

    def here(self) -> bool:
        return native.loop_here(self.core)

    def post(self, fn: Callable[..., Any], *args: Any) -> bool:
        """From any thread: fn(*args) in the loop's.  False when it does not run (any more)."""
        if self.pid != os.getpid():
            raise RuntimeError(FORKED)
        loop = self.asyncio
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(fn, *args)
        except RuntimeError:  # closed
            return False
        return True

    def forked(self) -> None:
        """In the child: the connections are the parent's, nothing may be written to them here."""
        native.loop_forked(self.core)
        self.asyncio = None

    def wake(self) -> None:
        if not self._soon and self.asyncio is not None:
            self._soon = True
            self.asyncio.call_soon(self._turn)

    def _turn(self) -> None:
        self._soon = False
        self.pump()

    def pump(self) -> None:
        loop = self.asyncio
        if loop is None:
            return
        wait = native.loop_step(self.core)
        if wait is None or wait < 0 or self.asyncio is None:
            return
        if wait == 0:
            self.wake()
            return
        due = loop.time() + wait / 1000
        timer = self._timer
        if timer is not None:
            if timer.when() <= due:  # it asks again then
                return
            timer.cancel()
        self._timer = loop.call_at(due, self._due)

    def _due(self) -> None:
        self._timer = None
        self.pump()


loops: "weakref.WeakSet[Loop]" = weakref.WeakSet()


def _forked() -> None:
    for loop in loops:
        loop.forked()


os.register_at_fork(after_in_child=_forked)


def run_loop(main: Any) -> None:
    """asyncio.run; with uvloop, if it is there."""
    uvloop: Any
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
