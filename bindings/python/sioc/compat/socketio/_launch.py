"""``uvicorn.run(app)`` and Flask's ``app.run()`` start sioc when the application is ours.

A program that moves by changing an import ends with one of these calls.  Both functions are
wrapped once, if their packages are there; any other application goes where it always went.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def described(app: Any) -> Any:
    """The ``ASGIApp`` or ``WSGIApp`` that ``app`` is, or that a Flask application has become."""
    from ._apps import _App

    for candidate in (app, getattr(app, "wsgi_app", None)):
        if isinstance(candidate, _App):
            return candidate
    return None


def take_over(run: Callable[..., None]) -> None:
    """Lets the calls that start other servers come to ``run``."""
    for module, name, host, port in (
        ("uvicorn", "run", "127.0.0.1", 8000),
        ("werkzeug.serving", "run_simple", "127.0.0.1", 5000),
    ):
        try:
            owner = __import__(module, fromlist=[name])
        except ImportError:
            continue
        if not hasattr(getattr(owner, name), "of_sioc"):
            setattr(owner, name, wrapped(getattr(owner, name), run, host, port))


def wrapped(original: Callable[..., Any], run: Callable[..., None], host: str, port: int) -> Any:
    """``original``, but for our applications ``run`` with its host and port."""

    @functools.wraps(original)
    def start(*args: Any, **options: Any) -> Any:
        app, place = _parts(original.__name__, args, options)
        if described(app) is None:
            return original(*args, **options)
        return run(app, place.get("host") or host, place.get("port") or port)

    start.of_sioc = True  # type: ignore[attr-defined]
    return start


def _parts(name: str, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The application, and host and port, of a call."""
    if name == "run":  # uvicorn.run(app, *, host, port)
        return (args[0] if args else options.get("app")), options
    given = dict(zip(("hostname", "port", "application"), args), **options)  # run_simple
    return given.get("application"), {"host": given.get("hostname"), "port": given.get("port")}
