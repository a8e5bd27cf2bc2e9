"""A chat: names, rooms, typing notes, pictures, history.  The same page as examples/chat, in Python.

    python3 -m sioc examples/chat_python/chat.py     then open http://127.0.0.1:3000 in two windows

A client says `hello` once, then `join`s rooms and talks there.  Each of its events is answered by an ack:
what it asked for, or {"error": "why not"}.  Nothing that a client sends is believed: types, lengths and
rooms are checked.
"""

from __future__ import annotations

import asyncio
import pathlib
import re
import time
from typing import Any, Dict, List, Optional

import history  # history.py, beside this file
import sioc

GREETING = "Welcome! Be kind to each other."  # above the messages; with --watch, change it while people talk
FIXED_ROOMS = ("lobby", "random", "help")  # always there, listed in this order
MAX_ROOMS = 20
MAX_NAME, MAX_TEXT = 24, 2000  # characters
MAX_PICTURE = 500_000  # bytes; half of max_payload, so that a slow reader can have two of them on the way
GRACE = 2  # seconds in which a page may reload before the others hear that its user has left

Answer = Dict[str, Any]  # what the page gets
Room = Dict[str, Any]  # {"name", "people": {nick: socket id}, "log"}

io = sioc.Server()

# io.state outlives a reload of this file: edit it while people talk, and nobody notices.
rooms: Dict[str, Room] = io.state.setdefault("rooms", {})  # by name
people: Dict[str, Any] = io.state.setdefault("people", {})  # nick in small letters -> {"nick", "key", "id"}


# ---- checking what clients send


def text_of(value: object, most: int) -> Optional[str]:
    """A string of 1 to `most` characters: without control characters, trimmed.  Anything else gives None."""
    if not isinstance(value, str):
        return None
    text = re.sub(r"[^\n\t\x20-\x7e\x80-\U0010ffff]", "", value.replace("\r\n", "\n").replace("\r", "\n"))
    return text.strip()[:most] or None


def name_of(value: object) -> Optional[str]:
    """Text on one line, without the invisible characters that would let two names look the same."""
    if not isinstance(value, str):
        return None
    name = text_of(re.sub("[\u200b-\u200f\u2028-\u202e\u2060-\u2067]", "", value), MAX_NAME)
    return name and re.sub(r"\s+", " ", name)


def room_name_of(value: object) -> Optional[str]:
    name = name_of(value)
    return name and name.lower().replace(" ", "-")


SIGNATURES = ((rb"\x89PNG\r\n\x1a\n", "image/png"), (rb"\xff\xd8\xff", "image/jpeg"), (rb"GIF8[79]a", "image/gif"),
              (rb"(?s)RIFF....WEBP", "image/webp"))


def picture_type(data: object) -> Optional[str]:
    """The MIME type of a picture by its first bytes; None for what is no picture of bearable size."""
    if isinstance(data, bytes) and len(data) <= MAX_PICTURE:
        return next((mime for signature, mime in SIGNATURES if re.match(signature, data)), None)
    return None


def pixels_of(value: object) -> Optional[int]:
    return value if isinstance(value, int) and 0 < value < 20000 else None


# ---- rooms


def channel(name: str) -> str:
    """The prefix keeps room names apart from socket ids, which are rooms too."""
    return "room:" + name


def people_in(room: Room) -> List[str]:
    return sorted(room["people"], key=str.lower)


def room_list() -> List[Dict[str, Any]]:
    def place(name: str) -> tuple[int, str]:
        return FIXED_ROOMS.index(name) if name in FIXED_ROOMS else len(FIXED_ROOMS), name

    return [{"name": name, "people": len(rooms[name]["people"]), "fixed": name in FIXED_ROOMS}
            for name in sorted(rooms, key=place)]


def open_room(name: str) -> Optional[Room]:
    if len(rooms) >= MAX_ROOMS:
        return None
    return rooms.setdefault(name, {"name": name, "people": {}, "log": history.new()})


for fixed in FIXED_ROOMS:
    open_room(fixed)


def announce(room: Room, nick: str, what: str) -> None:
    io.to(channel(room["name"])).emit("note", room["name"], nick, what)
    io.to(channel(room["name"])).emit("people", room["name"], people_in(room))
    io.emit("rooms", room_list())


def depart(room: Room, nick: str, id: str) -> None:
    if room["people"].get(nick) != id:
        return  # the same person is here through a newer socket
    del room["people"][nick]
    if not room["people"] and room["name"] not in FIXED_ROOMS:
        del rooms[room["name"]]
    announce(room, nick, "left")


def joined(socket: sioc.Socket, name: object) -> Optional[Room]:
    """The room of that name, if this socket has joined it."""
    room = rooms.get(name) if isinstance(name, str) else None
    return room if room and room["people"].get(socket.data.get("nick")) == socket.id else None


