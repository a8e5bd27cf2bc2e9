"""Every name of the script API is there, and is the same for Python as for Lua where it can be."""
import asyncio
import inspect

import pytest

import sioc

OPERATORS = "to in_ except_ local volatile compress timeout emit send write emit_with_ack"
NAMES = {
    "server": (sioc.Server, "of run serve start close on once off event any on_any prepend_any off_any use get post put delete "
               "patch static mount websocket publish engineio every background_task shared on_unload metrics register "
               "clients_count sockets rooms broadcast fetch_sockets all_sockets sockets_join sockets_leave "
               f"disconnect_sockets server_side_emit server_side_emit_with_ack {OPERATORS}"),
    "namespace": (sioc.Namespace, "on once off remove_all_listeners event on_any prepend_any off_any use sockets rooms broadcast fetch_sockets "
                  f"all_sockets sockets_join sockets_leave disconnect_sockets server_side_emit {OPERATORS}"),
    "socket": (sioc.Socket, "on once off add_listener remove_listener prepend_listener prepend_once_listener "
               "listener_count listeners event_names remove_all_listeners on_any prepend_any off_any listeners_any "
               "on_any_outgoing prepend_any_outgoing off_any_outgoing listeners_any_outgoing use join leave "
               "disconnect broadcast handshake id data connected disconnected recovered rooms nsp conn client request "
               f"reloaded transport {OPERATORS}"),
    "operator": (sioc.BroadcastOperator, "fetch_sockets all_sockets sockets_join sockets_leave disconnect_sockets "
                 f"server_side_emit server_side_emit_with_ack {OPERATORS}"),
    "connection": (sioc.Connection, "on once off remove_all_listeners send write close id protocol remote_address "
                   "ready_state transport upgraded request data queued write_buffer_length reloaded"),
    "websocket": (sioc.WebSocket, "on once off send close subscribe unsubscribe publish topics connected data reloaded"),
    "shared": (sioc.Shared, "get set add incr cas remove"),
    "request": (sioc.Request, "method path url query params headers body json form address"),
    "response": (sioc.Response, "status header send json"),
    "test socket": (sioc.TestSocket, "receive receive_with_ack expect disconnect close id connected emitted socket"),
    "package": (sioc, "Server Reject AckTimeout Disconnected Raw default check test_socket generation is_reload "
                "is_rollback WSGI Namespace"),
}


@pytest.mark.parametrize("what", NAMES)
def test_every_name_is_there(what):
    kind, names = NAMES[what]
    slots = {name for base in getattr(kind, "__mro__", ()) for name in getattr(base, "__slots__", ())}
    source = inspect.getsource(kind) if inspect.isclass(kind) else ""
    missing = [name for name in names.split()
               if not hasattr(kind, name) and name not in slots and f"self.{name}" not in source]
    assert missing == []


def test_what_a_server_has_of_its_own():
    io = sioc.Server()
    for name in "on once off use clients clients_count".split():
        assert hasattr(io.engine, name)
    assert io.state == {}
    assert [n for n in "auth headers query address time issued url secure xdomain".split()
            if n not in sioc.Handshake._names] == []
    asyncio.run(io.close())
