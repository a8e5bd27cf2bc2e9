"""HTTP beside the sockets, and applications that are mounted: FastAPI, Flask, plain ASGI and WSGI."""

import asyncio
import json

import aiohttp
import pytest

import sioc


@pytest.fixture
def ask():
    """ask(server, method, path, ...) -> (status, headers, body)"""

    async def request(server, method, path, **options):
        async with aiohttp.ClientSession() as session:
            async with session.request(method, server.url + path, **options) as response:
                return response.status, response.headers, await response.read()

    return request


def plain(result):
    return lambda _request: result


def later(result):
    async def handler(request, response):
        await asyncio.sleep(0)
        return result

    return handler


async def test_handlers_answer_by_what_they_return(serve, ask):
    io = sioc.Server()
    results = {"text": "grüße", "bytes": b"\x00\xff", "json": {"a": [1, None]}, "list": [1, "x"], "status": 201,
               "both": (202, {"b": 1}), "nothing": None}
    for name, result in results.items():
        io.get(f"/plain/{name}", plain(result))
        io.get(f"/async/{name}", later(result))
    server = await serve(io)
    for kind in ("plain", "async"):
        got = {name: await ask(server, "GET", f"/{kind}/{name}") for name in results}
        assert {name: (status, body) for name, (status, _, body) in got.items()} == {
            "text": (200, "grüße".encode()), "bytes": (200, b"\x00\xff"), "json": (200, b'{"a":[1,null]}'),
            "list": (200, b'[1,"x"]'), "status": (201, b""), "both": (202, b'{"b":1}'), "nothing": (204, b"")}
        assert got["text"][1]["content-type"] == "text/plain; charset=utf-8"
        assert got["bytes"][1]["content-type"] == "application/octet-stream"
        assert got["json"][1]["content-type"] == "application/json; charset=utf-8"


async def test_requests_tell(serve, ask):
    io = sioc.Server()

    @io.post("/users/:id/:what")
    def user(request):
        return {"method": request.method, "path": request.path, "url": request.url, "params": request.params,
                "query": request.query, "header": request.headers.get("x-some"), "json": request.json(),
                "address": request.address}

    @io.put("/form")
    async def form(request, response):
        response.status(200).header("X-Fields", str(len(request.form()))).json(request.form())

    server = await serve(io)
    status, _, body = await ask(server, "POST", "/users/7/a%20b?x=1&y=%C3%BC", json={"n": 1}, headers={"X-Some": "v"})
    assert status == 200
    assert json.loads(body) == {
        "method": "POST", "path": "/users/7/a b", "url": "/users/7/a%20b?x=1&y=%C3%BC",
        "params": {"id": "7", "what": "a b"}, "query": {"x": "1", "y": "ü"}, "header": "v", "json": {"n": 1},
        "address": "127.0.0.1"}
    status, headers, body = await ask(server, "PUT", "/form", data={"a": "1", "b": "ä"})
    assert (status, headers["x-fields"], json.loads(body)) == (200, "2", {"a": "1", "b": "ä"})
    assert (await ask(server, "POST", "/users/7/x", data=b"{no json"))[0] == 400
    assert (await ask(server, "GET", "/form"))[0] == 405
    assert (await ask(server, "GET", "/nowhere"))[0] == 404


async def test_errors_are_answered_with_500_and_logged(serve, ask, caplog):
    io = sioc.Server()

    @io.get("/plain")
    def plain():
        raise ValueError("broken plainly")

    @io.get("/later")
    async def later():
        await asyncio.sleep(0)
        raise ValueError("broken later")

    @io.get("/twice")
    def twice(_request, response):
        response.send("once")
        response.send("twice")

    @io.get("/header")
    def header(_request, response):
        response.header("X-Evil", "a\r\nb: c").send("x")

    @io.get("/unserialisable")
    def unserialisable():
        return {"x": object()}

    server = await serve(io)
    for path in ("/plain", "/later", "/header", "/unserialisable"):
        assert (await ask(server, "GET", path))[0] == 500, path
    assert (await ask(server, "GET", "/twice"))[::2] == (200, b"once")
    for text in ("broken plainly", "broken later", "answered already"):
        assert text in caplog.text


