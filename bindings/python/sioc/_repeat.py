"""What a server does on its own: tasks in the background, and again and again."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any, Callable, Coroutine, List, Set, overload

from ._handlers import exactly
from ._types import OnNothing


class Repeating:
    """Tasks that end with their generation, or with the server; part of sioc.Server."""

    _state: str
    _every: List[Any]
    _tasks: Set[Any]
    _repeating: Set[Any]
    _called: int
    _guard: Callable[..., Coroutine[Any, Any, None]]
    _failed: Callable[..., Any]

    def background_task(self, coro: "Coroutine[Any, Any, Any]") -> "asyncio.Task[Any]":
        """Runs a coroutine as a task of the server: kept, cancelled when it closes, or when a reload
        has replaced this code.  Errors are logged."""
        return self._keep(asyncio.get_running_loop().create_task(self._guard(coro, "background task")))

    @overload
    def every(self, seconds: float) -> Callable[[OnNothing], OnNothing]: ...
    @overload
    def every(self, seconds: float, fn: OnNothing) -> OnNothing: ...
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
            self._called += 1
            try:
                result = fn()
                if inspect.isawaitable(result):
                    await result
            except Exception as error:
                self._failed(fn, None, "", error)

    def _keep(self, task: "asyncio.Task[Any]") -> "asyncio.Task[Any]":
        for kept in (self._tasks, self._repeating):
            kept.add(task)
            task.add_done_callback(kept.discard)
        return task

    def _stop_repeating(self) -> None:
        for task in list(self._repeating):
            task.cancel()
