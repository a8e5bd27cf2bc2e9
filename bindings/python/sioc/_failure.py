"""Why a script cannot serve: what stops one that does not end, and how that is told."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from typing import Any

LOAD_TIMEOUT = 10.0  # seconds
HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class LoadTimeout(BaseException):
    """The script does not come to its end."""


class Refused(Exception):
    """The generation cannot serve; says why."""


class deadline:
    """Raises LoadTimeout in the main thread when what is inside does not end, and again until it does."""

    def __enter__(self) -> None:
        self.on = threading.current_thread() is threading.main_thread()
        if self.on:
            self.before = signal.signal(signal.SIGALRM, self._alarm)
            signal.setitimer(signal.ITIMER_REAL, LOAD_TIMEOUT, 0.1)

    def _alarm(self, number: int, frame: Any) -> None:
        raise LoadTimeout(f"the script was not loaded within {LOAD_TIMEOUT:g} seconds")

    def __exit__(self, *_: Any) -> None:
        if self.on:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self.before)


def exit_status(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)
    return 1


def describe(error: BaseException, script: str, what: str = "") -> str:
    """``file:line: what went wrong``, which editors understand, and the traceback without our frames."""
    frames = [f for f in traceback.extract_tb(error.__traceback__)
              if not f.filename.startswith((HERE, "<frozen importlib"))]
    if isinstance(error, SyntaxError) and error.filename:
        where = f"{error.filename}:{error.lineno or 1}: "
    elif isinstance(error, OSError) and error.filename == script and not frames:
        where = f"{script}: "
    else:
        folder = os.path.dirname(script) + os.sep
        own = [f for f in frames if f.filename.startswith(folder)] or frames
        where = f"{own[-1].filename}:{own[-1].lineno}: " if own else f"{script}: "
    name = "timed out" if isinstance(error, LoadTimeout) else type(error).__name__
    lines = [f"{where}{what}{name}: {error}".rstrip(": ")]
    if isinstance(error, RuntimeError) and "asyncio.run() cannot be called" in str(error):
        lines.append("(python3 -m sioc runs the loop already: use io.run(port=...), which only says where to "
                     "listen then)")
    if frames and not isinstance(error, SyntaxError):
        lines.append("Traceback (most recent call last):")
        lines.extend("".join(traceback.format_list(frames)).rstrip("\n").split("\n"))
    elif isinstance(error, SyntaxError) and error.text:
        lines.append("    " + error.text.strip("\n"))
    return "\n".join(lines)
