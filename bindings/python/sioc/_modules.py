"""The modules of an application: compiled from their source each time, never from a .pyc that may be
older than it (a file that is saved twice in a second, with the same length, looks unchanged), and
forgotten before the next generation is loaded.

An application's own modules are those below the folder of its script; what is installed is not, even
below it (a virtual environment).
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import sys
import types
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

OURS = __name__.partition(".")[0]
INSTALLED = ("site-packages", "dist-packages")


class Kept:
    """What a generation was loaded from, as it was: texts, by the names of modules."""

    __slots__ = ("script", "modules")

    def __init__(self) -> None:
        self.script: Optional[bytes] = None
        self.modules: Dict[str, Tuple[str, bytes, bool]] = {}  # (path, text, whether it is a package)


class Source(importlib.machinery.SourceFileLoader):
    """Compiles the file, whatever lies in __pycache__; or the text that it is given."""

    def __init__(self, name: str, path: str, kept: Kept, text: Optional[bytes] = None):
        super().__init__(name, path)
        self._kept, self._text = kept, text

    def get_code(self, fullname: str) -> Any:
        path = self.get_filename(fullname)
        text = self.get_data(path) if self._text is None else self._text
        self._kept.modules[fullname] = (path, text, self.is_package(fullname))
        return self.source_to_code(text, path)


class Finder:
    """Finds the application's modules before anybody else does, and notes which files were read or
    looked for."""

    def __init__(self, folder: str):
        self.folder = os.path.realpath(folder)
        self.given = folder
        self.files: Set[str] = set()
        self.kept = Kept()  # of the last that was loaded
        self.back: Optional[Kept] = None  # that has to come from there

    def owns(self, path: Optional[str]) -> bool:
        if not path:
            return False
        path = os.path.realpath(path)
        if not path.startswith(self.folder.rstrip(os.sep) + os.sep):
            return False
        parts = path[len(self.folder):].split(os.sep)
        return not any(part in INSTALLED for part in parts) and not self._in_environment(path)

    def _in_environment(self, path: str) -> bool:
        prefix = os.path.realpath(sys.prefix) + os.sep
        return path.startswith(prefix) and not self.folder.startswith(prefix)

    def find_spec(self, name: str, path: "Optional[Sequence[str]]" = None,
                  target: "Optional[types.ModuleType]" = None) -> Any:
        if name.partition(".")[0] == OURS:
            return None
        if self.back is not None and name in self.back.modules:
            path_, text, package = self.back.modules[name]
            self.files.add(path_)
            return importlib.util.spec_from_file_location(
                name, path_, loader=Source(name, path_, self.kept, text),
                submodule_search_locations=[os.path.dirname(path_)] if package else None)
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None:
            self._missed(name, path)
            return None
        file = spec.origin
        if not isinstance(spec.loader, importlib.machinery.SourceFileLoader) or not file or not self.owns(file):
            return None
        self.files.add(os.path.abspath(file))
        spec.loader = Source(spec.loader.name, spec.loader.path, self.kept)
        spec.cached = None
        return spec

    def _missed(self, name: str, path: "Optional[Sequence[str]]") -> None:
        """The file may still come."""
        base = name.rpartition(".")[2]
        for folder in [self.given] if path is None else list(path):
            if path is None or self.owns(os.path.join(folder, base)):
                self.files.add(os.path.abspath(os.path.join(folder, base + ".py")))
                self.files.add(os.path.abspath(os.path.join(folder, base, "__init__.py")))

    # ---- sys.modules

    def _is_app(self, name: str, module: Any) -> bool:
        if name.partition(".")[0] == OURS or not isinstance(module, types.ModuleType):
            return False
        if getattr(module, "__file__", None):
            return self.owns(module.__file__)
        try:
            folders: List[str] = list(getattr(module, "__path__", ()))
        except Exception:
            return False
        return bool(folders) and all(self.owns(folder) for folder in folders)  # a namespace package

    def take_out(self) -> Dict[str, Any]:
        """Takes the application's modules out of sys.modules."""
        own = {name: module for name, module in list(sys.modules.items()) if self._is_app(name, module)}
        for name in own:
            del sys.modules[name]
        importlib.invalidate_caches()
        return own

    def put_back(self, modules: Dict[str, Any]) -> None:
        """Instead of those that are there now."""
        self.take_out()
        sys.modules.update(modules)


def run_script(path: str, module: types.ModuleType, text: Optional[bytes]) -> None:
    """Runs the script in the module.  SyntaxError, or whatever it raises."""
    exec(compile(text or b"", path, "exec", dont_inherit=True), module.__dict__)


def read_script(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
