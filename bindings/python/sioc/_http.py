"""HTTP beside the sockets: routes, folders, mounted applications."""

from __future__ import annotations

import inspect
import json
import logging
import mimetypes
import os
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple, overload
from urllib.parse import parse_qs

from . import native
from ._handlers import exactly
from ._types import OnRequest

if TYPE_CHECKING:
    from ._types import Path

log = logging.getLogger("sioc")
Pairs = List[Tuple[str, str]]


def content_type(name: str) -> str:
    """The media type of a file, by its name; ``application/octet-stream`` when nobody knows."""
    guess = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return guess + "; charset=utf-8" if guess.startswith("text/") else guess


class BadBody(ValueError):
    """The body of a request is not what it should be: answered with 400 if nobody catches it."""


class Request:
    """A request: ``method``, ``path`` (decoded), ``url`` (as it came, with the query), ``headers``,
    ``query`` and ``params`` (dicts of str; names of headers in lower case), ``body`` (bytes),
    ``address`` (the client's)."""

    __slots__ = ("method", "path", "url", "raw_headers", "headers", "query", "params", "body", "address")

    def __init__(self, method: str, path: str, url: str, headers: Pairs, query: Pairs, params: Pairs,
                 body: bytes, address: str):
        self.method = method
        self.path = path
        self.url = url
        self.raw_headers = headers
        self.headers = joined(headers)
        self.query: Dict[str, str] = dict(query)
        self.params: Dict[str, str] = dict(params)
        self.body = body
        self.address = address

    def json(self) -> Any:
        """The body as JSON.  BadBody: it is none."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise BadBody(f"the body is no JSON: {error}") from None

    def form(self) -> Dict[str, str]:
        """The body as an HTML form (application/x-www-form-urlencoded); of several with one name the
        last."""
        try:
            pairs = parse_qs(self.body.decode(), keep_blank_values=True, max_num_fields=1000)
        except ValueError as error:
            raise BadBody(f"the body is no form: {error}") from None
        return {name: values[-1] for name, values in pairs.items()}

    def __repr__(self) -> str:
        return f"<sioc.Request {self.method} {self.url}>"


def joined(headers: Pairs) -> Dict[str, str]:
    """Headers by name; several with one name as a list with commas (RFC 9110, 5.3)."""
    by_name: Dict[str, str] = {}
    for name, value in headers:
        by_name[name] = f"{by_name[name]}, {value}" if name in by_name else value
    return by_name


class Response:
    """The answer, for handlers that do more than to return it.  Its methods are for the loop's
    thread."""

    __slots__ = ("_host", "_handle", "_status", "_headers", "sent")

    def __init__(self, host: Any, handle: int):
        self._host = host
        self._handle = handle
        self._status = 200
        self._headers: List[Tuple[str, bytes]] = []
        self.sent = False

    def status(self, status: int) -> "Response":
        """Sets the status, 200 to 599."""
        self._status = status
        return self

    def header(self, name: str, value: str) -> "Response":
        """Adds a header."""
        self._headers.append((name, value.encode("latin-1")))
        return self

    def send(self, body: Any = b"") -> bool:
        """Sends the answer: bytes, str, or anything that is JSON.  False: the client has gone."""
        if isinstance(body, str):
            return self._send(body.encode(), "text/plain; charset=utf-8")
        if isinstance(body, (bytes, bytearray, memoryview)):
            return self._send(body, "application/octet-stream" if len(body) else None)
        return self.json(body)

    def json(self, value: Any) -> bool:
        """Sends a value as JSON."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return self._send(text.encode(), "application/json; charset=utf-8")

    def _send(self, body: Any, kind: Optional[str]) -> bool:
        if self.sent:
            raise RuntimeError("the request was answered already")
        if kind and not any(name.lower() == "content-type" for name, _ in self._headers):
            self._headers.append(("Content-Type", kind.encode()))
        sent: bool = native.request_respond(self._host, self._handle, self._status, self._headers, body)
        self.sent = True
        return sent


