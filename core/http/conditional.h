/* http/conditional.h -- what a client has already, and which part it wants: entity tags, dates
 * and byte ranges (RFC 9110, 13 and 14).  Knows header values only, no files. */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include <sioc/base.h>

/* Whether If-None-Match `header` (a list, or "*") holds `etag` (quoted, without W/); W/ in the
 * list is ignored, as the header's weak comparison wants it. */
bool http_etag_listed(struct sioc_str header, struct sioc_str etag);

/* "Sat, 21 Nov 2026 07:14:42 GMT" to seconds since 1970.  False for anything else, the two
 * obsolete forms included. */
bool http_date_read(struct sioc_str text, int64_t *ret_s);

enum http_range_kind {
    HTTP_RANGE_ALL,    /* no header, or one that is not understood (several ranges too) */
    HTTP_RANGE_PART,   /* ret_first .. ret_last, both inside */
    HTTP_RANGE_BEYOND, /* nothing of it is there: 416 */
};
/* One range of a body of `size` bytes: "bytes=0-99", "bytes=100-", "bytes=-100". */
enum http_range_kind http_range_read(struct sioc_str header, uint64_t size, uint64_t *ret_first,
                                     uint64_t *ret_last);

#endif
