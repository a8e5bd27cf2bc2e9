"""Names for types: what handlers look like to a type checker, and what the options of a server are.

Nothing here does anything.  A handler is a type variable that is bound to all shapes it may have: a
decorator gives back exactly the function that it got, and a function of another shape is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, AbstractSet, Any, Callable, Dict, List, Optional, Sequence, Tuple, TypedDict, TypeVar, Union

if TYPE_CHECKING:
    from os import PathLike

    from typing_extensions import Concatenate  # noqa: F401  (in the bounds below)

    from ._conn import Connection  # noqa: F401
    from ._engine import ConnectionRefused, Headers as HeaderDict  # noqa: F401
    from ._http import Request, Response  # noqa: F401
    from ._namespace import Namespace  # noqa: F401
    from ._socket import Socket
    from ._websocket import WebSocket  # noqa: F401

# ---- handlers

Handler = TypeVar("Handler", bound=Callable[..., Any])
OnNothing = TypeVar("OnNothing", bound=Callable[[], Any])
OnSocket = TypeVar("OnSocket", bound="Callable[[Socket], Any]")
OnLeave = TypeVar("OnLeave", bound="Union[Callable[[Socket], Any], Callable[[Socket, str], Any], "
                                   "Callable[[Socket, str, Any], Any]]")
OnError = TypeVar("OnError", bound="Union[Callable[[Exception], Any], "
                                   "Callable[[Exception, Optional[Socket]], Any], "
                                   "Callable[[Exception, Optional[Socket], str], Any]]")
OnNamespace = TypeVar("OnNamespace", bound="Callable[[Namespace], Any]")
OnRoom = TypeVar("OnRoom", bound=Callable[[str], Any])
OnMember = TypeVar("OnMember", bound=Union[Callable[[str], Any], Callable[[str, str], Any]])
OnEvent = TypeVar("OnEvent", bound="Callable[Concatenate[Socket, ...], Any]")
OnAny = TypeVar("OnAny", bound="Union[Callable[[Socket, str], Any], Callable[Concatenate[Socket, str, ...], Any]]")
OnOwnAny = TypeVar("OnOwnAny", bound="Callable[Concatenate[str, ...], Any]")
OnRequest = TypeVar("OnRequest", bound="Union[Callable[[], Any], Callable[[Request], Any], "
                                       "Callable[[Request, Response], Any]]")
OnWebSocket = TypeVar("OnWebSocket", bound="Union[Callable[[WebSocket], Any], "
                                           "Callable[[WebSocket, Request], Any]]")
OnMessage = TypeVar("OnMessage", bound="Union[Callable[[], Any], Callable[[Any], Any]]")
OnClose = TypeVar("OnClose", bound="Union[Callable[[], Any], Callable[[int], Any], Callable[[int, str], Any]]")
OnRefused = TypeVar("OnRefused", bound="Union[Callable[[], Any], Callable[[ConnectionRefused], Any]]")
OnHeaders = TypeVar("OnHeaders", bound="Union[Callable[[], Any], Callable[[HeaderDict], Any], "
                                       "Callable[[HeaderDict, Request], Any]]")
OnEngine = TypeVar("OnEngine", bound="Union[Callable[[Request], Any], Callable[[Request, HeaderDict], Any]]")
OnConn = TypeVar("OnConn", bound="Union[Callable[[], Any], Callable[[Connection], Any]]")
OnFlush = TypeVar("OnFlush", bound="Union[Callable[[], Any], Callable[[Connection], Any], "
                                   "Callable[[Connection, List[Dict[str, Any]]], Any]]")
OnOpen = TypeVar("OnOpen", bound="Union[Callable[[Connection], Any], Callable[[Connection, Request], Any]]")

if TYPE_CHECKING:
    Question = Union[Callable[[], Any], Callable[[Request], Any]]

    # ---- rooms, and those who are meant

    Room = Union[str, Socket]
    Rooms = Union[Room, Sequence[Room], AbstractSet[Room]]
    Path = Union[str, PathLike[str]]

Target = Tuple[Tuple[str, ...], Tuple[str, ...], int, bool]  # rooms, but these, but this socket, local
Answered = Callable[[Optional[str], Tuple[Any, ...]], None]  # why there is none, the answer
Headers = List[Tuple[str, bytes]]


# ---- options

Texts = Union[Sequence[str], AbstractSet[str]]

class Cors(TypedDict, total=False):
    origin: Union[str, bool, Texts]
    methods: Union[str, Texts]
    allowed_headers: Union[str, Texts]
    exposed_headers: Union[str, Texts]
    credentials: bool
    max_age: int


class HttpCompression(TypedDict, total=False):
    threshold: int


class PerMessageDeflate(TypedDict, total=False):
    threshold: int
    server_no_context_takeover: bool
    client_no_context_takeover: bool
    server_max_window_bits: int
    client_max_window_bits: int
    level: int
    memory_level: int
    max_ratio: int
    max_windows: int


class Cookie(TypedDict, total=False):
    name: str
    path: str
    domain: str
    same_site: str
    http_only: bool
    secure: bool
    max_age: int


class Recovery(TypedDict, total=False):
    max_disconnection_duration: float
    skip_middlewares: bool
    max_packets: int
    max_bytes: int
    max_sessions: int


class Tls(TypedDict, total=False):
    cert: "Union[Path, Sequence[Path]]"
    key: "Union[Path, Sequence[Path]]"
    client_ca: "Path"
    handshake_timeout: float
    max_key_updates: int


class Rollback(TypedDict, total=False):
    window: float
    threshold: int
    min_handlers: int


class Options(TypedDict, total=False):
    """The options of sioc.Server: ``sioc.Server(ping_interval=25)``; None is the default."""

    path: Optional[str]
    transports: Optional[Union[str, Texts]]
    allow_upgrades: Optional[bool]
    allow_eio3: Optional[bool]
    initial_packet: Optional[str]
    add_trailing_slash: Optional[bool]
    http_compression: Optional[Union[bool, HttpCompression]]
    per_message_deflate: Optional[Union[bool, PerMessageDeflate]]
    cookie: Optional[Union[bool, Cookie]]
    serve_client: Optional[bool]
    ping_interval: Optional[float]
    ping_timeout: Optional[float]
    upgrade_timeout: Optional[float]
    connect_timeout: Optional[float]
    first_request_timeout: Optional[float]
    header_timeout: Optional[float]
    body_timeout: Optional[float]
    min_body_rate: Optional[int]
    message_timeout: Optional[float]
    keepalive_timeout: Optional[float]
    close_timeout: Optional[float]
    handler_timeout: Optional[float]
    max_payload: Optional[int]
    max_attachments: Optional[int]
    max_attachment_bytes: Optional[int]
    attachment_timeout: Optional[float]
    max_depth: Optional[int]
    max_values: Optional[int]
    max_event_name: Optional[int]
    max_namespace_name: Optional[int]
    max_waiting_events: Optional[int]
    max_waiting_bytes: Optional[int]
    hold_timeout: Optional[float]
    max_queue: Optional[int]
    max_packets: Optional[int]
    max_packets_per_turn: Optional[int]
    max_message_rate: Optional[int]
    message_burst: Optional[int]
    max_byte_rate: Optional[int]
    rate_timeout: Optional[float]
    max_unasked_pongs: Optional[int]
    max_empty_fragments: Optional[int]
    max_pings: Optional[int]
    max_memory: Optional[int]
    max_log_rate: Optional[int]
    max_conns: Optional[int]
    max_conns_per_ip: Optional[int]
    max_handshakes_per_ip: Optional[int]
    max_unknown_sids_per_ip: Optional[int]
    max_keepalive_requests: Optional[int]
    max_header_bytes: Optional[int]
    max_headers: Optional[int]
    max_url_bytes: Optional[int]
    max_rooms: Optional[int]
    max_rooms_total: Optional[int]
    max_namespaces: Optional[int]
    max_dynamic_namespaces: Optional[int]
    cleanup_empty_child_namespaces: Optional[bool]
    max_pending_acks: Optional[int]
    trusted_proxies: Optional[Union[str, Texts]]
    proxy_protocol: Optional[bool]
    tls: Optional[Tls]
    parser: Optional[str]
    connection_state_recovery: Optional[Union[bool, Recovery]]
    serial: Optional[bool]
    max_shared_bytes: Optional[int]
    rollback: Optional[Union[bool, Rollback]]
    drop_missing_namespaces: Optional[bool]
    cors: Optional[Union[bool, str, Texts, Cors]]
