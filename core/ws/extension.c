/* ws/extension.c -- see extension.h.  Every byte of a header is looked at once.
 *
 * The grammar: extension-list = extension *("," extension); extension = token *(";" token ["="
 * (token / quoted-string)]), with white space around the separators, and empty elements of the
 * list as HTTP allows them (RFC 9110, 5.6.1). A quoted value must be a token, too, so nothing
 * in it needs its quotes.
 */
#include "ws/extension.h"
#include "base/str.h"
#include "http/chars.h"

enum seen {
    SEEN_SERVER_TAKEOVER = 1,
    SEEN_CLIENT_TAKEOVER = 2,
    SEEN_SERVER_BITS = 4,
    SEEN_CLIENT_BITS = 8,
};

/* One offer of the client. */
struct offer {
    bool ours;      /* permessage-deflate */
    bool unsuited;  /* with something that we cannot do */
    unsigned given; /* enum seen */
    uint8_t server_bits, client_bits;
};

struct scanner {
    struct sioc_str rest;
};

static void skip_blanks(struct scanner *s)
{
    while (s->rest.len && (s->rest.ptr[0] == ' ' || s->rest.ptr[0] == '\t'))
        s->rest = str_from(s->rest, 1);
}

static bool take_char(struct scanner *s, char c)
{
    skip_blanks(s);
    if (s->rest.len == 0 || s->rest.ptr[0] != c)
        return false;
    s->rest = str_from(s->rest, 1);
    return true;
}

static bool take_token(struct scanner *s, struct sioc_str *ret_token)
{
    size_t len = 0;
    skip_blanks(s);
    while (len < s->rest.len && http_is_token_char((uint8_t)s->rest.ptr[len]))
        len++;
    *ret_token = str_part(s->rest, 0, len);
    s->rest = str_from(s->rest, len);
    return len > 0;
}

static bool take_value(struct scanner *s, struct sioc_str *ret_value)
{
    if (!take_char(s, '"'))
        return take_token(s, ret_value);
    /* Inside, blanks are no token characters, so they are no longer skipped for us. */
    if (s->rest.len && !http_is_token_char((uint8_t)s->rest.ptr[0]))
        return false;
    if (!take_token(s, ret_value) || s->rest.len == 0 || s->rest.ptr[0] != '"')
        return false;
    s->rest = str_from(s->rest, 1);
    return true;
}

/* 8 to 15, decimal, without a leading zero. */
static bool read_bits(struct sioc_str value, uint8_t *ret_bits)
{
    uint64_t bits;
    if (value.len == 0 || value.ptr[0] == '0' ||
        !str_to_u64(value, WS_WINDOW_BITS_MAX, &bits) || bits < WS_WINDOW_BITS_MIN)
        return false;
    *ret_bits = (uint8_t)bits;
    return true;
}

/* Notes that the parameter is there; false when it was already. */
static bool note(struct offer *o, enum seen parameter)
{
    bool first = !(o->given & (unsigned)parameter);
    o->given |= (unsigned)parameter;
    return first;
}

/* value.ptr is NULL when there is none.  False: the offer does not suit. */
static bool read_parameter(struct offer *o, struct sioc_str name, struct sioc_str value)
{
    if (str_eq(name, STR("server_no_context_takeover")))
        return !value.ptr && note(o, SEEN_SERVER_TAKEOVER);
    if (str_eq(name, STR("client_no_context_takeover")))
        return !value.ptr && note(o, SEEN_CLIENT_TAKEOVER);
    if (str_eq(name, STR("server_max_window_bits")))
        return read_bits(value, &o->server_bits) && note(o, SEEN_SERVER_BITS);
    if (str_eq(name, STR("client_max_window_bits")))
        return (!value.ptr || read_bits(value, &o->client_bits)) && note(o, SEEN_CLIENT_BITS);
    return false;
}

static bool read_offer(struct scanner *s, struct offer *o)
{
    struct sioc_str name;
    *o = (struct offer){.server_bits = WS_WINDOW_BITS_MAX, .client_bits = WS_WINDOW_BITS_MAX};
    if (!take_token(s, &name))
        return false;
    o->ours = str_eq(name, STR("permessage-deflate"));
    while (take_char(s, ';')) {
        struct sioc_str value = {NULL, 0};
        if (!take_token(s, &name) || (take_char(s, '=') && !take_value(s, &value)))
            return false;
        if (o->ours && !read_parameter(o, name, value))
            o->unsuited = true;
    }
    skip_blanks(s);
    return s->rest.len == 0 || s->rest.ptr[0] == ',';
}

static uint8_t smaller(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

/* What we answer to an offer that suits.  The client's window may be named only if it has named
 * it. */
static void accept_offer(const struct offer *o, const struct ws_deflate_options *options,
                         unsigned windows_left, struct ws_extension *ret)
{
    struct ws_deflate_params *p = &ret->params;
    p->server_takeover =
        !options->server_no_context_takeover && !(o->given & SEEN_SERVER_TAKEOVER);
    p->client_takeover =
        !options->client_no_context_takeover && !(o->given & SEEN_CLIENT_TAKEOVER);
    if (windows_left < (p->server_takeover ? 1u : 0u) + (p->client_takeover ? 1u : 0u))
        p->server_takeover = p->client_takeover = false;
    p->server_bits = smaller(o->server_bits, options->server_max_window_bits);
    p->client_bits = o->given & SEEN_CLIENT_BITS
                         ? smaller(o->client_bits, options->client_max_window_bits)
                         : WS_WINDOW_BITS_MAX;
    ret->name_server_bits = o->given & SEEN_SERVER_BITS || p->server_bits < WS_WINDOW_BITS_MAX;
    ret->name_client_bits = p->client_bits < WS_WINDOW_BITS_MAX;
}

/* As ws_extension_negotiate, for one header; *taken: an earlier one had a suitable offer. */
static bool read_header(struct sioc_str value, const struct ws_deflate_options *options,
                        unsigned windows_left, bool *taken, struct ws_extension *ret)
{
    struct scanner s = {value};
    bool any = false;
    for (;;) {
        struct offer offer;
        while (take_char(&s, ','))
            ;
        skip_blanks(&s);
        if (s.rest.len == 0)
            return any;
        if (!read_offer(&s, &offer))
            return false;
        any = true;
        if (offer.ours && !offer.unsuited && !*taken) {
            accept_offer(&offer, options, windows_left, ret);
            *taken = true;
        }
    }
}

int ws_extension_negotiate(const struct http_head *head,
                           const struct ws_deflate_options *options, unsigned windows_left,
                           struct ws_extension *ret_extension)
{
    bool taken = false;
    struct ws_extension extension;
    for (size_t i = 0; i < head->header_count; i++)
        if (str_eq_nocase(head->headers[i].name, STR("Sec-WebSocket-Extensions")) &&
            !read_header(head->headers[i].value, options, windows_left, &taken, &extension))
            return SIOC_EPROTO;
    if (taken)
        *ret_extension = extension;
    return taken;
}

void ws_extension_write(const struct ws_extension *e, struct buf *out)
{
    buf_put_str(out, STR("permessage-deflate"));
    if (!e->params.server_takeover)
        buf_put_str(out, STR("; server_no_context_takeover"));
    if (!e->params.client_takeover)
        buf_put_str(out, STR("; client_no_context_takeover"));
    if (e->name_server_bits)
        buf_printf(out, "; server_max_window_bits=%u", e->params.server_bits);
    if (e->name_client_bits)
        buf_printf(out, "; client_max_window_bits=%u", e->params.client_bits);
}
