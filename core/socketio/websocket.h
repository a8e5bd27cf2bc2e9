/* socketio/websocket.h -- plain WebSocket connections, as the files of this floor see them. */
#ifndef SOCKETIO_WEBSOCKET_H
#define SOCKETIO_WEBSOCKET_H

#include "socketio/internal.h"
#include <sioc/websocket.h>

struct sio_topic;

/* What a path leads to (websocket_route.c). */
struct sio_ws_route {
    struct sioc_server *server; /* whose router has it; NULL: none any more */
    struct sioc_websocket_handler handler;
    struct sio_ws_route *heir; /* the same path after a reload; counted there */
    size_t refs;
    struct list node; /* in server->websocket_handlers */
    size_t path_len;
    char path[];
};

/* A topic it is subscribed to, and where it stands there. */
struct sio_subscription {
    struct sio_topic *topic;
    uint32_t index; /* in topic->members */
};

struct sioc_websocket {
    struct sioc_server *server;
    struct sio_ws_route *route; /* counted there */
    struct ws_conn *conn;       /* NULL once it is closed */
    uint64_t handle;
    intptr_t host_ref;
    void *host_owner;
    uint32_t generation; /* of the server, when its `open` was called */
    struct sio_subscription *topics;
    uint32_t topic_count, topic_cap;
    uint32_t holds;
    bool heard;       /* since the timer was last looked at */
    bool pinged;      /* and nothing was heard yet */
    bool choked;      /* its queue is full: it is closed in the next turn */
    bool replaying;   /* its `open` is called again */
    bool handing_out; /* what was kept */
    struct list kept; /* messages that came while it was held */
    size_t kept_bytes;
    struct list node; /* in server->plain_websockets */
    struct net_timer timer;
    struct net_garbage garbage;
    struct sioc_str head, address; /* of its request, in `bytes` */
    char bytes[];
};

/* ---- websocket.c ---- */

extern const struct ws_conn_events sio_websocket_events;
/* Its conn is set: lists it, and looks after it. */
void sio_websocket_begin(struct sioc_websocket *websocket);
void sio_websocket_close_with(struct sioc_websocket *websocket, unsigned code,
                              struct sioc_str reason);
/* Closes it in the next turn, as one that reads too slowly. */
void sio_websocket_choke(struct sioc_websocket *websocket);
/* Closes all of them: 1001. */
void sio_websockets_close(struct sioc_server *server);
/* Sends a frame; what sioc_websocket_send answers. */
int sio_websocket_send_frame(struct sioc_websocket *websocket, struct eio_frame *frame);
/* NULL with *ret_error: SIOC_EUTF8, SIOC_ENOMEM. */
struct eio_frame *sio_websocket_frame(struct sioc_str data, bool is_binary, int *ret_error);

/* ---- websocket_route.c ---- */

/* A request that asks for no WebSocket where there is nothing else: answered with 426.  False:
 * it is somebody else's. */
bool sio_websocket_required(struct sioc_server *server, struct http_request *request);
/* A request for a WebSocket outside of the engine's path; answered in any case. */
void sio_websocket_request(struct sioc_server *server, struct http_request *request);
/* One that still has a route of before goes to the heir of that route, whose `open` is called,
 * or is closed.  Does nothing for all others.  Before any of its handlers is called. */
void sio_websocket_rebind(struct sioc_websocket *websocket);
void sio_ws_route_unref(struct sio_ws_route *route); /* accepts NULL */

/* ---- topic.c ---- */

void sio_topics_leave_all(struct sioc_websocket *websocket);

#endif
