"""The namespaces of a server: by name, by pattern, by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, MutableMapping, Pattern, Tuple, TypeVar, Union, cast
from typing import Optional

from . import native
from ._handlers import exactly
from ._namespace import Namespace

if TYPE_CHECKING:
    from ._server import Server

Class = TypeVar("Class", bound=Namespace)


class Spaces:
    """What a server does with its namespaces; part of sioc.Server."""

    _host: Any
    _registered: int
    _namespaces: Dict[str, Namespace]
    _parents: List[Tuple[Optional[Pattern[str]], Namespace]]
    _children: MutableMapping[int, Namespace]

    def of(self, name: "Union[str, Pattern[str], Callable[..., Any]]",
           fn: "Optional[Callable[[Any], Any]]" = None) -> Namespace:
        """The namespace of that name, made when there is none; or the parent of all whose names match a
        compiled regular expression, or for which a function (name[, auth]) gives true.  fn: as
        on("connection") of it.  A child's handlers: its parent's, and its own."""
        nsp = self._of(name)
        if fn is not None:
            nsp.on("connection", fn)
        return nsp

    def _of(self, name: "Union[str, Pattern[str], Callable[..., Any]]") -> Namespace:
        if not isinstance(name, str):
            return self._match(name)
        if not name.startswith("/"):
            name = "/" + name
        nsp = self._namespaces.get(name)
        if nsp is None:
            child = self._child_of(name)
            if child is not None:
                return child
            nsp = self._namespaces[name] = self._new(name)
            self._registered += 1
        return nsp

    def _match(self, matcher: Any) -> Namespace:
        pattern = matcher if hasattr(matcher, "search") else None
        if pattern is not None:
            def fits(name: str) -> bool:
                return pattern.search(name) is not None

            matcher = fits
        elif not callable(matcher):
            raise TypeError("of: a name, a compiled regular expression or a function is expected, not "
                            f"{type(matcher).__name__}")
        most, _ = exactly(matcher, 1, 2, "of")
        core = native.server_match(self._host, matcher, most)
        parent = self._new(native.nsp_name(core), core)
        native.nsp_set_face(core, parent)
        self._parents.append((pattern, parent))
        self._registered += 1
        return parent

    def _child_of(self, name: str) -> Optional[Namespace]:
        """A name that belongs to a pattern is a child of its parent."""
        for pattern, parent in self._parents:
            if pattern is not None and pattern.search(name):
                core = native.nsp_child(parent._core, name)
                return None if core is None else self._child(core)
        return None

    def register(self, namespace: Class) -> Class:
        """Takes the handlers of a class that was derived from sioc.Namespace.
        ValueError: there is a namespace of that name."""
        if not isinstance(namespace, Namespace) or isinstance(namespace, Spaces):
            raise TypeError("register: an object of a class derived from sioc.Namespace is expected, not "
                            f"{type(namespace).__name__}")
        name = namespace.name
        if name == "/":
            namespace._bind(cast("Server", self), name, cast("Server", self)._core)
        elif name in self._namespaces:
            raise ValueError(f"register: there is a namespace {name} already")
        else:
            namespace._bind(cast("Server", self), name)
            self._namespaces[name] = namespace
        namespace._register_methods()
        self._registered += 1
        return namespace

    def _child(self, core: Any) -> Namespace:
        """The object of a namespace that clients have brought about, or that only they still know."""
        key = native.nsp_key(core)
        nsp = self._children.get(key)
        if nsp is None:
            nsp = self._children[key] = self._new(native.nsp_name(core), core)
        return nsp

    def _new(self, name: str, core: Any = None) -> Namespace:
        nsp = Namespace.__new__(Namespace)
        nsp._bind(cast("Server", self), name, core)
        return nsp
