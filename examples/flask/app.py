"""Flask and Socket.IO on one port: a form whose text appears in every open page.

    pip install flask
    python3 -m sioc examples/flask/app.py            then open http://127.0.0.1:3000 in two windows

Flask's requests run in threads beside the event loop; io.emit may be called from them.
"""

from flask import Flask, render_template_string, request

import sioc

io = sioc.Server()
app = Flask(__name__)
notes: list[str] = []

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Notes</title></head>
<body style="font: 18px sans-serif; max-width: 34em; margin: 3em auto">
<h1>Notes</h1>
<ul id="notes">{% for note in notes %}<li>{{ note }}</li>{% endfor %}</ul>
<form id="form"><input id="text" name="text" autocomplete="off"><button>Add</button></form>
<script src="/socket.io/socket.io.js"></script>
<script>
  const form = document.getElementById("form");
  io().on("note", (text) => {
    const item = document.createElement("li");
    item.textContent = text;
    document.getElementById("notes").append(item);
  });
  form.onsubmit = (event) => {
    event.preventDefault();
    fetch("/notes", { method: "POST", body: new FormData(form) });
    form.reset();
  };
</script></body></html>
"""


@app.get("/")
def page() -> str:
    return render_template_string(PAGE, notes=notes)


@app.post("/notes")
def add() -> tuple[str, int]:
    text = request.form["text"].strip()[:200]
    if text:
        notes.append(text)
        io.emit("note", text)  # to every page, from Flask's thread
    return "", 204


io.mount("/", sioc.WSGI(app))
io.run(port=3000)
