/* socketio/packet.c -- see packet.h.  Stricter than the reference where protocol.md marks it:
 * ids and counts are digits only, without leading zeros in counts, ids at most 2^53-1. */
#include "socketio/packet.h"
#include "codec/json_read.h"

#define FOLLOWED      '5' /* the first letter of packets that attachments follow */
#define FOLLOWED_MORE 3   /* such an EVENT is 5, not 2; such an ACK 6, not 3 */

static size_t digits(struct sioc_str s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
        n++;
    return n;
}

static const char *read_attachments(struct sioc_str *rest, uint32_t max, uint32_t *ret_count)
{
    size_t n = digits(*rest);
    uint64_t count;
    if (n == 0 || n == rest->len || rest->ptr[n] != '-' || rest->ptr[0] == '0')
        return "Illegal attachments";
    if (!str_to_u64(str_part(*rest, 0, n), UINT32_MAX, &count) || count > max)
        return "too many attachments";
    *ret_count = (uint32_t)count;
    *rest = str_from(*rest, n + 1);
    return NULL;
}

static void read_namespace(struct sioc_str *rest, struct sioc_str *ret_nsp)
{
    *ret_nsp = STR("/");
    if (rest->len == 0 || rest->ptr[0] != '/')
        return;
    size_t end = str_find(*rest, ',');
    *ret_nsp = str_part(*rest, 0, end);
    *rest = str_from(*rest, end < rest->len ? end + 1 : end);
}

static const char *read_id(struct sioc_str *rest, struct sioc_packet *p)
{
    size_t n = digits(*rest);
    p->has_id = n > 0;
    p->id = 0;
    if (n && !str_to_u64(str_part(*rest, 0, n), SIOC_PACKET_MAX_ID, &p->id))
        return "invalid payload";
    *rest = str_from(*rest, n);
    return NULL;
}

static const char *unknown_type(struct sioc_str text)
{
    static const char *const digit[] = {"unknown packet type 7", "unknown packet type 8",
                                        "unknown packet type 9"};
    char c = text.len ? text.ptr[0] : 0;
    return c >= '7' && c <= '9' ? digit[c - '7'] : "unknown packet type NaN";
}

/* What may follow the head, by type. */
static bool shape_fits(const struct sioc_packet *p)
{
    enum json_kind kind = json_peek(p->data);
    bool absent = p->data.len == 0;
    switch (p->type) {
    case SIOC_PACKET_CONNECT:
        return absent || kind == JSON_KIND_MAP;
    case SIOC_PACKET_DISCONNECT:
        return absent;
    case SIOC_PACKET_EVENT:
    case SIOC_PACKET_ACK:
        return (absent && p->attachments == 0) || kind == JSON_KIND_ARRAY;
    case SIOC_PACKET_CONNECT_ERROR:
        return kind == JSON_KIND_STRING || kind == JSON_KIND_MAP;
    }
    return false;
}

/* An event in the main namespace that wants no answer: nearly all that clients send.  44
 * instructions less than the long way. */
static bool read_usual(struct sioc_str text, struct sioc_packet *p)
{
    if (text.len < 2 || text.ptr[0] != '0' + SIOC_PACKET_EVENT || text.ptr[1] != '[')
        return false;
    *p = (struct sioc_packet){
        .type = SIOC_PACKET_EVENT, .nsp = STR("/"), .data = str_from(text, 1)};
    return true;
}

int sio_packet_read(struct sioc_str text, uint32_t max_attachments,
                    struct sioc_packet *ret_packet, const char **ret_error)
{
    struct sioc_packet *p = ret_packet; /* written in place: copying it costs more than it */
    if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] > '6') {
        *ret_error = unknown_type(text);
        return SIOC_EPROTO;
    }
    if (read_usual(text, p))
        return 0;
    bool followed = text.ptr[0] >= FOLLOWED;
    p->type = (enum sioc_packet_type)(text.ptr[0] - '0' - (followed ? FOLLOWED_MORE : 0));
    p->attachments = 0;
    struct sioc_str rest = str_from(text, 1);
    const char *error = NULL;
    if (followed)
        error = read_attachments(&rest, max_attachments, &p->attachments);
    if (!error)
        read_namespace(&rest, &p->nsp);
    if (!error)
        error = read_id(&rest, p);
    p->data = rest;
    if (!error && !shape_fits(p))
        error = "invalid payload";
    if (!error)
        return 0;
    *ret_error = error;
    return SIOC_EPROTO;
}

void sio_packet_write_head(struct buf *out, const struct sioc_packet_head *head)
{
    buf_putc(out, (char)('0' + head->type + (head->attachments ? FOLLOWED_MORE : 0)));
    if (head->attachments) {
        buf_put_u64(out, head->attachments);
        buf_putc(out, '-');
    }
    if (head->nsp.len > 1) {
        buf_put_str(out, head->nsp);
        buf_putc(out, ',');
    }
    if (head->has_id)
        buf_put_u64(out, head->id);
}

bool sio_event_is_reserved(struct sioc_str name)
{
    static const char *const reserved[] = {"connect",       "connect_error", "disconnect",
                                           "disconnecting", "newListener",   "removeListener"};
    if (name.len < 7)
        return false; /* the shortest is "connect" */
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (str_eq(name, sioc_str(reserved[i])))
            return true;
    return false;
}
