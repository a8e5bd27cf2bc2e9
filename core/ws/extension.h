/* ws/extension.h -- Sec-WebSocket-Extensions: reads the offers of permessage-deflate, takes the
 * first that suits, writes the answer (RFC 6455, 9.1; RFC 7692, 5 and 7.1).
 *
 * An offer with a parameter that is unknown, given twice, or out of range is passed over, and
 * the next one is looked at; only a header that is no list of extensions at all is an error.
 */
#ifndef WS_EXTENSION_H
#define WS_EXTENSION_H

#include "http/parser.h"
#include "ws/deflate.h"

/* What was agreed upon, with what the answer has to mention. */
struct ws_extension {
    struct ws_deflate_params params;
    bool name_server_bits, name_client_bits;
};

/* Reads all headers of that name.
 *   windows_left  windows that the connection may have for itself; with fewer than it would
 *                 have, it gets none
 * 1 with *ret_extension: an offer is taken; 0: none is; SIOC_EPROTO: malformed. */
int ws_extension_negotiate(const struct http_head *head,
                           const struct ws_deflate_options *options, unsigned windows_left,
                           struct ws_extension *ret_extension);
/* "permessage-deflate; ..." for the answer. */
void ws_extension_write(const struct ws_extension *extension, struct buf *out);

#endif
