/* socketio/handshake.c -- what scripts can ask about a client's first request. */
#include "base/clock.h"
#include "http/url.h"
#include "socketio/internal.h"

/* The client's session may be over while late handlers still ask; then there is nothing to
 * tell. */
static const struct eio_handshake *handshake_of(const struct sioc_socket *s)
{
    return s->state != SIO_GONE && s->client->session ? s->client->session->handshake : NULL;
}

void sio_handshake_facts(const struct eio_handshake *h, struct sioc_handshake *ret)
{
    ret->address = eio_handshake_address(h);
    ret->url = eio_handshake_url(h);
    ret->issued_ms = h->issued_ms;
    ret->secure = h->secure;
    ret->xdomain = h->xdomain;
}

bool sio_handshake_query_next(const struct eio_handshake *h, size_t *pos, struct buf *scratch,
                              struct sioc_str *ret_name, struct sioc_str *ret_value)
{
    struct sioc_str query = eio_handshake_query(h);
    if (*pos >= query.len)
        return false;
    struct sioc_str rest = str_from(query, *pos);
    bool more = url_query_next(&rest, scratch, ret_name, ret_value);
    *pos = query.len - rest.len;
    return more;
}

void sioc_socket_handshake(const struct sioc_socket *s, struct sioc_handshake *ret)
{
    const struct eio_handshake *h = handshake_of(s);
    *ret =
        (struct sioc_handshake){.auth = s->auth ? sioc_str_n(s->auth, s->auth_len) : STR("{}")};
    if (h)
        sio_handshake_facts(h, ret);
}

void sioc_handshake_time_text(int64_t issued_ms, char ret_text[64])
{
    clock_js_date(issued_ms, ret_text);
}

bool sioc_socket_header_next(const struct sioc_socket *s, size_t *pos,
                             struct sioc_str *ret_name, struct sioc_str *ret_value)
{
    const struct eio_handshake *h = handshake_of(s);
    return h && eio_handshake_header_next(h, pos, ret_name, ret_value);
}

bool sioc_socket_query_next(const struct sioc_socket *s, size_t *pos, struct sioc_str *ret_name,
                            struct sioc_str *ret_value)
{
    const struct eio_handshake *h = handshake_of(s);
    return h && sio_handshake_query_next(h, pos, &s->nsp->server->scratch, ret_name, ret_value);
}
