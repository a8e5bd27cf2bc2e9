/* http/router.c -- a list of routes, searched from the front.
 *
 * A route is its pattern; parameters are not stored per request but found again, by walking
 * pattern and path side by side (request->params is the pattern).  Knows no handler's business.
 * Invariant: routes with a method stand in the order they came, prefixes have method 0 and no
 * slash at their end.
 */
#include "http/router.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/url.h"

#define ANY_METHOD 0

struct http_route {
    http_route_fn fn;
    void *user;
    void (*drop)(void *user);
    unsigned method; /* enum http_method, or ANY_METHOD for a prefix */
    size_t len;
    char path[];
};

static const char *const method_names[] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",         [HTTP_DELETE] = "DELETE", [HTTP_PATCH] = "PATCH",
    [HTTP_OPTIONS] = "OPTIONS",
};

void http_router_init(struct http_router *r)
{
    *r = (struct http_router){0};
}

void http_router_deinit(struct http_router *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->routes[i]->drop)
            r->routes[i]->drop(r->routes[i]->user);
        mem_free(r->routes[i]);
    }
    mem_free(r->routes);
    http_router_init(r);
}

/* ---- patterns ---- */

static struct sioc_str pattern_of(const struct http_route *route)
{
    return sioc_str_n(route->path, route->len);
}

static bool is_param(struct sioc_str part)
{
    return part.len > 1 && part.ptr[0] == ':';
}

static bool matches(struct sioc_str pattern, struct sioc_str path)
{
    struct sioc_str want, have;
    while (str_next(&pattern, '/', &want)) {
        if (!str_next(&path, '/', &have))
            return false;
        if (is_param(want) ? have.len == 0 : !str_eq(want, have))
            return false;
    }
    return path.ptr == NULL; /* nothing is left over */
}

bool http_route_same(struct sioc_str a, struct sioc_str b)
{
    struct sioc_str part_a, part_b;
    while (str_next(&a, '/', &part_a)) {
        if (!str_next(&b, '/', &part_b) || is_param(part_a) != is_param(part_b))
            return false;
        if (!is_param(part_a) && !str_eq(part_a, part_b))
            return false;
    }
    return b.ptr == NULL;
}

static bool below(struct sioc_str prefix, struct sioc_str path)
{
    return path.len && str_starts(path, prefix) &&
           (path.len == prefix.len || path.ptr[prefix.len] == '/');
}

/* ---- adding ---- */

static int add(struct http_router *r, unsigned method, struct sioc_str path, http_route_fn fn,
               void *user, void (*drop)(void *user))
{
    for (size_t i = 0; i < r->count; i++)
        if (r->routes[i]->method == method && http_route_same(pattern_of(r->routes[i]), path))
            return SIOC_EEXIST;
    int error =
        mem_grow((void **)&r->routes, &r->cap, r->count + 1, sizeof(struct http_route *));
    if (error)
        return error;
    struct http_route *route = mem_alloc(sizeof *route + path.len);
    if (!route)
        return SIOC_ENOMEM;
    *route = (struct http_route){
        .fn = fn, .user = user, .drop = drop, .method = method, .len = path.len};
    if (path.len)
        memcpy(route->path, path.ptr, path.len);
    r->routes[r->count++] = route;
    return 0;
}

int http_router_add(struct http_router *r, enum http_method method, struct sioc_str path,
                    http_route_fn fn, void *user, void (*drop)(void *user))
{
    if (!str_starts(path, STR("/")) || method < HTTP_GET || method > HTTP_OPTIONS)
        return SIOC_EINVAL;
    return add(r, method, path, fn, user, drop);
}

int http_router_add_prefix(struct http_router *r, struct sioc_str prefix, http_route_fn fn,
                           void *user, void (*drop)(void *user))
{
    if (!str_starts(prefix, STR("/")))
        return SIOC_EINVAL;
    while (prefix.len && prefix.ptr[prefix.len - 1] == '/')
        prefix.len--;
    return add(r, ANY_METHOD, prefix, fn, user, drop);
}

/* ---- finding ---- */

static struct http_route *find(const struct http_router *r, unsigned method,
                               struct sioc_str path)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->routes[i]->method == method && matches(pattern_of(r->routes[i]), path))
            return r->routes[i];
    return NULL;
}

static struct http_route *find_prefix(const struct http_router *r, struct sioc_str path)
{
    struct http_route *best = NULL;
    for (size_t i = 0; i < r->count; i++) {
        struct http_route *route = r->routes[i];
        if (route->method == ANY_METHOD && below(pattern_of(route), path) &&
            (!best || route->len > best->len))
            best = route;
    }
    return best;
}

static struct http_route *find_any(const struct http_router *r, const struct http_head *head)
{
    struct http_route *route = find(r, head->method, head->path);
    if (!route && head->method == HTTP_HEAD)
        route = find(r, HTTP_GET, head->path);
    return route ? route : find_prefix(r, head->path);
}

/* "GET, HEAD, POST": the methods that the path has routes for. */
static void list_methods(const struct http_router *r, struct sioc_str path, struct buf *out)
{
    bool has_get = find(r, HTTP_GET, path) != NULL;
    for (unsigned method = HTTP_GET; method <= HTTP_OPTIONS; method++) {
        if (!find(r, method, path) && !(method == HTTP_HEAD && has_get))
            continue;
        if (out->len)
            buf_put_str(out, STR(", "));
        buf_put_str(out, sioc_str(method_names[method]));
    }
}

static void refuse(const struct http_router *r, struct http_request *request)
{
    struct http_field fields[2] = {{"Content-Type", STR("text/plain; charset=utf-8")}};
    struct buf methods;
    buf_init(&methods);
    list_methods(r, request->head.path, &methods);
    if (methods.len) {
        fields[1] = (struct http_field){"Allow", buf_str(&methods)};
        (void)http_respond(request, 405, fields, 2, STR("Method Not Allowed\n"));
    } else {
        (void)http_respond(request, 404, fields, 1, STR("Not Found\n"));
    }
    buf_deinit(&methods);
}

bool http_router_has(const struct http_router *r, const struct http_request *request)
{
    return find_any(r, &request->head) != NULL;
}

void http_router_dispatch(struct http_router *r, struct http_request *request)
{
    struct http_route *route = find_any(r, &request->head);
    if (!route) {
        refuse(r, request);
        return;
    }
    request->params = pattern_of(route);
    route->fn(route->user, request);
}

bool http_route_param_next(const struct http_request *request, size_t *pos, struct buf *scratch,
                           struct sioc_str *ret_name, struct sioc_str *ret_value)
{
    struct sioc_str pattern = request->params, path = request->head.path, want, have;
    size_t part = 0;
    while (str_next(&pattern, '/', &want) && str_next(&path, '/', &have)) {
        if (part++ < *pos || !is_param(want))
            continue;
        buf_reset(scratch);
        url_decode(scratch, have, false);
        if (scratch->error)
            return false;
        *pos = part;
        *ret_name = str_from(want, 1);
        *ret_value = buf_str(scratch);
        return true;
    }
    return false;
}

struct sioc_str http_route_param(const struct http_request *request, struct sioc_str name,
                                 struct buf *scratch)
{
    struct sioc_str found, value;
    size_t pos = 0;
    while (http_route_param_next(request, &pos, scratch, &found, &value))
        if (str_eq(found, name))
            return value;
    return (struct sioc_str){NULL, 0};
}
