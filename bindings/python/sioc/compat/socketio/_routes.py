"""Which handler an event goes to: the tables of ``on``, ``event`` and ``register_namespace``.

It calls nothing and knows neither sockets nor event loops.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ._namespaces import BaseServerNamespace

#: Not given to a catch-all handler.
RESERVED = frozenset({"connect", "disconnect"})

Handler = Callable[..., Any]


class Routes:
    """Handlers by namespace and event, ``'*'`` being any; classes by namespace."""

    def __init__(self) -> None:
        self.handlers: dict[str, dict[str, Handler]] = {}
        self.classes: dict[str, BaseServerNamespace] = {}

    def add(self, namespace: str, event: str, handler: Handler) -> None:
        """Makes ``handler`` the one for ``event``, instead of any before."""
        if not callable(handler):
            raise TypeError(f"the handler of {event!r} is not callable: {handler!r}")
        self.handlers.setdefault(namespace, {})[event] = handler

    def namespaces(self) -> set[str]:
        """The namespaces that are named; ``'*'`` is not a name."""
        return (set(self.handlers) | set(self.classes)) - {"*"}

    def find(self, namespace: str, event: str, args: tuple[Any, ...]) -> Handler | None:
        """What ``event`` is to call, with all its arguments bound, or None.

        A function of the namespace comes before one of any namespace, a function before a class.
        ``args`` begin with the client's id.
        """
        for scope, lead in ((namespace, ()), ("*", (namespace,))):
            table = self.handlers.get(scope, {})
            if event in table:
                return bind(table[event], event, (*lead, *args))
            if "*" in table and event not in RESERVED:
                return bind(table["*"], event, (event, *lead, *args))
        for scope, lead in ((namespace, ()), ("*", (namespace,))):
            if scope in self.classes:
                return bind(self.classes[scope].trigger_event, "", (event, *lead, *args))
        return None


def bind(handler: Handler, event: str, args: tuple[Any, ...]) -> Handler:
    """``handler`` with its arguments.

    A connect handler may leave out its last parameter, ``auth``, and a disconnect handler
    ``reason``.  Their signature tells; python-socketio calls them a second time when the first
    call raises a TypeError, even one of the handler's own.
    """
    if event in RESERVED:
        args = args[: room_for(handler, len(args))]
    return lambda: handler(*args)


def room_for(handler: Handler, count: int) -> int:
    """How many of ``count`` positional arguments ``handler`` takes: all, or one less."""
    try:
        inspect.signature(handler).bind(*[None] * count)
    except TypeError:
        return count - 1
    except ValueError:  # a builtin without a signature
        return count
    return count
