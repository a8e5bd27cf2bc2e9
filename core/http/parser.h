/* http/parser.h -- HTTP/1.1 request heads (RFC 9112), sans I/O, strict.
 *
 * CRLF only, no folding, no space before a colon, one Host, digits-only Content-Length, never
 * Content-Length with Transfer-Encoding, no coding but a single "chunked", header bytes of
 * VCHAR, SP, HTAB and obs-text only; a version above 1.1 is 505.  Leading empty lines are
 * skipped.  See protocol.md 1.16 and security.md R30-R34.
 */
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include <sioc/base.h>

#define HTTP_MAX_HEADERS 64

enum http_method {
    HTTP_GET = 1,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_OPTIONS,
    HTTP_METHOD_OTHER, /* a known method we have no use for (CONNECT, TRACE, WebDAV) */
};

struct http_header {
    struct sioc_str name, value; /* value without white space at its ends */
};

/* All slices point into the bytes that were parsed. */
struct http_head {
    enum http_method method;
    struct sioc_str method_name;
    struct sioc_str target; /* as sent, e.g. "/socket.io/?EIO=4#x" */
    struct sioc_str
        path; /* target up to '?' or '#', not decoded; "" for absolute form or "*" */
    struct sioc_str query; /* behind '?', without '#...' */
    int minor;             /* HTTP/1.minor: 0 or 1 */
    struct http_header *headers;
    size_t header_count;

    /* What the headers say. */
    bool has_length;
    uint64_t content_length;
    bool chunked;
    bool keep_alive; /* the connection may carry another request */
    bool expect_continue;
    bool upgrade;         /* Connection lists "upgrade" and an Upgrade header is there */
    struct sioc_str host; /* "" in HTTP/1.0 without one */
};

struct http_limits {
    size_t head_bytes; /* request line and headers together; more is 431 */
    size_t url_bytes;  /* the target; more is 414 */
    size_t headers;    /* at most HTTP_MAX_HEADERS; more is 431 */
};

/* Reads one head from the front of `in`, which may end anywhere.
 *   room        for HTTP_MAX_HEADERS headers; the caller's, as long as it uses the head
 *   ret_head    meaningful on success only
 *   ret_status  on failure: the status to answer with before closing (400 414 417 431 505)
 * Returns the head's length in bytes (leading empty lines included), 0 when more input is
 * needed, or SIOC_EPROTO. */
int http_parse_head(struct sioc_str in, const struct http_limits *limits,
                    struct http_header *room, struct http_head *ret_head, int *ret_status);

/* First header of that name (ASCII case ignored); ptr NULL when absent. */
struct sioc_str http_header_get(const struct http_head *head, struct sioc_str name);
/* Whether the comma-separated list in header `name` holds `token` (case ignored). */
bool http_header_has_token(const struct http_head *head, struct sioc_str name,
                           struct sioc_str token);

#endif
