/* http/cors.c -- foreign origins: who may come, and what their browsers are told.
 *
 * Knows requests, nothing of who serves them.  Invariant: a request with an Origin that is
 * neither our own nor listed is refused by http_cors_allows, whatever headers it would get.
 */
#include "http/cors.h"
#include "base/mem.h"
#include "base/str.h"

#define DEFAULT_METHODS "GET,HEAD,PUT,PATCH,POST,DELETE"

void http_cors_init(struct http_cors *cors)
{
    *cors = (struct http_cors){.max_age_s = -1};
}

void http_cors_deinit(struct http_cors *cors)
{
    for (size_t i = 0; i < cors->origin_count; i++)
        mem_free(cors->origins[i]);
    mem_free(cors->origins);
    mem_free(cors->methods);
    mem_free(cors->allowed_headers);
    mem_free(cors->exposed_headers);
    http_cors_init(cors);
}

/* ---- who may come ---- */

static bool strip_prefix(struct sioc_str *s, struct sioc_str prefix)
{
    if (!str_eq_nocase(str_part(*s, 0, prefix.len), prefix))
        return false;
    *s = str_from(*s, prefix.len);
    return true;
}

static struct sioc_str without_suffix(struct sioc_str s, struct sioc_str suffix)
{
    bool ends = s.len >= suffix.len && str_eq(str_from(s, s.len - suffix.len), suffix);
    return ends ? str_part(s, 0, s.len - suffix.len) : s;
}

static struct sioc_str without_default_port(struct sioc_str authority)
{
    struct sioc_str shorter = without_suffix(authority, STR(":80"));
    return shorter.len < authority.len ? shorter : without_suffix(authority, STR(":443"));
}

/* On a plain stream the page's scheme may be either one: a proxy in front may speak TLS. */
static bool same_origin(struct sioc_str origin, struct sioc_str host, bool secure)
{
    bool https = strip_prefix(&origin, STR("https://"));
    if (!https && (secure || !strip_prefix(&origin, STR("http://"))))
        return false;
    host = without_default_port(host);
    return host.len && str_eq_nocase(without_default_port(origin), host);
}

static bool is_host_text(struct sioc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-';
        if (!ok)
            return false;
    }
    return s.len > 0;
}

/* A "*" stands for a piece of a host or for a port: never for more than one part of an origin.
 */
static bool matches(struct sioc_str pattern, struct sioc_str origin)
{
    size_t star = str_find(pattern, '*');
    if (star == pattern.len)
        return str_eq(pattern, origin);
    struct sioc_str head = str_part(pattern, 0, star), tail = str_from(pattern, star + 1);
    return origin.len > head.len + tail.len && str_starts(origin, head) &&
           str_eq(str_from(origin, origin.len - tail.len), tail) &&
           is_host_text(str_part(origin, head.len, origin.len - head.len - tail.len));
}

static bool listed(const struct http_cors *cors, struct sioc_str origin)
{
    for (size_t i = 0; i < cors->origin_count; i++)
        if (matches(sioc_str(cors->origins[i]), origin))
            return true;
    return cors->reflect;
}

static struct sioc_str origin_of(const struct http_request *request)
{
    return http_header_get(&request->head, STR("Origin"));
}

static bool allows(const struct http_cors *cors, const struct http_request *request,
                   struct sioc_str origin)
{
    if (cors->enabled && (cors->any_origin || listed(cors, origin)))
        return true;
    /* The stream is asked for, not changed. */
    struct net_stream *stream = http_request_stream((struct http_request *)(uintptr_t)request);
    return same_origin(origin, request->head.host, stream && net_stream_secure(stream));
}

bool http_cors_allows(const struct http_cors *cors, const struct http_request *request)
{
    struct sioc_str origin = origin_of(request);
    return !origin.ptr || allows(cors, request, origin);
}

/* scheme://host[:port] of a URL. */
static struct sioc_str origin_of_url(struct sioc_str url)
{
    const char *mark = url.len ? memmem(url.ptr, url.len, "://", 3) : NULL;
    if (!mark)
        return url;
    size_t start = (size_t)(mark - url.ptr) + 3;
    return str_part(url, 0, start + str_find(str_from(url, start), '/'));
}

struct sioc_str http_cors_page(const struct http_request *request)
{
    struct sioc_str origin = origin_of(request);
    return origin.ptr ? origin : origin_of_url(http_header_get(&request->head, STR("Referer")));
}

