"""The command line of ``python3 -m sioc``: that of the program sioc, whose words and messages it uses."""

from __future__ import annotations

import datetime
import difflib
import json
import logging
import os
import sys
import traceback
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import native

USAGE = """python3 -m sioc app.py [options] [-- arguments of the script]
    serves Socket.IO as the script says
python3 -m sioc check app.py
    loads the script without serving; says file:line: message when it cannot

Options (they beat what the script says):
"""
OWN = {
    "host": ("ADDRESS", "where to listen; 127.0.0.1 is this machine only"),
    "port": ("N", "3000; 0 takes any free port"),
    "static": ("FOLDER", "serve its files at /; may be given several times"),
    "log-level": ("LEVEL", "debug, info, warn or error; info"),
    "log-format": ("FORMAT", "text or json; text"),
    "watch": (None, "reload when a file of the script was saved"),
    "watch-poll": (None, "the same on file systems that do not tell (network shares)"),
    "help": (None, "this text"),
    "version": (None, "the version"),
}
LATER = ("workers", "adapter", "config")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


class Usage(Exception):
    """A wrong command line."""


class Settings:
    def __init__(self) -> None:
        self.script: str = ""
        self.arguments: List[str] = []
        self.host: Optional[str] = None
        self.port: Optional[int] = None
        self.statics: List[str] = []
        self.options: List[Tuple[str, Any]] = []
        self.log_level = "info"
        self.log_json = False
        self.watch = False
        self.watch_poll = False
        self.check = False
        self.command = "serve"  # help, version


def spell(name: str) -> str:
    """The name as one types it."""
    return name.replace("_", "-").replace(".", "-")


def number(text: str, complaint: str, least: float, most: float, kind: Callable[[str], Any] = int) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        raise Usage(f'{complaint}, not "{text}"')
    return value


def of_type(name: str, kind: str, text: str) -> Any:
    """The text of an option as the value it means."""
    if kind == "bool":
        if text not in ("true", "false"):
            raise Usage(f'option "{name}" must be true or false, not "{text}"')
        return text == "true"
    if kind == "seconds":
        return number(text, f'option "{name}" must be a number of seconds', 0, 1e12, float)
    if kind == "count":
        return number(text, f'option "{name}" must be a number', 0, 2**53)
    return text


class Reader:
    def __init__(self, words: List[str]):
        self.words = words
        self.at = 0
        self.settings = Settings()
        self.known: Dict[str, Tuple[str, str]] = {spell(o[0]): (o[0], o[1]) for o in native.options()}

    def read(self) -> Settings:
        s = self.settings
        while self.at < len(self.words) and s.command == "serve":
            word = self.words[self.at]
            self.at += 1
            if word == "--":
                s.arguments = self.words[self.at:]
                break
            if word.startswith("--"):
                self._option(word)
            elif word in ("-h", "-v", "-V"):
                s.command = "help" if word == "-h" else "version"
            elif word.startswith("-") and len(word) > 1:
                raise Usage(f"unknown option {word}; python3 -m sioc --help lists them")
            elif not s.script and word == "check" and not s.check:
                s.check = True
            elif s.script:
                raise Usage(f'unexpected "{word}": the script is {s.script} (what it is to get itself goes '
                            "behind --)")
            else:
                s.script = word
        if s.command == "serve" and not s.script:
            raise Usage("check needs a script: python3 -m sioc check app.py" if s.check else
                        "no script given; try python3 -m sioc --help")
        return s

    def _value(self, word: str, given: Optional[str]) -> str:
        if given is not None:
            return given
        if self.at == len(self.words):
            raise Usage(f"{word} needs a value")
        self.at += 1
        return self.words[self.at - 1]

    def _option(self, word: str) -> None:
        name, equals, text = word[2:].partition("=")
        given = text if equals else None
        if name in LATER:
            raise Usage(f"--{name} is not available yet in sioc {native.version()}")
        if name in OWN:
            if OWN[name][0] is None and given is not None:
                raise Usage(f"--{name} takes no value")
            self._own(name, "" if OWN[name][0] is None else self._value(word, given))
            return
        negated = name.startswith("no-") and self.known.get(name[3:], ("", ""))[1] == "bool"
        option = self.known.get(name[3:] if negated else name)
        if option is None:
            near = difflib.get_close_matches(name, [*OWN, *self.known], 1)
            raise Usage(f"unknown option --{name}; did you mean --{near[0]}?" if near else
                        f"unknown option --{name}; python3 -m sioc --help lists them")
        if option[1] == "bool" and given is None:
            self.settings.options.append((option[0], not negated))
            return
        text = self._value(word, given)
        texts = text.split(",") if option[1] == "list" else [text]
        self.settings.options.extend((option[0], of_type(option[0], option[1], t)) for t in texts)

    def _own(self, name: str, value: str) -> None:
        s = self.settings
        if name == "host":
            if not value:
                raise Usage("--host needs an address, e.g. 0.0.0.0")
            s.host = value
        elif name == "port":
            s.port = number(value, "--port must be a number from 0 to 65535", 0, 65535)
        elif name == "static":
            s.statics.append(value)
        elif name == "log-level":
            if value not in LEVELS:
                raise Usage(f'--log-level must be debug, info, warn or error, not "{value}"')
            s.log_level = value
        elif name == "log-format":
            if value not in ("text", "json"):
                raise Usage(f'--log-format must be text or json, not "{value}"')
            s.log_json = value == "json"
        elif name in ("watch", "watch-poll"):
            s.watch = True
            s.watch_poll = s.watch_poll or name == "watch-poll"
        else:
            s.command = name


