"""Values that every part of a program shares, and that no reload touches."""

from __future__ import annotations

from typing import Any

from . import native

BYTES = 64 << 20


class Shared:
    """A table of values by key: ``io.shared("limits")``.  Values are what can be sent; each is copied in
    and out.  `ttl`: the seconds after which the entry is gone; 0 = never.  From any thread; each call is
    one step that no other comes between.  MemoryError: there is no room."""

    __slots__ = ("_server", "_name")

    def __init__(self, server: Any, name: str):
        self._server = server
        self._name = name

    @property
    def _core(self) -> Any:
        return self._server._shared_store()

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or default."""
        return native.shared_get(self._core, self._name, key, default)

    def set(self, key: str, value: Any, ttl: float = 0) -> bool:
        """Puts a value there; None removes it."""
        return bool(native.shared_set(self._core, self._server._host, self._name, key, value, ttl, False))

    def add(self, key: str, value: Any, ttl: float = 0) -> bool:
        """Only if there is none: else false."""
        if value is None:
            raise TypeError("add: a value is expected")
        return bool(native.shared_set(self._core, self._server._host, self._name, key, value, ttl, True))

    def incr(self, key: str, by: Any = 1, ttl: float = 0) -> Any:
        """Adds to the number there, 0 if there is none (then ttl counts); the sum.
        TypeError: there is something else."""
        return native.shared_incr(self._core, self._name, key, by, ttl)

    def cas(self, key: str, before: Any, after: Any, ttl: float = 0) -> bool:
        """Puts `after` there (None removes) if `before` (None: nothing) is there: else false."""
        return bool(native.shared_cas(self._core, self._server._host, self._name, key, before, after, ttl))

    def remove(self, key: str) -> bool:
        """Whether there was one."""
        return bool(native.shared_set(self._core, self._server._host, self._name, key, None, 0, False))


def new_store() -> Any:
    return native.shared_new(BYTES)
