"""Handlers that wait: asyncio tasks, begun at once where Python can."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Coroutine, Optional, Set

if sys.version_info >= (3, 12):

    def start(loop: asyncio.AbstractEventLoop, coro: "Coroutine[Any, Any, Any]",
              running: "Set[asyncio.Task[Any]]") -> "Optional[asyncio.Task[Any]]":
        """Runs the coroutine until it waits for the first time; the task, or None if it has ended."""
        task = asyncio.Task(coro, loop=loop, eager_start=True)
        if task.done():
            error = None if task.cancelled() else task.exception()
            if error is not None:  # only what ends the program comes this way
                raise error
            return None
        running.add(task)
        task.add_done_callback(running.discard)
        return task

else:

    def start(loop: asyncio.AbstractEventLoop, coro: "Coroutine[Any, Any, Any]",
              running: "Set[asyncio.Task[Any]]") -> "Optional[asyncio.Task[Any]]":
        """Makes a task, and takes the first step that it has asked the loop for at once."""
        task = asyncio.Task(coro, loop=loop)
        ready = getattr(loop, "_ready", None)
        if ready and asyncio.current_task(loop) is None:
            step = ready[-1]
            if getattr(getattr(step, "_callback", None), "__self__", None) is task:
                ready.pop()
                step._run()
                if task.done():
                    return None
        running.add(task)
        task.add_done_callback(running.discard)
        return task
