"""The clients of a server, by namespace and id, from CONNECT to the end of their disconnect handler.

A connect handler runs before the client has joined, and may already send to it and put it into
rooms: a member keeps both until it has joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Member:
    """A client in a namespace."""

    __slots__ = ("_rooms", "_sending", "environ", "joined", "socket")

    def __init__(self, socket: Any, environ: dict[str, Any]) -> None:
        self.socket = socket
        self.environ = environ
        self.joined = False
        self._rooms: dict[str, None] = {socket.id: None}
        self._sending: list[Callable[[], Any]] = []

    def join(self) -> None:
        """The client has joined: what was kept takes effect, in order."""
        self.joined = True
        for room in self._rooms:
            self.socket.join(room)
        sending, self._sending = self._sending, []
        for send in sending:
            send()

    def emit(self, event: str, args: Iterable[Any], **options: Any) -> None:
        if self.joined:
            self.socket.emit(event, *args, **options)
        else:
            self._sending.append(lambda: self.socket.emit(event, *args, **options))

    def enter(self, room: str) -> None:
        if self.joined:
            self.socket.join(room)
        else:
            self._rooms[room] = None

    def leave(self, room: str) -> None:
        if self.joined:
            self.socket.leave(room)
        else:
            self._rooms.pop(room, None)

    def rooms(self) -> list[str]:
        return list(self.socket.rooms) if self.joined else list(self._rooms)


class Members:
    """All clients."""

    def __init__(self) -> None:
        self._all: dict[str, dict[str, Member]] = {}
        self._joining: set[Member] = set()

    def add(self, namespace: str, member: Member) -> None:
        self._all.setdefault(namespace, {})[member.socket.id] = member
        self._joining.add(member)

    def join(self, member: Member) -> None:
        self._joining.discard(member)
        member.join()

    def remove(self, namespace: str, sid: str) -> None:
        member = self._all.get(namespace, {}).pop(sid, None)
        if member is not None:
            self._joining.discard(member)

    def find(self, namespace: str, sid: str) -> Member | None:
        return self._all.get(namespace, {}).get(sid)

    def get(self, namespace: str, sid: str) -> Member:
        """Raises KeyError for an id that is not connected, as python-socketio does."""
        member = self.find(namespace, sid)
        if member is None:
            raise KeyError(f"no client {sid!r} in the namespace {namespace!r}")
        return member

    def namespaces(self) -> list[str]:
        return [name for name, members in self._all.items() if members]

    def addressed(
        self, namespace: str, rooms: list[str] | None, skip: Iterable[str], joining: bool = False
    ) -> Iterator[Member]:
        """The clients in any of ``rooms`` (None: all) but not in ``skip``; ``joining``: only
        those that have not joined yet, which a broadcast of the core does not reach."""
        skipped = set(skip)
        members = self._all.get(namespace, {}).values()
        for member in list(members) if not joining else list(self._joining):
            sid = member.socket.id
            if sid in skipped or (joining and self.find(namespace, sid) is not member):
                continue
            if rooms is None or not set(rooms).isdisjoint(member.rooms()):
                yield member

    @property
    def any_joining(self) -> bool:
        return bool(self._joining)
