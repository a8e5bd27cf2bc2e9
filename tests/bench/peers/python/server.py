"""The benchmark's application on python-socketio and uvicorn, WebSocket only: server.py PORT [idle]"""
import sys

import socketio
import uvicorn

port, variant = int(sys.argv[1]), (sys.argv[2:] or [''])[0]
sio = socketio.AsyncServer(async_mode='asgi', transports=['websocket'], http_compression=False)


@sio.event
async def echo(sid, *args):
    await sio.emit('echo', args, to=sid)


if variant != 'idle':

    @sio.event
    async def ack(sid, payload):
        return payload

    @sio.event
    async def bcast(sid, number, payload):
        await sio.emit('bcast', (number, payload))

    @sio.event
    async def join(sid, room):
        await sio.enter_room(sid, room)
        return True

    @sio.event
    async def room(sid, name, number, payload):
        await sio.emit('bcast', (number, payload), to=name)


class Server(uvicorn.Server):
    """Says where it listens in the words that scripts/bench waits for."""

    async def startup(self, sockets=None):
        await super().startup(sockets)
        host, number = self.servers[0].sockets[0].getsockname()[:2]
        print(f'listening on http://{host}:{number}', flush=True)


Server(uvicorn.Config(socketio.ASGIApp(sio), host='127.0.0.1', port=port, log_level='error', loop='uvloop', ws='websockets',
                      ws_per_message_deflate=False, backlog=4096)).run()
