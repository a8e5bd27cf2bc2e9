"""What a type checker has to complain of: the lines that are marked, and no other; see test_types.py."""

from __future__ import annotations

import sioc
import sioc.compat.socketio as socketio

io = sioc.Server(ping_intervall=25)  # wrong: no such option
sioc.Server(ping_interval="25")  # wrong
sioc.Server(cors={"orign": "*"})  # wrong
sioc.Server(allow_request=lambda a, b, c: True)  # wrong: told of one thing


@io.on("connection")  # wrong: told of one thing
def connected(socket: sioc.Socket, text: str) -> None: ...


@io.on("connection")  # wrong
def of_another_kind(socket: int) -> None: ...


@io.on("conection")  # wrong: no such event
def misspelt(socket: sioc.Socket) -> None: ...


@io.on("disconnect")  # wrong
def left(socket: sioc.Socket, reason: str, details: object, more: str) -> None: ...


@io.event  # wrong: the socket comes first
def nothing() -> None: ...


@io.event("say")  # wrong
def say(text: str) -> None: ...


@io.use  # wrong
def allowed(event: str) -> None: ...


@io.get("/")  # wrong
def page(request: sioc.Request, response: sioc.Response, more: int) -> str:
    return ""


@io.every(5)  # wrong
def tick(n: int) -> None: ...


@io.event
async def handler(socket: sioc.Socket, n: int) -> int:
    socket.join(1)  # wrong
    socket.emit(1)  # wrong
    io.to(None).emit("x")  # wrong
    socket.handshake.adress  # wrong
    socket.timeout("5")  # wrong
    io.in_("a").timeot(5)  # wrong
    count: int = await io.fetch_sockets()  # wrong
    socket.data = 1  # wrong
    io.websocket("/", lambda: None)  # wrong
    io.state = None  # wrong
    sioc.Reject(b"bytes")  # wrong
    io.run("3000")  # wrong
    return count


handler(1, 2)  # wrong: decorated, it is still what it was
socketio.AsyncServer().on("x")(1)  # wrong
