"""The options of a server, as the core wants them; and where the browser client's files are."""

from __future__ import annotations

import os
import pathlib
from typing import Any, List, Mapping, Optional

# These are switches and settings at once: settings turn them on.
SWITCHES = ("cookie", "http_compression", "per_message_deflate", "connection_state_recovery", "rollback")


def flatten(options: Mapping[str, Any], prefix: str = "") -> List[Any]:
    """Nested dicts as dotted names, lists as several values, as the core wants them."""
    pairs: List[Any] = []
    for name, value in options.items():
        name = prefix + name
        if value is None:
            continue
        if name == "cors" and not isinstance(value, dict):
            name = "cors.origin"
        if isinstance(value, dict):
            if name in SWITCHES:
                pairs.append((name, True))
            pairs.extend(flatten(value, name + "."))
        elif isinstance(value, (list, tuple, set, frozenset)):
            pairs.extend((name, item) for item in value)
        else:
            pairs.append((name, os.fspath(value) if isinstance(value, os.PathLike) else value))
    return pairs


def client_dir() -> Optional[str]:
    """The folder of the browser client's files: of the environment, the package, or the build tree."""
    given = os.environ.get("SIOC_CLIENT_DIR")
    here = pathlib.Path(__file__).parent
    above = list(pathlib.Path(__file__).resolve().parents)[:4]
    for folder in (given, here / "client", *(p / "build/data/client" for p in above)):
        if folder and os.path.isfile(os.path.join(folder, "socket.io.js")):
            return str(folder)
    return None
