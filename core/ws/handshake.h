/* ws/handshake.h -- the opening handshake (RFC 6455, 4.2): checks an upgrade request, makes the
 * answer.  Texts and statuses as protocol.md 1.11 has them. */
#ifndef WS_HANDSHAKE_H
#define WS_HANDSHAKE_H

#include "base/buf.h"
#include "http/parser.h"
#include "ws/extension.h"

/* Checks the request: 0, or SIOC_EPROTO with the complete raw answer (head and text) in
 * `answer`.  Versions 13 and 8 (same frames) are accepted, as by the reference.  (A request
 * with a body did not get past the parser.) */
int ws_handshake_check(const struct http_head *head, struct buf *answer);

/* The 101 answer into `answer`: 0 or SIOC_ENOMEM; ws_handshake_check must have passed.  The
 * first offered subprotocol is echoed.
 *   extension  what was agreed upon, NULL: nothing
 *   extra      complete header lines or empty */
int ws_handshake_accept(const struct http_head *head, const struct ws_extension *extension,
                        struct sioc_str extra, struct buf *answer);

/* The refusal of what ws_extension_negotiate calls malformed; SIOC_EPROTO. */
int ws_handshake_refuse_extensions(struct buf *answer);

/* A raw refusal as the reference writes it: status line, Connection: close, Content-type:
 * text/html, Content-Length, body. */
void ws_handshake_refuse(struct buf *answer, int status, struct sioc_str text);

#endif
