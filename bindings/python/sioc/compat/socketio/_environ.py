"""The ``environ`` of a client: its handshake request as PEP 3333 has it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit


def environ_of(handshake: Any) -> dict[str, Any]:
    """A new dictionary with the names of PEP 3333 that a handshake has."""
    url = urlsplit(handshake.url)
    address, port = split_address(handshake.address)
    secure = bool(handshake.secure)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": url.path,
        "QUERY_STRING": url.query,
        "RAW_URI": handshake.url,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "sioc",
        "REMOTE_ADDR": address,
        "REMOTE_PORT": port,
        "wsgi.url_scheme": "https" if secure else "http",
        "wsgi.version": (1, 0),
    }
    for name, value in handshake.headers.items():
        text = ", ".join(value) if isinstance(value, (list, tuple)) else value
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = text
    host = environ.get("HTTP_HOST", "")
    environ["SERVER_NAME"], environ["SERVER_PORT"] = split_host(host, "443" if secure else "80")
    return environ


def split_address(address: str) -> tuple[str, str]:
    """Host and port of ``1.2.3.4:5`` or ``[::1]:5``; a bare host has port ``0``."""
    return split_host(address, "0")


def split_host(host: str, port: str) -> tuple[str, str]:
    """Host and port, with ``port`` for one without; of an IPv6 address, without its brackets."""
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name, rest[1:] or port
    if host.count(":") == 1:
        name, _, rest = host.partition(":")
        return name, rest
    return host, port
