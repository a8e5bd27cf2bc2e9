"""What `sioc bench` asks of a server, on sioc in Python.

    python3 bench.py [PORT]                                         one terminal
    sioc bench http://127.0.0.1:3000 --clients 1000 --in-flight 16  another
"""

import sys

import sioc

io = sioc.Server(transports=["websocket"])


@io.event
def echo(socket, *args):
    """--mode echo: the same event, with the same arguments, back to who sent it."""
    socket.emit("echo", *args)


@io.event
def ack(_socket, payload):
    """--mode ack: the argument as the answer."""
    return payload


@io.event
def bcast(_socket, number, payload):
    """--mode fanout: the same to everybody."""
    io.emit("bcast", number, payload)


@io.event
def join(socket, room):
    """--mode fanout --rooms K: clients join a room each, and speak to it."""
    socket.join(room)
    return True


@io.event
def room(_socket, name, number, payload):
    io.to(name).emit("bcast", number, payload)


io.run(port=int(sys.argv[1]) if sys.argv[1:] else 3000)