async def test_wrong_routes_are_refused(tmp_path):
    io = sioc.Server()
    io.get("/a", lambda: 1)
    for wrong, error in ((lambda: io.get("/a", lambda: 1), ValueError), (lambda: io.get("a", lambda: 1), ValueError),
                         (lambda: io.get("/b", lambda a, b, c: 1), TypeError), (lambda: io.get("/b", 7), TypeError),
                         (lambda: io.static("/x", tmp_path / "none"), FileNotFoundError),
                         (lambda: io.mount("/m", 7), TypeError), (lambda: sioc.WSGI(7), TypeError)):
        with pytest.raises(error):
            wrong()
    await io.close()


async def test_static_files(serve, ask, tmp_path):
    (tmp_path / "index.html").write_text("<h1>here</h1>")
    io = sioc.Server()
    io.static("/files", tmp_path)
    server = await serve(io)
    status, headers, body = await ask(server, "GET", "/files/")
    assert (status, body) == (200, b"<h1>here</h1>")
    assert headers["content-type"].startswith("text/html")
    assert (await ask(server, "GET", "/files/../secret"))[0] in (400, 404)


# ---- ASGI


async def test_fastapi_on_the_same_port(serve, ask):
    fastapi = pytest.importorskip("fastapi")
    from contextlib import asynccontextmanager

    seen = []

    @asynccontextmanager
    async def lifespan(_app):
        seen.append("begin")
        yield {"greeting": "hello"}
        seen.append("end")

    app = fastapi.FastAPI(lifespan=lifespan)
    io = sioc.Server()

    @app.get("/items/{number}")
    async def item(number: int, request: fastapi.Request, q: str = ""):
        io.emit("asked", number)
        return {"number": number, "q": q, "greeting": request.state.greeting, "root": request.scope["root_path"]}

    @app.post("/upload")
    async def upload(request: fastapi.Request):
        return {"bytes": len(await request.body())}

    @app.get("/stream")
    async def stream():
        async def pieces():
            for i in range(3):
                yield f"piece {i}\n"
                await asyncio.sleep(0)

        return fastapi.responses.StreamingResponse(pieces(), media_type="text/plain")

    @app.get("/fails")
    async def fails():
        raise RuntimeError("on purpose")

    io.mount("/", app)
    asked = asyncio.get_running_loop().create_future()
    server = await serve(io)
    assert seen == ["begin"]
    await server.client(asked=asked.set_result)
    status, _, body = await ask(server, "GET", "/items/7?q=x%20y")
    assert (status, json.loads(body)) == (200, {"number": 7, "q": "x y", "greeting": "hello", "root": ""})
    assert await asyncio.wait_for(asked, 5) == 7
    assert (await ask(server, "GET", "/items/seven"))[0] == 422
    assert json.loads((await ask(server, "POST", "/upload", data=b"x" * 300_000))[2]) == {"bytes": 300_000}
    status, headers, body = await ask(server, "GET", "/stream")
    assert (status, body) == (200, b"piece 0\npiece 1\npiece 2\n")
    assert headers["transfer-encoding"] == "chunked"
    assert (await ask(server, "GET", "/fails"))[0] == 500
    status, headers, _ = await ask(server, "HEAD", "/openapi.json")
    assert status in (200, 405)
    await io.close()
    assert seen == ["begin", "end"]


async def test_asgi_streams_wait_for_slow_readers(serve):
    """An application that sends without end is held back, and hears when its client leaves."""
    sent = 0
    left = asyncio.Event()

    async def app(scope, receive, send):
        nonlocal sent
        if scope["type"] == "lifespan":
            raise AssertionError("no lifespan here")
        assert (await receive())["type"] == "http.request"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
                sent += 65536
        except OSError:
            assert (await receive())["type"] == "http.disconnect"
            left.set()

    io = sioc.Server()
    io.mount("/app", app)
    server = await serve(io)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
    writer.write(b"GET /app/x HTTP/1.1\r\nHost: x\r\n\r\n")
    before = -1
    while sent != before:  # until it does not move any more
        before = sent
        await asyncio.sleep(0.2)
    assert 0 < sent < 64 << 20
    writer.close()
    await asyncio.wait_for(left.wait(), 5)


