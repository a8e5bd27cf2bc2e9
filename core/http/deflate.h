/* http/deflate.h -- bodies of responses, gzip or deflate.
 *
 * Knows bytes only.  A compressor keeps zlib's state (a quarter of a MiB for each coding that
 * was asked for) from one body to the next: one per server. Invariant: bodies are independent
 * of one another.
 */
#ifndef HTTP_DEFLATE_H
#define HTTP_DEFLATE_H

#include "base/buf.h"

enum http_coding {
    HTTP_IDENTITY = -1,
    HTTP_GZIP,
    HTTP_DEFLATE, /* zlib's format, as RFC 9110 has it */
    HTTP_CODINGS
};

/* What the Accept-Encoding value asks for among the codings above; header.ptr NULL: none. */
enum http_coding http_coding_wanted(struct sioc_str header);
/* "gzip", "deflate"; not for HTTP_IDENTITY. */
struct sioc_str http_coding_name(enum http_coding coding);

struct http_compressor;

struct http_compressor *http_compressor_new(void);             /* NULL when out of memory */
void http_compressor_free(struct http_compressor *compressor); /* accepts NULL */
/* Appends the coded body to `out`.  0 or SIOC_ENOMEM. */
int http_compress(struct http_compressor *compressor, enum http_coding coding,
                  struct sioc_str body, struct buf *out);

#endif
