"""FastAPI and Socket.IO on one port: visits that are counted by a request and seen by everybody at once.

    pip install fastapi
    python3 -m sioc examples/fastapi/app.py          then open http://127.0.0.1:3000 in two windows

Nothing of uvicorn runs: the C core parses HTTP and hands to FastAPI what is not Socket.IO's.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

import sioc

io = sioc.Server()
visits = {"count": 0}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    print("FastAPI begins", flush=True)
    yield
    print("FastAPI ends", flush=True)


app = FastAPI(title="visits", lifespan=lifespan)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Visits</title></head>
<body style="font: 18px sans-serif; max-width: 34em; margin: 3em auto">
<h1>Visits: <span id="count">?</span></h1>
<button id="visit">One more</button> <a href="/docs">The API</a>
<script src="/socket.io/socket.io.js"></script>
<script>
  const socket = io();
  const show = (count) => { document.getElementById("count").textContent = count; };
  socket.on("visits", show);
  socket.on("connect", () => socket.emit("how many", show));
  document.getElementById("visit").onclick = () => fetch("/visits", { method: "POST" });
</script></body></html>
"""


@app.get("/", response_class=HTMLResponse)
async def page() -> str:
    return PAGE


@app.get("/visits")
async def how_many() -> dict[str, int]:
    return visits


@app.post("/visits")
async def visit() -> dict[str, int]:
    visits["count"] += 1
    io.emit("visits", visits["count"])  # to every page, from a request
    return visits


@io.event("how many")
def answer(_socket: sioc.Socket) -> int:
    return visits["count"]


io.mount("/", app)
io.run(port=3000)
