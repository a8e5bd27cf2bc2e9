"""Namespaces as classes."""

import os

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi")


class Lobby(socketio.AsyncNamespace):
    async def on_connect(self, sid, environ):
        await self.emit("hello", "lobby", room=sid)

    def on_disconnect(self, sid, reason):
        print("left the lobby:", reason, flush=True)

    async def on_add(self, sid, a, b):
        return a + b

    async def on_shout(self, sid, text):
        await self.emit("shouted", text.upper())


class Log(socketio.AsyncNamespace):
    async def trigger_event(self, event, *args):
        if event in ("connect", "disconnect"):
            return None
        return [event, list(args[1:])]


sio.register_namespace(Lobby("/lobby"))
sio.register_namespace(Log("/log"))


@sio.on("add", namespace="/lobby")
def add_first(sid, a, b):
    """A function comes before the method of a class."""
    return ["function", a + b]


app = socketio.ASGIApp(sio)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