# ---- events


@io.event
def hello(socket: sioc.Socket, nick: Any = None, key: Any = None) -> Answer:
    """`key` is a secret of the page: with it, a page that was reloaded or cut off takes its name over from its
    old socket."""
    nick, key = name_of(nick), text_of(key, 64)
    if not nick or not key:
        return {"error": "Please choose a name."}
    if socket.data.get("nick", nick) != nick:
        return {"error": "You have a name already."}
    holder = people.get(nick.lower())
    if holder and holder["key"] != key:
        return {"error": f"“{nick}” is taken. Please choose another name."}
    if holder and holder["id"] != socket.id:
        nick = holder["nick"]
        io.in_(holder["id"]).emit("replaced")
        io.in_(holder["id"]).disconnect_sockets(True)
    people[nick.lower()] = {"nick": nick, "key": key, "id": socket.id}
    socket.data["nick"] = nick
    return {"nick": nick, "greeting": GREETING, "rooms": room_list(), "max_name": MAX_NAME, "max_text": MAX_TEXT,
            "max_picture": MAX_PICTURE}


@io.event
def join(socket: sioc.Socket, name: Any = None, last_seen: Any = None) -> Answer:
    nick, name = socket.data.get("nick"), room_name_of(name)
    if not nick or not name:
        return {"error": "A room needs a name."}
    room = rooms.get(name) or open_room(name)
    if not room:
        return {"error": "There are enough rooms already."}
    known = nick in room["people"]
    room["people"][nick] = socket.id
    if not known:
        announce(room, nick, "joined")  # before joining: one need not be told of oneself
    socket.join(channel(name))
    return {"room": name, "people": people_in(room), "messages": history.since(room["log"], last_seen)}


@io.event
def leave(socket: sioc.Socket, name: Any = None) -> Answer:
    room = joined(socket, name)
    if not room:
        return {"error": "You are not in that room."}
    socket.leave(channel(name))
    depart(room, socket.data["nick"], socket.id)
    return {"room": name}


@io.event
def typing(socket: sioc.Socket, name: Any = None, on: Any = None) -> None:
    if joined(socket, name):
        socket.to(channel(name)).volatile.emit("typing", name, socket.data["nick"], on is True)


def post(socket: sioc.Socket, room: Room, tag: str, message: history.Message,
         picture: Optional[bytes] = None) -> Answer:
    nick = socket.data["nick"]
    known = history.find(room["log"], nick, tag)  # its ack was lost with a connection, so it was sent again
    if known:
        return {"id": known["id"], "at": known["at"]}
    message.update(nick=nick, tag=tag, at=int(time.time()))
    history.add(room["log"], message, picture)
    socket.to(channel(room["name"])).emit("message", room["name"], message, picture)
    return {"id": message["id"], "at": message["at"]}


@io.event
def say(socket: sioc.Socket, name: Any = None, tag: Any = None, text: Any = None) -> Answer:
    room, tag, text = joined(socket, name), text_of(tag, 64), text_of(text, MAX_TEXT)
    if not (room and tag and text):
        return {"error": "That message cannot be sent."}
    return post(socket, room, tag, {"kind": "text", "text": text})


@io.event
def picture(socket: sioc.Socket, name: Any = None, tag: Any = None, about: Any = None,
            data: Any = None) -> Answer:
    """A binary attachment arrives as bytes; it can be kept and emitted again as it is."""
    room, tag, mime = joined(socket, name), text_of(tag, 64), picture_type(data)
    if not (room and tag and mime):
        return {"error": "That picture cannot be sent."}
    about = about if isinstance(about, dict) else {}
    message = {"kind": "picture", "text": name_of(about.get("name")) or "picture", "mime": mime, "bytes": len(data),
               "width": pixels_of(about.get("width")), "height": pixels_of(about.get("height"))}
    return post(socket, room, tag, message, data)


@io.event("get picture")
def get_picture(socket: sioc.Socket, name: Any = None, id: Any = None) -> object:
    """History names pictures but does not carry them: a page asks for those that it wants to show."""
    room = joined(socket, name)
    return (room and history.picture(room["log"], id)) or {"error": "That picture is no longer kept."}


@io.on("disconnect")
async def disconnected(socket: sioc.Socket) -> None:
    nick = socket.data.get("nick")
    if not nick:
        return
    await asyncio.sleep(GRACE)
    if people.get(nick.lower(), {}).get("id") == socket.id:
        del people[nick.lower()]
    for room in list(rooms.values()):
        depart(room, nick, socket.id)


@io.on("reload")
def reloaded(socket: sioc.Socket) -> None:
    """After a reload of this file: what the pages shall hear of the new code."""
    socket.emit("greeting", GREETING)


io.static("/", pathlib.Path(__file__).parent.parent / "chat" / "public")
io.run(port=3000)
