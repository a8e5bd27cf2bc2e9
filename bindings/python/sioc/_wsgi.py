"""Applications of WSGI (PEP 3333) on the server's port, each request in a thread of a pool."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, Iterable, List, Optional, Tuple
from urllib.parse import unquote_to_bytes

from ._http import Stream, split_headers

log = logging.getLogger("sioc")


class WSGI:
    """Wraps an application for ``io.mount("/", sioc.WSGI(app))``.  threads: requests at a time."""

    def __init__(self, app: Any, threads: int = 32):
        if not callable(app):
            raise TypeError(f"an application is expected, not {type(app).__name__}")
        self.app = app
        self.threads = threads

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return self.app(environ, start_response)

    def _mount(self, server: Any, prefix: str) -> "Mount":
        return Mount(server, prefix, self.app, self.threads)


class Mount:
    """An application below a prefix; called with each request."""

    def __init__(self, server: Any, prefix: str, app: Any, threads: int):
        self.server = server
        self.root = prefix.rstrip("/")
        self.app = app
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="wsgi")

    async def startup(self) -> None:
        """There is no lifespan in WSGI."""

    async def shutdown(self) -> None:
        self._pool.shutdown(wait=False)

    def __call__(self, server: Any, handle: int, method: str, path: str, url: str,
                 headers: List[Tuple[str, str]], query: Any, params: Any, body: bytes, address: str) -> None:
        environ = self.environ(method, url, headers, body, address)
        exchange = Exchange(server, handle, method)
        self._pool.submit(exchange.run, self.app, environ)

    def environ(self, method: str, url: str, headers: List[Tuple[str, str]], body: bytes,
                address: str) -> Dict[str, Any]:
        raw, _, query = url.partition("?")
        path = unquote_to_bytes(raw).decode("latin-1")
        secure = self.server.secure
        environ: Dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": self.root,
            "PATH_INFO": path[len(self.root):],
            "QUERY_STRING": query,
            "REQUEST_URI": url,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": address,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if secure else "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers:
            key = name.upper().replace("-", "_")
            if key == "CONTENT_LENGTH":
                continue
            key = key if key == "CONTENT_TYPE" else "HTTP_" + key
            environ[key] = f"{environ[key]}, {value}" if key in environ else value
        host, _, port = environ.get("HTTP_HOST", "").rpartition(":")
        environ["SERVER_NAME"] = host or environ.get("HTTP_HOST", "") or "localhost"
        environ["SERVER_PORT"] = port if host and port.isdigit() else "443" if secure else "80"
        return environ


class Exchange:
    """One request and its answer: runs in a thread, and sends in the loop's."""

    def __init__(self, server: Any, handle: int, method: str):
        self._loop: asyncio.AbstractEventLoop = server._loop.asyncio
        self._method = method
        self._changed = asyncio.Event()
        self._stream = Stream(server, handle, self._changed.set)
        self._status = 0
        self._headers: List[Tuple[str, bytes]] = []
        self._length = -1
        self._begun = False

    def run(self, app: Any, environ: Dict[str, Any]) -> None:
        try:
            result = app(environ, self.start_response)
            try:
                self._send_all(result)
            finally:
                if hasattr(result, "close"):
                    result.close()
        except Gone:
            pass
        except BaseException:
            log.exception("%s %s", self._method, environ["PATH_INFO"])
            self._in_loop(self._stream.abort)

    def start_response(self, status: str, headers: List[Tuple[str, str]], exc_info: Any = None) -> Any:
        try:
            if exc_info and self._begun:
                raise exc_info[1].with_traceback(exc_info[2])
        finally:
            exc_info = None
        if self._status and exc_info is None and self._begun:
            raise AssertionError("start_response was called already")
        pairs = [(name, value.encode("latin-1")) for name, value in headers]
        self._headers, self._length = split_headers(pairs)
        self._status = int(status.split(" ", 1)[0])
        return self.write

    def write(self, data: bytes) -> None:
        """A piece of the body, at once (PEP 3333, the old way); waits for a slow reader."""
        if not self._status:
            raise AssertionError("write() before start_response()")
        self._wait(self._write(data))

    def _send_all(self, result: Iterable[bytes]) -> None:
        parts = iter(result)
        first: Optional[bytes] = next(parts, b"")
        if not self._status:
            raise AssertionError("the application has not called start_response()")
        second = next(parts, None)
        if second is None and not self._begun:  # the usual answer: one call into the loop
            body = bytes(first or b"")
            self._in_loop(self._respond, body)
            return
        for part in (first, second):
            if part:
                self.write(part)
        for part in parts:
            if part:
                self.write(part)
        self._wait(self._finish())

    def _respond(self, body: bytes) -> None:
        if self._length in (-1, len(body)):
            self._stream.respond(self._status, self._headers, body)
            return
        try:  # an answer to HEAD, or a promise that is not kept
            self._stream.begin(self._status, self._headers, self._length)
            self._stream.write(body)
            self._stream.end()
        except ValueError as error:
            log.error("%s: Content-Length is %d, but the body has %d bytes: %s", self._method,
                      self._length, len(body), error)
            self._stream.abort()

    async def _write(self, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            self._stream.begin(self._status, self._headers, self._length)
        self._stream.write(data)
        while self._stream.full:
            self._changed.clear()
            await self._changed.wait()
        if self._stream.left:
            raise Gone

    async def _finish(self) -> None:
        if not self._begun:
            self._stream.respond(self._status, self._headers, b"")
        else:
            self._stream.end()

    def _wait(self, coro: Any) -> None:
        asyncio.run_coroutine_threadsafe(coro, self._loop).result()

    def _in_loop(self, fn: Any, *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(fn, *args)
        except RuntimeError:  # the loop has ended meanwhile
            pass


class Gone(Exception):
    """The client has left."""
