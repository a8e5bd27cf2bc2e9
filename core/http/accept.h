/* http/accept.h -- which content coding a client wants (RFC 9110, 12.5.3).
 *
 * Knows the header's text only.  The highest q wins; at equal q the client's order does, as the
 * reference has it.
 */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include <sioc/base.h>

/* Picks from `offers` what the Accept-Encoding value `header` likes best.
 *   header  ptr NULL or empty: nothing was asked for
 *   offers  coding names, e.g. "br"; "identity" is not among them
 * Returns an index into offers, or -1 for identity: nothing fits, or plain bytes are liked
 * better.  "*" stands for the first offer that the header does not name.  Entries that cannot
 * be read are skipped. */
int http_accept_encoding(struct sioc_str header, const struct sioc_str *offers, size_t count);

#endif
