/* bindings/lua/websocket.h -- a plain WebSocket as its methods (websocket.c) and the calls of
 * the core (websocket_calls.c) know it.
 *
 * The userdata holds a handle, so it can be kept for ever; it is kept alive by the core's
 * host_ref until its last `close` handler has been called.
 */
#ifndef SLUA_WEBSOCKET_H
#define SLUA_WEBSOCKET_H

#include "api.h"

enum slua_ws_event { SLUA_WS_MESSAGE = 1, SLUA_WS_CLOSE, SLUA_WS_DRAINED };

/* User values: the handlers (emitter.c), `data`. */
enum { SLUA_WS_DATA = 2, SLUA_WS_VALUES = SLUA_WS_DATA };

struct slua_websocket {
    uint64_t handle;
    struct slua_server *server;
    bool reloaded; /* it was there before this generation */
};

/* What the core calls for a route of that server; ref: the function (slua_function_ref). */
struct sioc_websocket_handler slua_websocket_handler(struct slua_server *server, int ref);

#endif