def print_help() -> None:
    print(USAGE, end="")
    for name, (value, text) in OWN.items():
        print(f"  {('--' + name + (' ' + value if value else '')):<34} {text}")
    print("\nOptions of the server (the same that sioc.Server(...) takes), with defaults:")
    placeholder = {"seconds": " SECONDS", "count": " N", "list": " A,B", "text": " TEXT"}
    for name, kind, default, text, _ in native.options():
        left = f"--{spell(name)}{placeholder.get(kind, '')}"
        print(f"  {left:<34} {text}{'; ' + default if default else ''}")


class Lines(logging.Formatter):
    """One record, one write; continuation lines are indented, as the program sioc writes them."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        moment = datetime.datetime.fromtimestamp(record.created, datetime.timezone.utc)
        time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        level = {"WARNING": "warn", "CRITICAL": "error"}.get(record.levelname, record.levelname.lower())
        return self.line(time, level, text)

    def line(self, time: str, level: str, text: str) -> str:
        return f"{time} {level:<5} " + text.replace("\n", "\n    ")


class Json(Lines):
    def line(self, time: str, level: str, text: str) -> str:
        return json.dumps({"time": time, "level": level, "text": text}, ensure_ascii=False, separators=(",", ":"))


def set_up_log(settings: Settings) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if settings.log_json else Lines())
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(handler)
        root.setLevel(logging.INFO)
    logging.getLogger("sioc").setLevel(LEVELS[settings.log_level])


def main(words: Optional[List[str]] = None) -> int:
    """The program; returns its exit code."""
    try:
        settings = Reader(sys.argv[1:] if words is None else words).read()
    except Usage as error:
        print(f"sioc: {error}", file=sys.stderr)
        return 2
    if settings.command == "help":
        print_help()
        return 0
    if settings.command == "version":
        print(f"sioc {native.version()}")
        return 0
    if not os.path.isfile(settings.script):
        print(f"sioc: cannot open {settings.script}", file=sys.stderr)
        return 1
    return serve(settings)


def serve(settings: Settings) -> int:
    from ._reload import App
    from ._loop import run_loop

    set_up_log(settings)
    raise_file_limit()
    sys.argv = [settings.script, *settings.arguments]
    folder = os.path.dirname(os.path.abspath(settings.script))
    if sys.path[:1] == [os.getcwd()] or sys.path[:1] == [""]:
        sys.path[0] = folder  # as python3 app.py has it
    else:
        sys.path.insert(0, folder)
    code = 1

    async def program() -> None:
        nonlocal code
        app = App(settings)
        sys.meta_path.insert(0, app.finder)
        code = await app.main()

    run_loop(program())
    return code


def raise_file_limit() -> None:
    """One descriptor for each client: as many as there may be."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
