"""How programs use the package, for a type checker: test_types.py runs mypy --strict over this; nobody
runs it.  What is asserted are the types that editors show."""

from __future__ import annotations

import asyncio
import pathlib
import re
from typing import Any, Dict, List, Optional

from typing_extensions import assert_type

import sioc
import sioc.compat.socketio as socketio

io = sioc.Server(cors="https://app.example", ping_interval=25, connection_state_recovery={"max_bytes": 1000},
                 default=sioc.default, allow_request=lambda request: request.path == "/", serial=None)
strict = sioc.Server(cors={"origin": ["https://a.example", "https://b.example"], "credentials": True},
                     transports=("websocket",), tls={"cert": pathlib.Path("cert.pem"), "key": "key.pem"})


@io.on("connection")
async def connected(socket: sioc.Socket) -> None:
    assert_type(socket.id, str)
    assert_type(socket.rooms, List[str])
    assert_type(socket.data, Dict[str, Any])
    assert_type(socket.nsp, sioc.Namespace)
    assert_type(socket.transport, Optional[str])
    assert_type(socket.handshake.headers, Dict[str, str])
    assert_type(socket.handshake.issued, int)
    socket.join("lobby")
    socket.join("a", ["b", "c"], socket)

    @socket.on("say")
    def say(text: str) -> str:
        return text

    assert_type(say("x"), str)  # a decorator gives back the function that it got

    @socket.on("slow", thread=True)
    def slow(n: int) -> int:
        return n

    @socket.use
    async def checked(event: str, *args: object) -> None:
        raise sioc.Reject("no", {"code": 1})

    @socket.on_any
    def heard(event: str, *args: object) -> None: ...

    socket.on("disconnect", lambda reason, details: None)
    socket.off("say", say)
    assert_type(socket.emit("news", 1, b"2", {"a": [None]}), sioc.Sent)
    await socket.emit("news")
    socket.emit("question", ack=lambda error, answer: None)
    assert_type(socket.timeout(5), sioc.SocketOperator)
    assert_type(socket.volatile.compress(False).emit("x"), sioc.Sent)
    answer: int = await socket.timeout(5).emit_with_ack("question")
    assert_type(socket.to("lobby").except_(socket), sioc.BroadcastOperator)
    assert_type(socket.disconnect(close=True), sioc.Socket)
    print(answer)


@io.on("disconnect")
def left(socket: sioc.Socket, reason: str) -> None: ...


@io.on("disconnecting")
def leaving(socket: sioc.Socket, reason: str, details: Any = None) -> None: ...


@io.on("error")
def failed(error: Exception, socket: Optional[sioc.Socket], event: str) -> None: ...


@io.on("join-room")
def joined(room: str, id: str) -> None: ...


io.on("connection", lambda socket: socket.join("all"))
io.once("disconnect", lambda socket, reason, details: None)


@io.event
def echo(socket: sioc.Socket, *args: Any) -> Any:
    return args


@io.event("say", serial=True)
async def say(socket: sioc.Socket, text: str, *, ack: Optional[sioc.Ack]) -> None:
    if ack is not None:
        assert_type(ack("ok"), sioc.Sent)
    io.to("lobby").emit("say", socket.id, text)


io.event("add", lambda socket, a, b: a + b)


@io.any
def everything(socket: sioc.Socket, event: str, *args: Any) -> None: ...


@io.use
async def allowed(socket: sioc.Socket) -> None:
    if socket.handshake.auth != {"token": "secret"}:
        raise sioc.Reject("not allowed", {"code": 1})


admin = io.of("/admin")
assert_type(admin, sioc.Namespace)
assert_type(io.of(re.compile(r"^/t-\d+$")), sioc.Namespace)
io.of(lambda name, auth: auth is not None)


class Admin(sioc.Namespace):
    def on_connection(self, socket: sioc.Socket) -> None: ...

    def on_say(self, socket: sioc.Socket, text: str) -> str:
        return text


assert_type(io.register(Admin("/admin")), Admin)


async def speak() -> None:
    try:
        answers = await io.in_("lobby").timeout(5).emit_with_ack("question", 1)
        assert_type(answers, List[Any])
    except sioc.AckTimeout as error:
        print(error.responses)
    except sioc.Disconnected:
        pass
    sockets = await io.in_("lobby").fetch_sockets()
    assert_type(sockets, List[sioc.Socket])
    assert_type(io.sockets, Dict[str, sioc.Socket])
    assert_type(io.metrics, Dict[str, int])
    lobby = io.to("lobby").local.volatile
    assert_type(lobby, sioc.BroadcastOperator)
    lobby.sockets_join("a", "b")
    lobby.disconnect_sockets(True)
    io.emit("question", ack=lambda error, answers: print(error, len(answers)))


# ---- HTTP, plain WebSockets


@io.get("/users/:id")
async def user(request: sioc.Request, response: sioc.Response) -> Dict[str, str]:
    assert_type(request.params, Dict[str, str])
    assert_type(request.body, bytes)
    response.status(201).header("X-A", "b")
    return request.query


io.post("/hook", lambda request: (201, "thanks"))
io.static("/", pathlib.Path("public"))


@io.websocket("/echo")
def opened(ws: sioc.WebSocket, request: sioc.Request) -> None:
    @ws.on("message")
    def message(data: Any) -> None:
        assert_type(ws.send(data), bool)

    @ws.on("close")
    def closed(code: int, reason: str) -> None: ...

    ws.subscribe("news")


assert_type(io.publish("news", "text"), int)


# ---- beside clients


@io.every(5)
async def tick() -> None: ...


@io.on_unload
def unloaded() -> None: ...


@io.engine.on("connection_error")
def refused(what: sioc.ConnectionRefused) -> None:
    assert_type(what.code, int)


@io.engine.on("headers")
def headers(headers: Dict[str, str], request: sioc.Request) -> None:
    headers["X-A"] = "b"


limits = io.shared("limits")
assert_type(limits.set("a", 1, ttl=2.5), bool)
io.state["n"] = 1


async def main() -> None:
    assert_type(await io.start(port=0), int)
    task = io.background_task(speak())
    assert_type(task, "asyncio.Task[Any]")
    await io.serve(port=3000)
    await io.close()


# ---- programs of python-socketio

sio = socketio.AsyncServer(cors_allowed_origins="*")


@sio.event
async def connect(sid: str, environ: Dict[str, Any], auth: Any) -> bool:
    return True


@sio.on("say", namespace="/chat")
async def said(sid: str, data: Any) -> str:
    await sio.emit("say", data, room="lobby", skip_sid=sid)
    async with sio.session(sid) as session:
        session["n"] = 1
    return "ok"


app = socketio.ASGIApp(sio)
io.run(port=3000)