def answer(response: Response, result: Any) -> None:
    """What a handler has returned as the answer: nothing is 204, an int a status, a tuple of an int
    and something both."""
    if response.sent:
        return
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], int):
        response.status(result[0])
        result = result[1]
    elif isinstance(result, int) and not isinstance(result, bool):
        response.status(result).send()
        return
    if result is None:
        response.status(204 if response._status == 200 else response._status).send()
    else:
        response.send(result)


def fail(response: Response, error: Exception) -> None:
    """Answers for a handler that has raised."""
    if response.sent:
        return
    response._headers.clear()
    if isinstance(error, BadBody):
        response.status(400).send(f"{error}\n")
    else:
        response.status(500).send("Internal Server Error\n")


class Route:
    """A handler of requests: fn(request, response), either may be left out from the end."""

    __slots__ = ("fn", "count")

    def __init__(self, fn: Callable[..., Any], what: str):
        self.fn = fn
        count, _ = exactly(fn, 0, 2, what)
        self.count = 2 if count < 0 else min(count, 2)

    def __call__(self, server: Any, handle: int, *told: Any) -> None:
        response = Response(server._host, handle)
        request = Request(*told)
        try:
            result = self.fn(*(request, response)[:self.count])
            if inspect.isawaitable(result):
                server._start(self._finish(server, result, request, response))
            else:
                answer(response, result)
        except Exception as error:
            self._failed(server, request, response, error)

    async def _finish(self, server: Any, result: Any, request: Request, response: Response) -> None:
        try:
            answer(response, await result)
        except Exception as error:
            self._failed(server, request, response, error)
        except BaseException:
            fail(response, RuntimeError())
            raise

    def _failed(self, server: Any, request: Request, response: Response, error: Exception) -> None:
        if not isinstance(error, BadBody):
            server._failures += 1
            log.error("%s %s: %r", request.method, request.path, error,
                      exc_info=(type(error), error, error.__traceback__))
        fail(response, error)


class Http:
    """What a server does with HTTP; part of sioc.Server."""

    _host: Any
    _registered: int
    _lifespans: List[Any]
    _streams: Dict[int, Any]

    def _route(self, method: str, path: str, fn: Any) -> Any:
        if fn is None:
            return lambda f: self._route(method, path, f)
        native.http_route(self._host, method, path, Route(fn, f"{method} {path}"))
        self._registered += 1
        return fn

    @overload
    def get(self, path: str) -> Callable[[OnRequest], OnRequest]: ...
    @overload
    def get(self, path: str, fn: OnRequest) -> OnRequest: ...
    def get(self, path: str, fn: Any = None) -> Any:
        """fn(request, response) for GET (and HEAD) of a path, whose parts may be ``:names``
        (request.params).  Plain or async; it answers by what it returns: a str (text), bytes, a dict or
        list (JSON), a status, (status, any of these), None (204); or by response.  Also as a decorator:
        ``@io.get("/users/:id")``."""
        return self._route("GET", path, fn)

    @overload
    def post(self, path: str) -> Callable[[OnRequest], OnRequest]: ...
    @overload
    def post(self, path: str, fn: OnRequest) -> OnRequest: ...
    def post(self, path: str, fn: Any = None) -> Any:
        """As get, for POST."""
        return self._route("POST", path, fn)

    @overload
    def put(self, path: str) -> Callable[[OnRequest], OnRequest]: ...
    @overload
    def put(self, path: str, fn: OnRequest) -> OnRequest: ...
    def put(self, path: str, fn: Any = None) -> Any:
        """As get, for PUT."""
        return self._route("PUT", path, fn)

    @overload
    def patch(self, path: str) -> Callable[[OnRequest], OnRequest]: ...
    @overload
    def patch(self, path: str, fn: OnRequest) -> OnRequest: ...
    def patch(self, path: str, fn: Any = None) -> Any:
        """As get, for PATCH."""
        return self._route("PATCH", path, fn)

    @overload
    def delete(self, path: str) -> Callable[[OnRequest], OnRequest]: ...
    @overload
    def delete(self, path: str, fn: OnRequest) -> OnRequest: ...
    def delete(self, path: str, fn: Any = None) -> Any:
        """As get, for DELETE."""
        return self._route("DELETE", path, fn)

    def static(self, prefix: str, folder: Path) -> None:
        """Serves the files of a folder below a prefix.  FileNotFoundError: there is no such folder."""
        native.http_static(self._host, prefix, os.fspath(folder))
        self._registered += 1

    def mount(self, prefix: str, app: Any) -> None:
        """Everything below a prefix that no route and no folder is for goes to an application: one of
        ASGI (FastAPI, Starlette, Quart), or ``sioc.WSGI(app)`` (Flask, Django).

        Its lifespan begins before the first client and ends after the last one.  ``io.mount("/", app)``
        is everything but Socket.IO.  ValueError: the prefix has one already.
        """
        from ._asgi import Mount as AsgiMount
        from ._wsgi import WSGI

        if not callable(app):
            raise TypeError(f"mount({prefix!r}): an application is expected, not {type(app).__name__}")
        mounted = app._mount(self, prefix) if isinstance(app, WSGI) else AsgiMount(self, prefix, app)
        native.http_mount(self._host, prefix, mounted)
        self._lifespans.append(mounted)
        self._registered += 1

    @property
    def secure(self) -> bool:
        """Whether it serves with TLS."""
        return bool(native.server_secure(self._host))

    # ---- called by the shim

    def _requested(self, fn: Any, told: Any) -> None:
        fn(self, *told)

    def _drained(self, handle: int) -> None:
        stream = self._streams.get(handle)
        if stream is not None:
            stream.drained()

    def _gone(self, handle: int) -> None:
        stream = self._streams.pop(handle, None)
        if stream is not None:
            stream.gone()


