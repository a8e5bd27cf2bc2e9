/* bindings/lua/websocket.h -- a plain WebSocket as its methods (websocket.c) and the calls of
 * the core (websocket_calls.c) know it.
 *
 * The userdata holds a handle, so it can be kept for ever; it is kept alive by the core's
 * host_ref until its last `close` handler has been called.  Handlers are in lists, one for each
 * event, that are replaced and never changed, so one that is walked stays.
 */
#ifndef SLUA_WEBSOCKET_H
#define SLUA_WEBSOCKET_H

#include "api.h"

enum slua_ws_event { SLUA_WS_MESSAGE, SLUA_WS_CLOSE, SLUA_WS_DRAINED, SLUA_WS_EVENTS };

/* User values: the list of handlers of event n is n + 1, then `data`. */
enum { SLUA_WS_DATA = SLUA_WS_EVENTS + 1, SLUA_WS_VALUES = SLUA_WS_DATA };

struct slua_websocket {
    uint64_t handle;
    struct slua_server *server;
    int counts[SLUA_WS_EVENTS];
    bool reloaded; /* it was there before this generation */
};

/* What the core calls for a route of that server; ref: the function (slua_function_ref). */
struct sioc_websocket_handler slua_websocket_handler(struct slua_server *server, int ref);

#endif
