/* http/url.h -- percent-decoding and query strings, as URLSearchParams reads them: '+' is a
 * space,
 * "%zz" stays as it is, invalid UTF-8 becomes U+FFFD, the last of equal names wins. */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/buf.h"

/* Appends `in` decoded; plus: '+' means space (queries and forms, not paths). */
void url_decode(struct buf *out, struct sioc_str in, bool plus);

/* The last value of `name` in a query string, decoded into `scratch` (which is reset); ptr NULL
 * when absent.  Valid until scratch is used again. */
struct sioc_str url_query_get(struct sioc_str query, struct sioc_str name, struct buf *scratch);

/* Walks the pairs: both sides decoded into `scratch`.  False at the end.  *rest starts as the
 * query. */
bool url_query_next(struct sioc_str *rest, struct buf *scratch, struct sioc_str *ret_name,
                    struct sioc_str *ret_value);

/* A path, decoded, with "." and ".." resolved; SIOC_EINVAL when it leaves the root, holds NUL
 * or a backslash, or is not valid UTF-8.  Appended to `out` with a leading '/'. */
int url_clean_path(struct buf *out, struct sioc_str path);

#endif