bool http_cors_allows_script(const struct http_cors *cors, const struct http_request *request)
{
    struct sioc_str page = http_cors_page(request);
    if (page.ptr)
        return allows(cors, request, page);
    /* Browsers of today say that much; others, and what is no browser, say nothing. */
    struct sioc_str site = http_header_get(&request->head, STR("Sec-Fetch-Site"));
    bool foreign = site.ptr && !str_eq(site, STR("same-origin")) && !str_eq(site, STR("none"));
    return !foreign || (cors->enabled && (cors->any_origin || cors->reflect));
}

/* ---- what their browsers are told ---- */

/* Values come from options and from the request; one that could forge a line is left out. */
static void put_line(struct buf *out, const char *name, struct sioc_str value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ' && value.ptr[i] != '\t')
            return;
    buf_put_str(out, sioc_str(name));
    buf_put_str(out, STR(": "));
    buf_put_str(out, value);
    buf_put_str(out, STR("\r\n"));
}

/* "*" to everyone; the only origin to everyone; one of several, or of a pattern, to itself. */
static struct sioc_str told_origin(const struct http_cors *cors, struct sioc_str origin)
{
    if (cors->any_origin)
        return STR("*");
    if (cors->origin_count == 1 && !cors->reflect && !strchr(cors->origins[0], '*'))
        return sioc_str(cors->origins[0]);
    return origin.len && listed(cors, origin) ? origin : (struct sioc_str){NULL, 0};
}

static void put_vary(struct buf *out, bool by_origin, bool by_headers)
{
    if (by_origin && by_headers)
        put_line(out, "Vary", STR("Origin, Access-Control-Request-Headers"));
    else if (by_origin)
        put_line(out, "Vary", STR("Origin"));
    else if (by_headers)
        put_line(out, "Vary", STR("Access-Control-Request-Headers"));
}

static void put_preflight(const struct http_cors *cors, struct buf *out, struct sioc_str asked)
{
    put_line(out, "Access-Control-Allow-Methods",
             cors->methods ? sioc_str(cors->methods) : STR(DEFAULT_METHODS));
    struct sioc_str headers = cors->allowed_headers ? sioc_str(cors->allowed_headers) : asked;
    if (headers.len)
        put_line(out, "Access-Control-Allow-Headers", headers);
    if (cors->max_age_s >= 0)
        buf_printf(out, "Access-Control-Max-Age: %lld\r\n", (long long)cors->max_age_s);
}

/* There are always lines of ours after the first time: an allowed origin, or a Vary. */
static bool applied(const struct buf *out)
{
    return out->len && (memmem(out->bytes, out->len, "Access-Control-", 15) ||
                        memmem(out->bytes, out->len, "Vary: Origin", 12));
}

void http_cors_apply(const struct http_cors *cors, struct http_request *request)
{
    struct buf *out = &request->extra_headers;
    if (!cors->enabled || applied(out))
        return;
    bool preflight = request->head.method == HTTP_OPTIONS;
    struct sioc_str asked =
        http_header_get(&request->head, STR("Access-Control-Request-Headers"));
    struct sioc_str told = told_origin(cors, origin_of(request));
    if (told.len)
        put_line(out, "Access-Control-Allow-Origin", told);
    put_vary(out, !cors->any_origin, preflight && !cors->allowed_headers);
    /* Credentials for everybody's pages would be a hole; browsers refuse it as well. */
    if (cors->credentials && !cors->any_origin)
        put_line(out, "Access-Control-Allow-Credentials", STR("true"));
    if (cors->exposed_headers)
        put_line(out, "Access-Control-Expose-Headers", sioc_str(cors->exposed_headers));
    if (preflight)
        put_preflight(cors, out, asked);
}

bool http_cors_preflight(const struct http_cors *cors, struct http_request *request)
{
    if (!cors->enabled || request->head.method != HTTP_OPTIONS)
        return false;
    if (!http_cors_allows(cors, request)) {
        (void)http_respond(request, 403, NULL, 0, STR("Forbidden\n"));
        return true;
    }
    http_cors_apply(cors, request);
    /* RFC 9110 would have none with a 204; some browsers' stacks wait without it, and the
     * reference sends it (protocol.md 1.9). */
    buf_put_str(&request->extra_headers, STR("Content-Length: 0\r\n"));
    (void)http_respond(request, 204, NULL, 0, (struct sioc_str){NULL, 0});
    return true;
}
