/* http/router.h -- which handler a path belongs to: exact paths, ":name" parts, prefixes.
 *
 * Order: exact and parameterised routes in the order they were added, then prefixes (for any
 * method), longest first.  A path with a route for other methods only is 405 with Allow.  HEAD
 * is served by GET routes unless it has its own.  Paths are compared as sent, not decoded; a
 * ":name" stands for one part that is not empty.
 */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "http/conn.h"

struct http_route;
typedef void (*http_route_fn)(void *user, struct http_request *request);

struct http_router {
    struct http_route **routes;
    size_t count, cap;
};

void http_router_init(struct http_router *r);
void http_router_deinit(struct http_router *r);
/* path: "/a/:id/b"; copied.  0, SIOC_EINVAL (no leading '/', no such method), SIOC_EEXIST (also
 * when only the names of parameters differ), SIOC_ENOMEM.  `drop` (may be NULL) is called with
 * user when the router goes; never after a failure. */
int http_router_add(struct http_router *r, enum http_method method, struct sioc_str path,
                    http_route_fn fn, void *user, void (*drop)(void *user));
/* Everything below the prefix ("/static" holds "/static" and "/static/x", not "/statics"). */
int http_router_add_prefix(struct http_router *r, struct sioc_str prefix, http_route_fn fn,
                           void *user, void (*drop)(void *user));
/* Whether two paths of routes mean the same: names of parameters may differ. */
bool http_route_same(struct sioc_str a, struct sioc_str b);
/* Whether a route, for its method, is the request's. */
bool http_router_has(const struct http_router *r, const struct http_request *request);
/* Calls the handler; answers 404 or 405 itself otherwise. */
void http_router_dispatch(struct http_router *r, struct http_request *request);
/* The value of ":name" for a routed request, percent-decoded into `scratch`; ptr NULL when
 * absent. */
struct sioc_str http_route_param(const struct http_request *request, struct sioc_str name,
                                 struct buf *scratch);
/* Walks all of them in the order of the path: *pos starts at 0; the value lies in `scratch`
 * until the next call.  False at the end. */
bool http_route_param_next(const struct http_request *request, size_t *pos, struct buf *scratch,
                           struct sioc_str *ret_name, struct sioc_str *ret_value);

#endif
