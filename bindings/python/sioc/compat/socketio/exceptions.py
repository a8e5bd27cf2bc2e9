"""The exceptions of python-socketio, and the one that sioc adds."""

from __future__ import annotations

from typing import Any


class SocketIOError(Exception):
    """What all of these have in common."""


class ConnectionError(SocketIOError):
    """A client could not connect."""


class ConnectionRefusedError(ConnectionError):
    """Raise it in a connect handler to refuse the client.

    The first argument is the message of the client's ``connect_error``, the second its ``data``;
    of more than two, all but the first are its data, as a list.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.message = str(args[0]) if args else "Connection rejected by server"
        self.data = args[1] if len(args) == 2 else list(args[1:]) or None

    @property
    def error_args(self) -> dict[str, Any]:
        """What the client gets, in the shape that python-socketio gives it."""
        without_data = {"message": self.message}
        return without_data if self.data is None else {**without_data, "data": self.data}


class TimeoutError(SocketIOError):
    """The client has not answered a ``call()`` in time."""


class BadNamespaceError(SocketIOError):
    """There is no such namespace."""


class DisconnectedError(SocketIOError):
    """The client is not connected."""


class ClientGone(TimeoutError, DisconnectedError):
    """The client of a ``call()`` has left, so that no answer can come.

    python-socketio waits for the timeout then; sioc raises at once, and what catches
    ``TimeoutError`` catches it.
    """
