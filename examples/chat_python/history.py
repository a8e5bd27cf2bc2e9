"""The recent messages of one room, bounded in number and in pictures.

A log is a plain dict, so that it can live in io.state and outlast a reload of the program.  Ids grow for
ever, across restarts of the server too (they start at the time of day): a client that comes back says the
last id it has seen, and gets exactly what it has missed.
"""

from __future__ import annotations

import itertools
import time
from typing import Any, Dict, Optional

Log = Dict[str, Any]  # {"messages": [message, ...], "pictures": {id: bytes}}
Message = Dict[str, Any]

MAX_MESSAGES = 100
MAX_PICTURES = 20

_ids = itertools.count(int(time.time()) * 1000 + 1)


def new() -> Log:
    return {"messages": [], "pictures": {}}  # pictures: id -> bytes


def picture(log: Log, id: object) -> Optional[bytes]:
    return log["pictures"].get(id) if isinstance(id, int) else None


def add(log: Log, message: Message, picture: Optional[bytes] = None) -> None:
    """Gives the message its id and keeps it; `picture`: the bytes that belong to it."""
    message["id"] = next(_ids)
    log["messages"].append(message)
    if picture is not None:
        log["pictures"][message["id"]] = picture
        for oldest in list(log["pictures"])[:-MAX_PICTURES]:
            del log["pictures"][oldest]
    if len(log["messages"]) > MAX_MESSAGES:
        log["pictures"].pop(log["messages"].pop(0)["id"], None)


def since(log: Log, id: object) -> list[Message]:
    """The messages after `id`, oldest first; all of them when id is no number."""
    after = id if isinstance(id, int) else 0
    return [message for message in log["messages"] if message["id"] > after]


def find(log: Log, nick: str, tag: str) -> Optional[Message]:
    """The message that its sender has marked with `tag`: one that is sent twice is kept once."""
    messages: list[Message] = log["messages"]
    for message in reversed(messages):
        if message["tag"] == tag and message["nick"] == nick:
            return message
    return None
