"""Blocking handlers beside a Flask application."""

import os

import flask
import socketio

sio = socketio.Server(async_mode="threading")
app = flask.Flask(__name__)
app.wsgi_app = socketio.WSGIApp(sio, app.wsgi_app)


@app.route("/")
def index():
    sio.emit("visited", {"path": flask.request.path})
    return "the page"


@sio.event
def connect(sid, environ, auth):
    if auth and auth.get("name") == "nobody":
        raise socketio.exceptions.ConnectionRefusedError("not you")
    with sio.session(sid) as session:
        session["count"] = 0


@sio.event
def count(sid):
    sio.sleep(0.01)
    with sio.session(sid) as session:
        session["count"] += 1
        return session["count"]


@sio.event
def ask_me(sid, question):
    return ["you said", sio.call("question", question, to=sid, timeout=10)]


@sio.event
def join(sid, room):
    sio.enter_room(sid, room)
    sio.emit("joined", sorted(r for r in sio.rooms(sid) if r != sid), room=room)


@sio.event
def disconnect(sid, reason):
    print("gone:", reason, flush=True)


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ["PORT"]), threaded=True)
