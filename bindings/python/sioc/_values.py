"""Values that Python does not have, and the ready-made hook for those that JSON does not have."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import uuid
from typing import Any, Generator


class Raw:
    """JSON text that is sent as it is, e.g. from a cache: ``io.emit("news", sioc.Raw(text))``."""

    __slots__ = ("json",)

    def __init__(self, text: str):
        json.loads(text)  # ValueError when it is none
        self.json = text

    def __repr__(self) -> str:
        return f"sioc.Raw({self.json!r})"


class Sent(int):
    """What emit returns: true when it is queued, false when the client has gone or the packet was
    dropped.  Awaiting it does nothing, so ``await socket.emit(...)`` works as well."""

    def __await__(self) -> "Generator[Any, None, Sent]":
        return self
        yield

    def __repr__(self) -> str:
        return str(bool(self))

    __str__ = __repr__


def default(value: Any) -> Any:
    """The hook for ``sioc.Server(default=sioc.default)``: dataclasses become dicts, dates and times
    ISO 8601 text, Decimal, UUID and paths text, sets lists, enums their values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, uuid.UUID, pathlib.PurePath)):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} cannot be sent")
