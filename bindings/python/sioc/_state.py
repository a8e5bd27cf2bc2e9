"""io.state and reloads: what a script writes while it is loaded is seen when it serves, or never.

All generations have the same objects, so what one has kept of them stays the state.  While a script runs nobody
else does: it writes to the state itself, which is put back at its end, and done again when it takes over.  That is
for dicts, lists, sets, deques and bytearrays, nested ones too; other objects are not looked into.
"""

from __future__ import annotations

import collections
import copy
from typing import Any, Dict, List, Tuple

Record = Dict[int, Tuple[Any, Any]]  # id -> (container, a copy of what is in it)
MISSING = object()


def content(container: Any) -> Any:
    return dict(container) if isinstance(container, dict) else set(container) if isinstance(container, set) else list(container)


def record(container: Any) -> Record:
    """What is in the container, and in those in it."""
    found: Record = {}
    more = [container]
    while more:
        value = more.pop()
        if isinstance(value, (dict, list, set, bytearray, collections.deque)) and id(value) not in found:
            inside = content(value)
            found[id(value)] = value, inside
            if not isinstance(value, (set, bytearray)):
                more.extend(inside.values() if isinstance(value, dict) else inside)
    return found


def put(container: Any, inside: Any) -> None:
    if isinstance(container, list):
        container[:] = inside
        return
    container.clear()
    if isinstance(container, (dict, set)):
        container.update(inside)
    else:
        container.extend(inside)


def same(a: Any, b: Any) -> bool:
    """Whether the very same things are in both."""
    if isinstance(a, dict):
        return len(a) == len(b) and all(b.get(key, MISSING) is value for key, value in a.items())
    return len(a) == len(b) and (a == b if isinstance(a, set) else all(x is y for x, y in zip(a, b)))


def merge(container: Dict[Any, Any], before: Dict[Any, Any], after: Dict[Any, Any]) -> None:
    for key in before.keys() | after.keys():
        if after.get(key, MISSING) is before.get(key, MISSING):
            continue
        if key in after:
            container[key] = after[key]
        else:
            container.pop(key, None)


def clone(container: Any) -> Any:
    """A copy, with copies of the containers in it."""
    copies = {key: copy.copy(value) for key, (value, _) in record(container).items()}
    for new in copies.values():
        if isinstance(new, dict):
            put(new, {key: copies.get(id(value), value) for key, value in new.items()})
        elif not isinstance(new, (set, bytearray)):
            put(new, [copies.get(id(value), value) for value in new])
    return copies[id(container)]


class Draft:
    """From before a script runs until it serves, or was refused."""

    __slots__ = ("state", "before", "changes")

    def __init__(self, state: Dict[str, Any]):
        self.state = state
        self.before = record(state)
        self.changes: List[Tuple[Any, Any, Any]] = []  # (container, what was in it, what the script made of it)

    def suspend(self) -> None:
        """The script is at its end, and does not serve yet: all is as it was."""
        for container, before in self.before.values():
            after = content(container)
            if not same(before, after):
                self.changes.append((container, before, after))
                put(container, before)

    def preview(self) -> Dict[str, Any]:
        """A copy of what it will be, for checks."""
        now = [(container, content(container)) for container, _, _ in self.changes]
        for container, _, after in self.changes:
            put(container, after)
        copied: Dict[str, Any] = clone(self.state)
        for container, inside in now:
            put(container, inside)
        return copied

    def commit(self) -> None:
        """It serves.  What others have written meanwhile stays, where the script has not written itself."""
        for container, before, after in self.changes:
            if isinstance(container, dict):
                merge(container, before, after)
            else:
                put(container, after)
        self.changes = []
