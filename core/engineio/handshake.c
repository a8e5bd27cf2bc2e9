/* engineio/handshake.c -- see handshake.h.
 *
 * A header is packed as a code; then, if the code does not say it, the name (a length, bytes);
 * then, if the code does not say it, the value (a length, bytes).  What browsers send is 600 to
 * 900 bytes of headers: this makes two thirds of it, what other clients send a quarter.
 * Invariant: the packed bytes are as long as `headers_len`, which was computed by writing them
 * to nowhere.
 */
#include "engineio/handshake.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/str.h"
#include "http/forwarded.h"
#include "net/loop.h"

/* What a code stands for: its place here.  A NULL name or value is written out.  Lines with a
 * value come before those of the same name without. */
static const struct known {
    const char *name, *value;
} known[] = {
    {NULL, NULL},
    {"host", NULL},
    {"connection", "Upgrade"},
    {"connection", "keep-alive"},
    {"connection", NULL},
    {"upgrade", "websocket"},
    {"sec-websocket-version", "13"},
    {"sec-websocket-key", NULL},
    {"sec-websocket-extensions", "permessage-deflate; client_max_window_bits"},
    {"sec-websocket-extensions", NULL},
    {"sec-websocket-protocol", NULL},
    {"origin", NULL},
    {"user-agent", NULL},
    {"accept", "*/*"},
    {"accept", NULL},
    {"accept-encoding", "gzip, deflate, br, zstd"},
    {"accept-encoding", "gzip, deflate, br"},
    {"accept-encoding", "gzip, deflate"},
    {"accept-encoding", NULL},
    {"accept-language", "en-US,en;q=0.9"},
    {"accept-language", NULL},
    {"cache-control", "no-cache"},
    {"cache-control", NULL},
    {"pragma", "no-cache"},
    {"cookie", NULL},
    {"referer", NULL},
    {"authorization", NULL},
    {"sec-fetch-dest", "websocket"},
    {"sec-fetch-dest", "empty"},
    {"sec-fetch-mode", "websocket"},
    {"sec-fetch-mode", "cors"},
    {"sec-fetch-site", "same-origin"},
    {"sec-fetch-site", "same-site"},
    {"sec-fetch-site", "cross-site"},
    {"sec-ch-ua", NULL},
    {"sec-ch-ua-mobile", "?0"},
    {"sec-ch-ua-mobile", "?1"},
    {"sec-ch-ua-platform", NULL},
    {"x-forwarded-for", NULL},
    {"x-forwarded-proto", "https"},
    {"x-forwarded-proto", NULL},
    {"x-forwarded-host", NULL},
    {"x-forwarded-port", NULL},
    {"x-real-ip", NULL},
    {"x-request-id", NULL},
    {"forwarded", NULL},
    {"via", NULL},
    {"dnt", "1"},
    {"priority", NULL},
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

static uint8_t code_of(const struct http_header *header)
{
    for (size_t i = 1; i < KNOWN_COUNT; i++)
        if (str_eq_nocase(header->name, sioc_str(known[i].name)) &&
            (!known[i].value || str_eq(header->value, sioc_str(known[i].value))))
            return (uint8_t)i;
    return 0;
}

/* ---- packing: `at` NULL counts only; each returns how many bytes it writes ---- */

/* Seven bits a byte, the last one without the top bit. */
static size_t put_len(char *at, size_t len)
{
    size_t n = 0;
    for (; len >= 0x80; len >>= 7, n++)
        if (at)
            at[n] = (char)(len | 0x80);
    if (at)
        at[n] = (char)len;
    return n + 1;
}

static size_t put_str(char *at, struct sioc_str s)
{
    size_t n = put_len(at, s.len);
    if (at && s.len)
        memcpy(at + n, s.ptr, s.len);
    return n + s.len;
}

static void lower(char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] >= 'A' && at[i] <= 'Z')
            at[i] = (char)(at[i] + ('a' - 'A'));
}

static size_t pack_header(char *at, const struct http_header *header)
{
    uint8_t code = code_of(header);
    size_t n = 1;
    if (at)
        at[0] = (char)code;
    if (!known[code].name) {
        n += put_str(at ? at + n : NULL, header->name);
        if (at)
            lower(at + n - header->name.len, header->name.len);
    }
    if (!known[code].value)
        n += put_str(at ? at + n : NULL, header->value);
    return n;
}

static size_t pack_headers(char *at, const struct http_header *headers, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += pack_header(at ? at + n : NULL, &headers[i]);
    return n;
}

/* ---- the block ---- */

static size_t size_of(const struct eio_handshake *h)
{
    return sizeof *h + h->url_len + h->address_len + h->headers_len;
}

static char *put(char *at, const void *bytes, size_t len)
{
    if (len)
        memcpy(at, bytes, len);
    return at + len;
}

static bool has_origin(const struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(headers[i].name, STR("origin")))
            return true;
    return false;
}

struct eio_handshake *eio_handshake_of(struct net_loop *loop, struct sioc_str url,
                                       struct sioc_str address,
                                       const struct http_header *headers, size_t count)
{
    const struct eio_handshake facts = {.issued_ms = clock_wall_ms(),
                                        .xdomain = has_origin(headers, count),
                                        .url_len = (uint32_t)url.len,
                                        .address_len = (uint8_t)address.len,
                                        .headers_len =
                                            (uint32_t)pack_headers(NULL, headers, count)};
    struct eio_handshake *h = pool_zalloc(net_loop_pool(loop), size_of(&facts));
    if (!h)
        return NULL;
    *h = facts;
    char *at = put(h->bytes, url.ptr, h->url_len);
    pack_headers(put(at, address.ptr, h->address_len), headers, count);
    return h;
}

struct eio_handshake *eio_handshake_new(struct http_request *request,
                                        const struct http_proxies *proxies)
{
    const struct http_head *head = &request->head;
    struct net_stream *stream = http_request_stream(request);
    struct http_client client;
    http_client_of(proxies, head, stream, &client);
    struct eio_handshake *h =
        eio_handshake_of(net_stream_loop(stream), head->target, sioc_str(client.address),
                         head->headers, head->header_count);
    if (h)
        h->secure = client.secure;
    return h;
}

void eio_handshake_free(struct net_loop *loop, struct eio_handshake *h)
{
    if (h)
        pool_free(net_loop_pool(loop), h, size_of(h));
}

/* ---- unpacking ---- */

static struct sioc_str take_str(const char **at)
{
    size_t len = 0;
    for (unsigned shift = 0;; shift += 7) {
        unsigned char byte = (unsigned char)*(*at)++;
        len |= (size_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    struct sioc_str s = sioc_str_n(*at, len);
    *at += len;
    return s;
}

bool eio_handshake_header_next(const struct eio_handshake *h, size_t *pos,
                               struct sioc_str *ret_name, struct sioc_str *ret_value)
{
    const char *start = h->bytes + h->url_len + h->address_len, *at = start + *pos;
    if (*pos >= h->headers_len)
        return false;
    const struct known *k = &known[(unsigned char)*at++];
    *ret_name = k->name ? sioc_str(k->name) : take_str(&at);
    *ret_value = k->value ? sioc_str(k->value) : take_str(&at);
    *pos = (size_t)(at - start);
    return true;
}

struct sioc_str eio_handshake_query(const struct eio_handshake *h)
{
    struct sioc_str url = eio_handshake_url(h);
    size_t mark = str_find(url, '?');
    if (mark == url.len)
        return STR("");
    struct sioc_str query = str_from(url, mark + 1);
    query.len = str_find(query, '#');
    return query;
}