@pytest.mark.parametrize("broken", ["nothing", "start only", "raises", "raises in the middle", "too much", "too little"])
async def test_asgi_applications_that_break_their_word(serve, ask, caplog, broken):
    async def app(scope, receive, send):
        if scope["type"] == "lifespan" or broken == "nothing":
            return
        if broken == "raises":
            raise RuntimeError("on purpose")
        length = [(b"content-length", b"5")] if broken.startswith("too") else []
        await send({"type": "http.response.start", "status": 200, "headers": length})
        if broken == "start only":
            return
        await send({"type": "http.response.body", "body": b"abc", "more_body": True})
        if broken == "raises in the middle":
            raise RuntimeError("on purpose")
        await send({"type": "http.response.body", "body": b"defg" if broken == "too much" else b""})

    io = sioc.Server()
    io.mount("/", app)
    server = await serve(io)
    if broken in ("nothing", "start only", "raises"):
        assert (await ask(server, "GET", "/"))[0] == 500
    else:
        with pytest.raises(aiohttp.ClientError):
            await ask(server, "GET", "/")
    await server.client()  # all others are served on
    assert (await ask(server, "GET", "/socket.io/?EIO=4&transport=polling"))[0] == 200


async def test_an_application_that_cannot_start_keeps_the_server_from_starting():
    async def app(scope, receive, send):
        assert scope["type"] == "lifespan" and (await receive())["type"] == "lifespan.startup"
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    io = sioc.Server()
    io.mount("/", app)
    with pytest.raises(RuntimeError, match="no database"):
        await io.start(0)
    await io.close()


# ---- WSGI


async def test_flask_on_the_same_port(serve, ask):
    flask = pytest.importorskip("flask")
    app = flask.Flask(__name__)
    io = sioc.Server()

    @app.post("/echo/<name>")
    def echo(name):
        io.emit("echoed", name)
        return {"name": name, "q": flask.request.args.get("q"), "json": flask.request.get_json(),
                "scheme": flask.request.scheme, "address": flask.request.remote_addr}

    @app.get("/stream")
    def stream():
        return flask.Response((f"piece {i}\n" for i in range(3)), mimetype="text/plain")

    @app.get("/fails")
    def fails():
        raise RuntimeError("on purpose")

    io.mount("/", sioc.WSGI(app))
    echoed = asyncio.get_running_loop().create_future()
    server = await serve(io)
    await server.client(echoed=echoed.set_result)
    status, _, body = await ask(server, "POST", "/echo/a%C3%A4?q=1", json={"x": 1})
    assert (status, json.loads(body)) == (200, {"name": "aä", "q": "1", "json": {"x": 1}, "scheme": "http",
                                                "address": "127.0.0.1"})
    assert await asyncio.wait_for(echoed, 5) == "aä"
    assert (await ask(server, "GET", "/stream"))[::2] == (200, b"piece 0\npiece 1\npiece 2\n")
    assert (await ask(server, "GET", "/fails"))[0] == 500
    status, headers, body = await ask(server, "HEAD", "/stream")
    assert (status, body) == (200, b"")
    assert (await ask(server, "GET", "/none"))[0] == 404


async def test_wsgi_below_a_prefix_with_write_and_close(serve, ask, soon):
    closed = []

    class Body:
        def __iter__(self):
            return iter([b"b", b"", b"c"])

        def close(self):
            closed.append(True)

    def app(environ, start_response):
        write = start_response("202 Accepted", [("X-Where", environ["SCRIPT_NAME"] + "|" + environ["PATH_INFO"])])
        write(b"a")
        assert environ["wsgi.input"].read() == b"body"
        return Body()

    io = sioc.Server()
    io.mount("/api", sioc.WSGI(app))
    server = await serve(io)
    status, headers, body = await ask(server, "POST", "/api/x/y", data=b"body")
    assert (status, headers["x-where"], body) == (202, "/api|/x/y", b"abc")
    await soon(lambda: closed == [True])  # after the answer
    assert (await ask(server, "POST", "/apis", data=b"body"))[0] == 404


async def test_wsgi_application_that_raises(serve, ask, caplog):
    def app(environ, start_response):
        raise RuntimeError("on purpose")

    io = sioc.Server()
    io.mount("/", sioc.WSGI(app))
    server = await serve(io)
    assert (await ask(server, "GET", "/"))[0] == 500
    assert "on purpose" in caplog.text
