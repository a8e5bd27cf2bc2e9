"""Applications of ASGI 3.0 on the server's port: the scopes "lifespan" and "http".

A WebSocket of the application's own is not offered: a path for one is ``@io.websocket``.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import unquote

from ._http import Stream, split_headers

log = logging.getLogger("sioc")


class Lifespan:
    """The scope "lifespan": one task for the life of the application, if it knows that scope."""

    def __init__(self, app: Any, state: Dict[str, Any]):
        self.app = app
        self.state = state
        self._to_app: "asyncio.Queue[Dict[str, Any]]" = asyncio.Queue()
        self._from_app: "asyncio.Queue[Optional[Dict[str, Any]]]" = asyncio.Queue()
        self._task: "Optional[asyncio.Task[None]]" = None

    async def startup(self) -> None:
        """RuntimeError: the application says that it cannot."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        said = await self._ask("lifespan.startup")
        if said is not None and said["type"] == "lifespan.startup.failed":
            raise RuntimeError(f"the application cannot start: {said.get('message', '')}")

    async def shutdown(self) -> None:
        if self._task is not None and not self._task.done():
            said = await self._ask("lifespan.shutdown")
            if said is not None and said["type"] == "lifespan.shutdown.failed":
                log.error("the application's shutdown: %s", said.get("message", ""))
            await self._task

    async def _ask(self, kind: str) -> Optional[Dict[str, Any]]:
        self._to_app.put_nowait({"type": kind})
        return await self._from_app.get()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"},
                 "state": self.state}
        try:
            await self.app(scope, self._to_app.get, self._from_app.put)
        except Exception as error:
            # Applications without a lifespan raise here, and are right (ASGI, "Lifespan").
            log.debug("the application has no lifespan: %r", error)
        finally:
            self._from_app.put_nowait(None)


class Mount:
    """An application below a prefix; called with each request."""

    def __init__(self, server: Any, prefix: str, app: Any):
        self.server = server
        self.root = prefix.rstrip("/")
        self.app = app
        self.state: Dict[str, Any] = {}
        self._lifespan: Optional[Lifespan] = None

    async def startup(self) -> None:
        self._lifespan = Lifespan(self.app, self.state)
        await self._lifespan.startup()

    async def shutdown(self) -> None:
        if self._lifespan is not None:
            await self._lifespan.shutdown()

    def __call__(self, server: Any, handle: int, *told: Any) -> None:
        exchange = Exchange(self, handle, *told)
        server._start(exchange.run())

    def scope(self, method: str, path: str, url: str, headers: List[Tuple[str, str]],
              address: str) -> Dict[str, Any]:
        raw, _, query = url.partition("?")
        host, _, port = dict(headers).get("host", "").rpartition(":")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https" if self.server.secure else "http",
            "path": unquote(raw),
            "raw_path": raw.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": self.root,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            "client": (address, 0) if address else None,
            "server": (host, int(port)) if host and port.isdigit() else None,
            "state": self.state.copy(),
        }


class Exchange:
    """One request and its answer: ``receive`` and ``send`` of the scope "http"."""

    def __init__(self, mount: Mount, handle: int, method: str, path: str, url: str,
                 headers: List[Tuple[str, str]], query: Any, params: Any, body: bytes, address: str):
        self.scope = mount.scope(method, path, url, headers, address)
        self.app = mount.app
        self._body: Optional[bytes] = body
        self._changed = asyncio.Event()
        self._stream = Stream(mount.server, handle, self._changed.set)
        self._start: Optional[Dict[str, Any]] = None
        self._begun = False

    async def run(self) -> None:
        try:
            await self.app(self.scope, self.receive, self.send)
        except Exception:
            log.exception("%s %s", self.scope["method"], self.scope["path"])
        else:
            if not self._stream.ended:
                log.error("%s %s: the application has not answered whole", self.scope["method"],
                          self.scope["path"])
        finally:
            self._stream.abort()

    async def receive(self) -> Dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        while not self._stream.ended:
            await self._change()
        return {"type": "http.disconnect"}

    async def send(self, message: Dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "http.response.start" and self._start is None:
            self._start = message
        elif kind == "http.response.body" and self._start is not None:
            await self._send_body(message.get("body", b""), message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind!r} is out of order")

    async def _send_body(self, body: bytes, more: bool) -> None:
        if self._stream.left:
            raise OSError("the client has gone")
        if self._stream.ended:
            raise RuntimeError("the answer is complete already")
        assert self._start is not None
        if not self._begun:
            headers = [(name.decode("latin-1"), bytes(value)) for name, value in self._start.get("headers", ())]
            headers, length = split_headers(headers)
            if not more and length in (-1, len(body)):
                self._stream.respond(self._start["status"], headers, body)
                self._changed.set()
                return
            self._begun = True
            self._stream.begin(self._start["status"], headers, length)
        self._stream.write(body)
        while self._stream.full:
            await self._change()
        if not more:
            self._stream.end()
            self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
