"""io.state and reloads: a script that loads writes to a copy, which becomes the state when it serves.

Dicts, lists, sets and bytearrays are copied, nested ones too; all other objects are the same in the copy.
"""

from __future__ import annotations

import collections
import copy
from typing import Any, Dict, Optional

CONTAINERS = (dict, list, set, bytearray, collections.deque)
MISSING = object()


def clone(value: Any, seen: Optional[Dict[int, Any]] = None) -> Any:
    """A copy of a container, with copies of the containers in it."""
    if not isinstance(value, CONTAINERS):
        return value
    seen = {} if seen is None else seen
    if id(value) in seen:
        return seen[id(value)]
    try:
        new = copy.copy(value)
    except Exception:  # of somebody's own class
        return value
    seen[id(value)] = new
    if isinstance(new, dict):
        for key in new:
            new[key] = clone(new[key], seen)
    elif isinstance(new, (list, collections.deque)):
        for i, item in enumerate(new):
            new[i] = clone(item, seen)
    return new


def same(a: Any, b: Any) -> bool:
    try:
        return a is b or bool(type(a) is type(b) and a == b)
    except Exception:  # it does not know
        return False


class Draft:
    """The state for a script that loads beside one whose state is `live`."""

    __slots__ = ("live", "base", "state")

    def __init__(self, live: Dict[str, Any]):
        self.live = live
        self.base = clone(live)
        self.state = clone(live)

    def commit(self) -> Dict[str, Any]:
        """The state of both from now on: what was written to the live one meanwhile is done to the new one, but
        what the new script has written itself stays."""
        for key in self.live.keys() | self.base.keys():
            now, then = self.live.get(key, MISSING), self.base.get(key, MISSING)
            if same(now, then) or not same(self.state.get(key, MISSING), then):
                continue
            if now is MISSING:
                self.state.pop(key, None)
            else:
                self.state[key] = now
        return self.state
