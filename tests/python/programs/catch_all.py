"""Handlers of any event and of any namespace."""

import os

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi", namespaces=["/", "/rooms", "/other"])
app = socketio.ASGIApp(sio)


@sio.on("known")
async def known(sid, *args):
    return ["known", *args]


@sio.on("*")
async def any_event(event, sid, *args):
    return ["any", event, *args]


@sio.on("known", namespace="*")
def known_anywhere(namespace, sid, *args):
    return ["known in", namespace, *args]


@sio.on("*", namespace="*")
def anything(event, namespace, sid, *args):
    return ["anything", event, namespace, *args]


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
