"""Libraries that the core loads (the option `parser`) call its API, which is in the extension module."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any, Iterable, Tuple

BUILT_IN = ("json", "msgpack")


def offer_api(options: "Iterable[Tuple[str, Any]]") -> None:
    """Lets libraries find the API, if one of the options (name, value) means that one is loaded."""
    if any(name == "parser" and value not in BUILT_IN for name, value in options):
        ctypes.CDLL(sys.modules["sioc._native"].__file__, mode=os.RTLD_NOW | os.RTLD_NOLOAD | ctypes.RTLD_GLOBAL)