class Stream:
    """An answer in pieces, for applications that are mounted; in the loop's thread."""

    __slots__ = ("server", "handle", "left", "ended", "_begun", "_full", "_on_change")

    def __init__(self, server: Any, handle: int, on_change: Callable[[], Any]):
        self.server = server
        self.handle = handle
        self.left = False  # the client
        self.ended = False
        self._begun = False
        self._full = False
        self._on_change = on_change
        server._streams[handle] = self
        native.request_watch(server._host, handle)

    @property
    def full(self) -> bool:
        """Much waits to be written: write on when on_change is called and this is false."""
        return self._full and not self.left

    def respond(self, status: int, headers: List[Tuple[str, bytes]], body: Any) -> None:
        """The whole answer."""
        self._end()
        native.request_respond(self.server._host, self.handle, status, headers, body)

    def begin(self, status: int, headers: List[Tuple[str, bytes]], length: int) -> None:
        self._begun = True
        native.request_begin(self.server._host, self.handle, status, headers, length)

    def write(self, data: Any) -> None:
        self._full = native.request_write(self.server._host, self.handle, data) is None

    def end(self) -> None:
        if self._begun and not self.ended:
            self._end()
            native.request_end(self.server._host, self.handle)

    def abort(self) -> None:
        """The application has failed: 500, or, in the middle of an answer, a closed connection."""
        if self.ended:
            return
        if not self._begun:
            self.respond(500, [("Content-Type", b"text/plain; charset=utf-8")], b"Internal Server Error\n")
            return
        self._end()
        native.request_abort(self.server._host, self.handle)

    def drained(self) -> None:
        self._full = False
        self._on_change()

    def gone(self) -> None:
        self.left = self.ended = True
        self._on_change()

    def _end(self) -> None:
        self.ended = True
        self.server._streams.pop(self.handle, None)


OURS = frozenset({"content-length", "transfer-encoding", "connection", "date"})


def split_headers(headers: List[Tuple[str, bytes]]) -> Tuple[List[Tuple[str, bytes]], int]:
    """Without what the connection says itself; and Content-Length, -1 when there is none."""
    length = -1
    kept = []
    for name, value in headers:
        lower = name.lower()
        if lower == "content-length":
            length = int(value)
        if lower not in OURS:
            kept.append((name, value))
    return kept, length
