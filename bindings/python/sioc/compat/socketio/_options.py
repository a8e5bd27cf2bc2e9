"""The arguments of python-socketio's servers as options of ``sioc.Server``."""

from __future__ import annotations

from typing import Any

#: What only says how python-socketio runs: sioc has one way to.
IGNORED = frozenset({"async_mode", "monitor_clients", "engineio_logger", "logger"})

#: What sioc calls by another name.
RENAMED = {"max_http_buffer_size": "max_payload"}


def options_of(serializer: Any, json: Any, async_handlers: bool, given: dict[str, Any]) -> dict[str, Any]:
    """Options for ``sioc.Server``; what they do not know is passed on, so that it says so."""
    given = {name: value for name, value in given.items() if name not in IGNORED}
    if serializer not in ("default", "msgpack"):
        raise ValueError(f"serializer is 'default' or 'msgpack', not {serializer!r}")
    if json is not None:
        raise ValueError(
            "json= has no effect here: sioc encodes by itself; for types of your own, give default="
        )
    options: dict[str, Any] = {"serial": not async_handlers}
    if serializer == "msgpack":
        options["parser"] = "msgpack"
    options.update(_cors(given))
    options.update(_compression(given))
    options.update(_cookie(given))
    interval = given.pop("ping_interval", None)
    if interval is not None:  # a pair is the interval and what the server adds to it
        options["ping_interval"] = interval[0] if isinstance(interval, tuple) else interval
    options.update({RENAMED.get(name, name): value for name, value in given.items()})
    return options


def _cors(given: dict[str, Any]) -> dict[str, Any]:
    origins = given.pop("cors_allowed_origins", None)
    credentials = given.pop("cors_credentials", True)
    if origins is None:
        return {}
    if callable(origins):
        raise ValueError("cors_allowed_origins cannot be a function; give allow_request= instead")
    # An empty list turns the checks off; there is then nothing to tell a browser.
    return {"cors": {"origin": origins or "*", "credentials": bool(credentials)}}


def _compression(given: dict[str, Any]) -> dict[str, Any]:
    wanted = given.pop("http_compression", True)
    threshold = given.pop("compression_threshold", 1024)
    return {"http_compression": {"threshold": threshold} if wanted else False}


def _cookie(given: dict[str, Any]) -> dict[str, Any]:
    cookie = given.pop("cookie", None)
    if cookie is None:
        return {}
    return {"cookie": {"name": cookie} if isinstance(cookie, str) else cookie}
