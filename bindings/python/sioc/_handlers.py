"""What a handler looks like: how many arguments it takes, whether it wants to answer itself.

Looked at once, when it is registered, so that a wrong one fails there and not with a client.
"""

from __future__ import annotations

import inspect
from typing import Any, Callable, Tuple

SERIAL, OWN, ANY, ACK_LAST, ACK_NAMED, THREAD = 1, 2, 4, 8, 16, 32
ONCE, PREPEND = 1, 2


def shape(fn: Callable[..., Any], told: int, what: str, ack: bool = True) -> Tuple[int, int]:
    """(positional arguments it takes, -1 = any; flags) of a handler that is told `told` things,
    and then what the client sent.  TypeError when it cannot take as many."""
    if not callable(fn):
        raise TypeError(f"{what}: a function is expected, not {type(fn).__name__}")
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # some builtins do not tell
        return -1, 0
    positional, names, required, any_number, flags = 0, [], 0, False, 0
    for p in parameters:
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            positional += 1
            names.append(p.name)
            required += p.default is p.empty
        elif p.kind is p.VAR_POSITIONAL:
            any_number = True
        elif p.kind is p.KEYWORD_ONLY:
            if p.name == "ack" and ack:
                flags |= ACK_NAMED
            elif p.default is p.empty:
                raise TypeError(f"{what}: the keyword-only argument {p.name!r} has no default, "
                                "and nobody gives it")
    if ack and not flags and not any_number and positional > told and names[-1] == "ack":
        flags |= ACK_LAST
        positional -= 1
    if positional < told and not any_number:
        raise TypeError(f"{what}: the handler takes {positional} argument{'s' * (positional != 1)}, "
                        f"but is told {told}")
    return (-1 if any_number else positional), flags


def exactly(fn: Callable[..., Any], least: int, most: int, what: str) -> Tuple[int, int]:
    """The same for a handler that is told from `least` to `most` things and nothing else."""
    count, _ = shape(fn, 0, what, ack=False)
    if count < 0:
        return -1, 0
    try:
        inspect.signature(fn).bind(*range(min(count, most)))
    except TypeError:
        raise TypeError(f"{what}: the handler requires more arguments than the {most} "
                        "it is told") from None
    except ValueError:
        pass
    if count < least:
        raise TypeError(f"{what}: the handler takes {count} argument{'s' * (count != 1)}, but is told "
                        f"{least}")
    return count, 0
