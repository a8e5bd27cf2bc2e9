/* http/cors.h -- who may call from another origin: the check for every transport, and the
 * headers that tell a browser (protocol.md 1.9, api.md "Semantics that differ" 5).
 *
 * No Origin header: not a browser page, allowed.  Same origin (scheme://host[:port] equal to
 * Host): allowed.  Otherwise only what the option lists.
 */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include "http/conn.h"

struct http_cors {
    bool enabled;    /* the option was given: CORS headers are sent */
    bool any_origin; /* "*" */
    bool reflect;    /* every origin is allowed, and told that it is */
    char **origins;  /* scheme://host[:port], where one "*" may stand for any letters, digits,
                        dots and hyphens */
    size_t origin_count;
    bool credentials;
    char *methods;         /* NULL: "GET,HEAD,PUT,PATCH,POST,DELETE" */
    char *allowed_headers; /* NULL: what the preflight asks for */
    char *exposed_headers; /* NULL: none */
    int64_t max_age_s;     /* -1: not sent */
};

void http_cors_init(struct http_cors *cors);
void http_cors_deinit(struct http_cors *cors);

/* Whether the request may be served at all, by its Origin. */
bool http_cors_allows(const struct http_cors *cors, const struct http_request *request);
/* The same where the answer is a script, which every page may run without asking (JSONP): the
 * page is known by its Referer, too, and a foreign one that hides is not allowed. */
bool http_cors_allows_script(const struct http_cors *cors, const struct http_request *request);
/* The origin of the page that asks, by Origin or Referer; ptr NULL: none is told. */
struct sioc_str http_cors_page(const struct http_request *request);
/* Adds the response headers to request->extra_headers. */
void http_cors_apply(const struct http_cors *cors, struct http_request *request);
/* Answers a preflight (OPTIONS with the option given): true when it did. */
bool http_cors_preflight(const struct http_cors *cors, struct http_request *request);

#endif
