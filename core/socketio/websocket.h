/* socketio/websocket.h -- plain WebSocket connections, as the files of this floor see them. */
#ifndef SOCKETIO_WEBSOCKET_H
#define SOCKETIO_WEBSOCKET_H

#include "socketio/internal.h"
#include <sioc/websocket.h>

struct sio_topic;
struct sio_ws_route;

/* A topic it is subscribed to, and where it stands there. */
struct sio_subscription {
    struct sio_topic *topic;
    uint32_t index; /* in topic->members */
};

struct sioc_websocket {
    struct sioc_server *server;
    struct sio_ws_route *route;
    struct ws_conn *conn; /* NULL once it is closed */
    uint64_t handle;
    intptr_t host_ref;
    struct sio_subscription *topics;
    uint32_t topic_count, topic_cap;
    uint32_t holds;
    bool heard;       /* since the timer was last looked at */
    bool pinged;      /* and nothing was heard yet */
    bool choked;      /* its queue is full: it is closed in the next turn */
    struct list node; /* in server->plain_websockets */
    struct net_timer timer;
    struct net_garbage garbage;
};

/* A request for a WebSocket outside of the engine's path; answered in any case. */
void sio_websocket_request(struct sioc_server *server, struct http_request *request);
/* Closes all of them: 1001. */
void sio_websockets_close(struct sioc_server *server);
/* Sends a frame; what sioc_websocket_send answers. */
int sio_websocket_send_frame(struct sioc_websocket *websocket, struct eio_frame *frame);
/* NULL with *ret_error: SIOC_EUTF8, SIOC_ENOMEM. */
struct eio_frame *sio_websocket_frame(struct sioc_str data, bool is_binary, int *ret_error);

/* ---- topic.c ---- */

void sio_topics_leave_all(struct sioc_websocket *websocket);

#endif
