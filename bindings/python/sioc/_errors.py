"""What can go wrong: the exceptions of the package."""

from __future__ import annotations

from typing import Any


class Reject(Exception):
    """Raised in middleware: the client may not join, or the event is dropped.

    The client gets ``connect_error`` with `message`, and `data` (any value that can be sent)
    as the error's ``data``.
    """

    def __init__(self, message: str = "rejected", data: Any = NotImplemented):
        super().__init__(message)
        self.message = str(message)
        self.data = None if data is NotImplemented else data
        self._data = data


class AckTimeout(TimeoutError):
    """No answer came in time.  `responses`: those that did come to a broadcast."""

    def __init__(self, message: str = "operation has timed out", responses: Any = ()):
        super().__init__(message)
        self.responses = list(responses)


class Disconnected(ConnectionError):
    """The client has gone, so the answer cannot come any more."""

    def __init__(self, message: str = "disconnected"):
        super().__init__(message)


def of_status(status: str, responses: Any = ()) -> Exception:
    if status == "timeout":
        return AckTimeout(responses=responses)
    return Disconnected(status)
