"""Class-based namespaces: the handlers of a namespace as the methods ``on_...`` of a class."""

from __future__ import annotations

from typing import Any


class BaseServerNamespace:
    """What the classes for both kinds of server have in common.

    The methods that the server has too differ from its own only in that the namespace is this
    one when none is given.
    """

    server: Any = None

    def __init__(self, namespace: str | None = None) -> None:
        self.namespace = namespace or "/"

    def is_asyncio_based(self) -> bool:
        return False

    def _set_server(self, server: Any) -> None:
        self.server = server

    def _handler(self, event: str, args: tuple[Any, ...]) -> Any:
        """The bound method for ``event``, or None."""
        from ._routes import bind

        method = getattr(self, "on_" + (event or ""), None)
        return None if method is None else bind(method, event, args)

    def _forward(self, method: str, *args: Any, namespace: str | None, **options: Any) -> Any:
        return getattr(self.server, method)(
            *args, namespace=namespace or self.namespace, **options
        )

    def emit(
        self,
        event: str,
        data: Any = None,
        to: Any = None,
        room: Any = None,
        skip_sid: Any = None,
        namespace: str | None = None,
        callback: Any = None,
        ignore_queue: bool = False,
    ) -> Any:
        return self._forward(
            "emit", event, data, to, room, skip_sid, namespace=namespace, callback=callback
        )

    def send(
        self,
        data: Any,
        to: Any = None,
        room: Any = None,
        skip_sid: Any = None,
        namespace: str | None = None,
        callback: Any = None,
        ignore_queue: bool = False,
    ) -> Any:
        return self._forward(
            "send", data, to, room, skip_sid, namespace=namespace, callback=callback
        )

    def call(
        self,
        event: str,
        data: Any = None,
        to: str | None = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float | None = None,
        ignore_queue: bool = False,
    ) -> Any:
        seconds = {} if timeout is None else {"timeout": timeout}
        return self._forward("call", event, data, to, sid, namespace=namespace, **seconds)

    def enter_room(self, sid: str, room: Any, namespace: str | None = None) -> Any:
        return self._forward("enter_room", sid, room, namespace=namespace)

    def leave_room(self, sid: str, room: Any, namespace: str | None = None) -> Any:
        return self._forward("leave_room", sid, room, namespace=namespace)

    def close_room(self, room: Any, namespace: str | None = None) -> Any:
        return self._forward("close_room", room, namespace=namespace)

    def rooms(self, sid: str, namespace: str | None = None) -> list[str]:
        names: list[str] = self._forward("rooms", sid, namespace=namespace)
        return names

    def get_session(self, sid: str, namespace: str | None = None) -> Any:
        return self._forward("get_session", sid, namespace=namespace)

    def save_session(self, sid: str, session: dict[str, Any], namespace: str | None = None) -> Any:
        return self._forward("save_session", sid, session, namespace=namespace)

    def session(self, sid: str, namespace: str | None = None) -> Any:
        return self._forward("session", sid, namespace=namespace)

    def disconnect(self, sid: str, namespace: str | None = None) -> Any:
        return self._forward("disconnect", sid, namespace=namespace)

    def trigger_event(self, event: str, *args: Any) -> Any:
        """Calls the method for ``event``."""
        raise NotImplementedError


class Namespace(BaseServerNamespace):
    """The base of a namespace's class for ``Server``."""

    def trigger_event(self, event: str, *args: Any) -> Any:
        """Calls the method for ``event``; override it for a dispatch of your own."""
        handler = self._handler(event, args)
        return None if handler is None else handler()


class AsyncNamespace(BaseServerNamespace):
    """The base of a namespace's class for ``AsyncServer``; its methods are plain or async."""

    def is_asyncio_based(self) -> bool:
        return True

    async def trigger_event(self, event: str, *args: Any) -> Any:
        """Calls the method for ``event``; override it for a dispatch of your own."""
        handler = self._handler(event, args)
        result: Any = None if handler is None else handler()
        return await result if hasattr(result, "__await__") else result
