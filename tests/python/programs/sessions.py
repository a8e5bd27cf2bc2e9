"""Who may come in, and what is remembered of them."""

import os

import socketio
import uvicorn
from socketio.exceptions import ConnectionRefusedError

sio = socketio.AsyncServer(async_mode="asgi")
app = socketio.ASGIApp(sio)
USERS = {"ann": "secret", "bob": "hidden"}


@sio.event
async def connect(sid, environ, auth):
    if auth is None:
        return False
    if USERS.get(auth.get("name")) != auth.get("password"):
        raise ConnectionRefusedError("authentication failed", {"name": auth.get("name")})
    await sio.save_session(sid, {"name": auth["name"], "said": 0})
    if environ.get("HTTP_X_STAFF") == "yes":
        await sio.enter_room(sid, "staff")


@sio.event
async def say(sid, text):
    async with sio.session(sid) as session:
        session["said"] += 1
    return session["name"], session["said"], text


@sio.event
async def whoami(sid):
    session = await sio.get_session(sid)
    return {**session, "staff": "staff" in sio.rooms(sid)}


@sio.event
async def disconnect(sid):
    session = await sio.get_session(sid)
    print("bye", session["name"], flush=True)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
