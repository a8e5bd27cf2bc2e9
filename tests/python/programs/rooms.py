"""Rooms, broadcasts and a background task, served through ASGI."""

import os

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*")
app = socketio.ASGIApp(sio)
ticker = None


async def tick():
    for count in range(1, 3):
        await sio.sleep(0.05)
        await sio.emit("tick", {"count": count})


@sio.event
async def connect(sid, environ):
    await sio.emit("welcome", {"path": environ["PATH_INFO"]}, room=sid)
    await sio.emit("arrived", {"who": sid}, skip_sid=sid)


@sio.event
async def start_ticking(sid):
    global ticker
    if ticker is None:
        ticker = sio.start_background_task(tick)


@sio.event
async def join(sid, message):
    await sio.enter_room(sid, message["room"])
    await sio.emit("info", {"rooms": sorted(r for r in sio.rooms(sid) if r != sid)}, room=sid)


@sio.event
async def leave(sid, message):
    await sio.leave_room(sid, message["room"])
    return sorted(r for r in sio.rooms(sid) if r != sid)


@sio.on("close room")
async def close_it(sid, message):
    await sio.emit("closing", message["room"], room=message["room"])
    await sio.close_room(message["room"])


@sio.event
async def say(sid, message):
    await sio.emit("said", {"text": message["text"]}, room=message["room"], skip_sid=sid)


@sio.event
async def say_to_both(sid, message):
    await sio.emit("said", {"text": message["text"]}, to=message["rooms"])


@sio.event
async def leave_me(sid):
    await sio.disconnect(sid)


@sio.event
def disconnect(sid, reason):
    print("gone:", reason, flush=True)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
