"""What is measured.  A row's name says all of it: MODE-CLIENTS[xIN_FLIGHT][-BYTES][-rROOMS][-WORD...], as in echo-100x16-4k."""
import re
from dataclasses import dataclass

NAME = re.compile(r'(echo|ack|fanout|idle|connect|latency)-(\d+)(?:x(\d+))?((?:-[a-z0-9]+)*)$')
BYTES = re.compile(r'(\d+)(b|k)$')

# The table of the README.
TABLE = [
    'echo-1x1', 'echo-100x1', 'echo-1000x1', 'echo-100x1-4k', 'echo-100x1-64k',
    'echo-100x16-16b', 'echo-100x16', 'echo-1000x16', 'echo-100x16-4k',
    'ack-100x1', 'ack-1000x1', 'ack-100x16', 'ack-1000x16',
    'fanout-100x1', 'fanout-1000x1', 'fanout-10000x1', 'fanout-1000x1-64k',
    'fanout-100x16', 'fanout-1000x16', 'fanout-10000x16', 'fanout-1000x16-4k',
    'fanout-1000x1-1k-deflate', 'fanout-1000x1-wire',
    'latency-100', 'connect-32', 'connect-256',
]
IDLE = ['idle-10000', 'idle-19800', 'idle-10000-closures', 'idle-10000-polling', 'idle-19800-heartbeats']
QUICK = ['echo-100x1', 'echo-100x16', 'echo-100x1-64k', 'ack-100x16', 'fanout-1000x1', 'fanout-1000x16', 'connect-256', 'idle-10000']

# Cost against one quantity: title, what the axis shows, and (value, row).
CURVES = {
    'connections': ('Echo, 16 in flight: cost of a message against connections', 'connections',
                    [(n, f'echo-{n}x16') for n in (1, 10, 100, 1000, 10000)]),
    'receivers': ('Fan-out, 16 in flight: cost of a delivery against receivers', 'receivers',
                  [(n, f'fanout-{n}x16') for n in (10, 100, 1000, 10000)]),
    'rooms': ('1,000 clients in so many rooms, each with a sender: cost of a delivery', 'rooms',
              [(n, f'fanout-1000x1-r{n}') for n in (1, 10, 100, 1000)]),
    'payload': ('Echo, 100 clients, 1 in flight: cost of a message against its payload', 'bytes of payload',
                [(16, 'echo-100x1-16b'), (128, 'echo-100x1'), (1024, 'echo-100x1-1k'), (4096, 'echo-100x1-4k'),
                 (16384, 'echo-100x1-16k'), (65536, 'echo-100x1-64k')]),
    'in-flight': ('Echo, 100 clients: cost of a message against messages in flight', 'in flight',
                  [(n, f'echo-100x{n}') for n in (1, 2, 4, 8, 16, 32, 64)]),
}


def curve_names():
    return [name for _, _, points in CURVES.values() for _, name in points]


@dataclass(frozen=True)
class Row:
    name: str
    mode: str  # as sioc bench calls it, and "latency": echo at half load
    clients: int
    in_flight: int
    bytes: int
    rooms: int
    words: tuple

    @property
    def variant(self):
        """Which server is needed."""
        if self.mode == 'idle':
            return '-'.join(('idle',) + tuple(word for word in self.words if word != 'heartbeats'))
        return 'deflate' if 'deflate' in self.words else 'bench'

    @property
    def title(self):
        text = {'latency': f'echo, {self.clients:,} conns at half load',
                'connect': f'connect and join, {self.clients} at once',
                'idle': f'idle, {self.clients:,} conns'}.get(self.mode)
        if not text:
            text = f'{self.mode} {self.clients} conns × {self.in_flight} in flight, {self.bytes} B'
        if self.rooms:
            text += f', {self.rooms} rooms'
        if 'deflate' in self.words:
            text += ', permessage-deflate'
        if 'wire' in self.words:
            text = f'{self.mode} {self.clients} conns × {self.in_flight} in flight, plain, as many bytes on the wire as the row above'
        return text + ''.join(f', {word}' for word in self.words if self.mode == 'idle')


def parse(name):
    match = NAME.match(name)
    if not match:
        raise ValueError(f'no row "{name}": a name is like echo-100x16, fanout-1000x1-64k, fanout-1000x1-r10, idle-10000-polling')
    mode, clients, in_flight, rest = match.groups()
    size, rooms, words = 128, 0, []
    for word in rest.split('-')[1:]:
        in_bytes = BYTES.match(word)
        if in_bytes:
            size = int(in_bytes[1]) * (1024 if in_bytes[2] == 'k' else 1)
        elif re.match(r'r\d+$', word):
            rooms = int(word[1:])
        else:
            words.append(word)
    known = {'closures', 'polling', 'heartbeats'} if mode == 'idle' else {'deflate', 'wire'}
    if not set(words) <= known or (rooms and mode != 'fanout'):
        raise ValueError(f'no row "{name}": what is {", ".join(words) or "a room"} of {mode}?')
    return Row(name, mode, int(clients), int(in_flight or 1), size, rooms, tuple(words))
