/* engineio/websocket.h -- the WebSocket transport of a session (protocol.md 1.11). */
#ifndef ENGINEIO_WEBSOCKET_H
#define ENGINEIO_WEBSOCKET_H

#include "engineio/session.h"

/* Answers an upgrade request with 101 and opens a connection on its stream.  The request is
 * gone after this in any case.  initial: it opens a session.  NULL: refused or out of memory
 * (answered). */
struct ws_conn *eio_websocket_accept(struct eio_engine *engine, struct http_request *request,
                                     bool initial, const struct ws_conn_events *events,
                                     void *user);
/* Closes a connection that nobody is interested in any more. */
void eio_websocket_drop(struct ws_conn *ws);
/* Makes `ws` carry the session. */
void eio_websocket_attach(struct eio_session *session, struct ws_conn *ws);
/* As ws_conn_send, in the form that the connection has agreed to. */
int eio_websocket_send(struct ws_conn *ws, struct eio_frame *frame);
/* Queues the frame on `ws`, in the form that the session's client reads.  */
int eio_websocket_carry(const struct eio_session *session, struct ws_conn *ws,
                        struct eio_frame *frame);
/* A connection that is accepted only to be closed properly: 101, then an empty close frame. */
void eio_websocket_reject(struct eio_engine *engine, struct http_request *request);
/* Events of an attached connection, for eio_websocket_accept; user is the session. */
extern const struct ws_conn_events eio_websocket_events;

#endif
