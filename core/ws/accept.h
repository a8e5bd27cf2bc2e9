/* ws/accept.h -- from an HTTP request to a WebSocket connection, in two steps: look at the
 * opening handshake and agree upon compression; then answer, and take the stream. */
#ifndef WS_ACCEPT_H
#define WS_ACCEPT_H

#include "http/conn.h"
#include "ws/conn.h"
#include "ws/extension.h"

/* What the answer will say. */
struct ws_agreement {
    bool deflates;
    struct ws_extension extension; /* if it does */
};

/* Checks an upgrade request: 0, or SIOC_EPROTO when it was refused (answered and counted; the
 * request is gone). */
int ws_accept_check(const struct ws_config *config, struct http_request *request,
                    struct ws_agreement *ret_agreement);

/* Answers it with 101 and opens a connection on its stream.  request->extra_headers go into the
 * answer.  The request is gone after this in any case.
 *   config, events  borrowed, outlive the connection
 * NULL: the peer is gone, or out of memory. */
struct ws_conn *ws_accept(const struct ws_config *config, struct http_request *request,
                          const struct ws_agreement *agreement,
                          const struct ws_conn_events *events, void *user);

#endif
