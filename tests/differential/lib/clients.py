"""Clients of python-socketio, as many as wanted, told what to do by lines of JSON.

In:  {"id": 1, "do": "connect", "url": ..., "namespace": ..., "transports": [...], "auth": ...}
     {"id": 1, "do": "emit", "args": [name, ...]}    {"id": 1, "do": "call", "n": 7, "args": [name, ...]}
     {"id": 1, "do": "disconnect"}
Out: {"id": 1, "what": "connect", "sid": ...}  "connect_error"  "event"  "disconnect"  "answer"
Binary data is {"$binary": hex}.  An event "q" is answered with "<its first argument>!".
"""
import asyncio
import json
import logging
import sys

import aiohttp
import engineio.payload
import socketio

# More than 16 packets in an answer of polling are too many for it by default, whoever the server is.
engineio.payload.Payload.max_decode_packets = 10000
# It says so of a connection that is over and on which nothing is sent any more.
logging.getLogger('engineio.client').addFilter(lambda record: 'packet queue is empty' not in record.getMessage())


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return {'$binary': value.hex()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def real(value):
    if isinstance(value, list):
        return [real(item) for item in value]
    if isinstance(value, dict):
        if set(value) == {'$binary'}:
            return bytes.fromhex(value['$binary'])
        return {key: real(item) for key, item in value.items()}
    return value


def tell(id, what, **fields):
    print(json.dumps({'id': id, 'what': what, **{key: plain(value) for key, value in fields.items()}}), flush=True)


class Client:
    def __init__(self, id, namespace):
        self.id = id
        self.namespace = namespace
        self.gone = False
        self.http = aiohttp.ClientSession()  # its own ones are not closed in all cases
        self.sio = socketio.AsyncClient(reconnection=False, http_session=self.http)
        self.leave = self.sio.eio.disconnect
        self.sio.eio.disconnect = self.disconnect_in_order
        self.sio.on('connect', self.on_connect, namespace=namespace)
        self.sio.on('connect_error', self.on_connect_error, namespace=namespace)
        self.sio.on('disconnect', self.on_disconnect, namespace=namespace)
        self.sio.on('*', self.on_event, namespace=namespace)

    async def on_connect(self):
        tell(self.id, 'connect', sid=self.sio.get_sid(self.namespace))

    async def on_connect_error(self, data=None):
        tell(self.id, 'connect_error', data=data)

    async def on_disconnect(self, reason=None):
        self.gone = True
        tell(self.id, 'disconnect', reason=reason)

    async def on_event(self, event, *args):
        tell(self.id, 'event', args=[event, *args])
        if event == 'q':
            return f'{args[0]}!'

    # Its writer forgets what is queued if it is told to leave while a POST is under way; so let it write first, until
    # it waits for more.
    async def disconnect_in_order(self, *args, **named):
        queue = self.sio.eio.queue
        if self.sio.eio.state == 'connected':
            await asyncio.wait([asyncio.ensure_future(queue.join())], timeout=10)
            for _ in range(100):
                if queue._getters or self.sio.eio.state != 'connected':
                    break
                await asyncio.sleep(0.01)
            if self.gone and self.sio.eio.current_transport == 'polling':
                await self.say_close()
        await self.leave(*args, **named)

    # It says nothing if its GET has just been answered; so we do.
    async def say_close(self):
        try:
            async with self.http.post(self.sio.eio.base_url, data='1') as response:
                await response.read()
        except aiohttp.ClientError:
            pass

    async def end(self):
        await self.sio.disconnect()
        await self.http.close()

    async def connect(self, order):
        try:
            await self.sio.connect(order['url'], namespaces=[self.namespace], transports=order['transports'],
                                   auth=real(order.get('auth')), wait_timeout=5)
        except socketio.exceptions.ConnectionError:
            tell(self.id, 'failed')

    @staticmethod
    def values(args):
        return tuple(real(args)) if len(args) != 1 else real(args)[0]

    async def emit(self, order):
        name, *args = order['args']
        await self.sio.emit(name, self.values(args) if args else None, namespace=self.namespace)

    async def call(self, order):
        name, *args = order['args']
        answer = await self.sio.call(name, self.values(args) if args else None, namespace=self.namespace, timeout=8)
        tell(self.id, 'answer', n=order['n'], answer=list(answer) if isinstance(answer, tuple) else [] if answer is None else [answer])

    async def disconnect(self, order):
        await self.sio.disconnect()


async def main():
    clients = {}
    running = set()
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        if order['do'] == 'connect':
            clients[order['id']] = Client(order['id'], order['namespace'])
        client = clients[order['id']]
        task = asyncio.ensure_future(getattr(client, order['do'])(order))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*(client.end() for client in clients.values()))


asyncio.run(main())
