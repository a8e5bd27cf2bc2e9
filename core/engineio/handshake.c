/* engineio/handshake.c -- see handshake.h. */
#include "engineio/handshake.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/forwarded.h"

/* Each header is packed as two 16-bit lengths, name, value: heads are limited to far less than
 * 64 KiB. */
struct packed_header {
    uint16_t name_len, value_len;
};

static size_t packed_size(const struct http_head *head)
{
    size_t size = 0;
    for (size_t i = 0; i < head->header_count; i++)
        size += sizeof(struct packed_header) + head->headers[i].name.len +
                head->headers[i].value.len;
    return size;
}

static char *put(char *at, const void *bytes, size_t len)
{
    if (len)
        memcpy(at, bytes, len);
    return at + len;
}

static char *pack_header(char *at, const struct http_header *header)
{
    struct packed_header packed = {(uint16_t)header->name.len, (uint16_t)header->value.len};
    at = put(at, &packed, sizeof packed);
    for (size_t i = 0; i < header->name.len; i++) {
        char c = header->name.ptr[i];
        *at++ = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return put(at, header->value.ptr, header->value.len);
}

struct eio_handshake *eio_handshake_new(struct http_request *request,
                                        const struct http_proxies *proxies)
{
    const struct http_head *head = &request->head;
    struct http_client client;
    http_client_of(proxies, head, http_request_stream(request), &client);
    size_t address_len = strlen(client.address), headers_len = packed_size(head);

    struct eio_handshake *h =
        mem_alloc(sizeof *h + head->target.len + address_len + headers_len);
    if (!h)
        return NULL;
    h->issued_ms = clock_wall_ms();
    h->secure = client.secure;
    h->xdomain = http_header_get(head, STR("origin")).ptr != NULL;
    char *at = h->bytes;
    h->url = sioc_str_n(at, head->target.len);
    at = put(at, head->target.ptr, head->target.len);
    h->address = sioc_str_n(at, address_len);
    at = put(at, client.address, address_len);
    h->headers = sioc_str_n(at, headers_len);
    for (size_t i = 0; i < head->header_count; i++)
        at = pack_header(at, &head->headers[i]);
    return h;
}

bool eio_handshake_header_next(const struct eio_handshake *h, size_t *pos,
                               struct sioc_str *ret_name, struct sioc_str *ret_value)
{
    if (*pos >= h->headers.len)
        return false;
    struct packed_header packed;
    memcpy(&packed, h->headers.ptr + *pos, sizeof packed);
    *pos += sizeof packed;
    *ret_name = sioc_str_n(h->headers.ptr + *pos, packed.name_len);
    *pos += packed.name_len;
    *ret_value = sioc_str_n(h->headers.ptr + *pos, packed.value_len);
    *pos += packed.value_len;
    return true;
}

struct sioc_str eio_handshake_query(const struct eio_handshake *h)
{
    size_t mark = str_find(h->url, '?');
    if (mark == h->url.len)
        return STR("");
    struct sioc_str query = str_from(h->url, mark + 1);
    query.len = str_find(query, '#');
    return query;
}
