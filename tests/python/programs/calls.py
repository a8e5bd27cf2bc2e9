"""Questions to the client, answers with several values, and binary data."""

import os

import socketio
import uvicorn

sio = socketio.AsyncServer(async_mode="asgi", ping_interval=20, max_http_buffer_size=100_000)
app = socketio.ASGIApp(sio, socketio_path="/realtime/socket.io")


@sio.event
async def ask_me(sid, question):
    answer = await sio.call("question", question, to=sid, timeout=10)
    return ["you said", answer]


@sio.event
async def ask_in_vain(sid):
    try:
        await sio.call("unanswered", to=sid, timeout=0.1)
    except socketio.exceptions.TimeoutError:
        return "timeout"


@sio.event
async def ask_by_callback(sid):
    async def answered(*values):
        await sio.emit("got", list(values), room=sid)

    def answered_plainly(*values):
        sio.start_background_task(answered, *values)

    await sio.emit("question", "by callback?", room=sid, callback=answered_plainly)


@sio.event
async def several(sid):
    return "one", 2, {"three": 3}


@sio.event
def nothing(sid):
    return None


@sio.event
async def reverse(sid, data):
    return {"reversed": data["bytes"][::-1], "kind": type(data["bytes"]).__name__}


@sio.event
async def many(sid, a, b, c):
    await sio.emit("several arguments", (c, b, a), room=sid)
    await sio.emit("a list", [c, b, a], room=sid)
    await sio.send({"a": "message"}, room=sid)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
