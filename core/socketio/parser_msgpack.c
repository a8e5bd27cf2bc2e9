/* socketio/parser_msgpack.c -- packets as msgpack maps {type, nsp, data, id}, one binary
 * message each, binary data within (protocol.md 7): the npm package socket.io-msgpack-parser.
 *
 * Stricter than that one: names of events follow the rules of the JSON parser, ids are 0 to
 * 2^53-1, and text must be valid UTF-8.
 */
#include "codec/json_read.h"
#include "codec/mpk_read.h"
#include "codec/mpk_token.h"
#include "socketio/message.h"
#include "socketio/parser.h"

/* ---- in: the head ---- */

/* The members of a packet that were found. */
struct members {
    struct mpk_token type, nsp, id; /* kind UNDEFINED: absent */
    struct sioc_str data;           /* the encoded value; "" = absent */
    enum mpk_kind data_kind;
};

static int take_data(struct mpk_reader *reader, struct sioc_str *rest, struct members *m)
{
    struct sioc_str value = *rest;
    struct mpk_token t;
    int error = mpk_take(&value, &t); /* a look at its kind */
    if (error < 0)
        return error;
    value = *rest;
    error = mpk_read_front(reader, rest, NULL);
    m->data_kind = t.kind;
    m->data = t.kind == MPK_UNDEFINED ? STR("") : str_part(value, 0, value.len - rest->len);
    return error;
}

/* The last one of a name counts, as in the reference. */
static int take_member(struct mpk_reader *reader, struct sioc_str *rest, struct members *m)
{
    struct mpk_token key;
    int error = mpk_take(rest, &key);
    if (error < 0)
        return error;
    if (key.kind == MPK_STRING && str_eq(key.bytes, STR("data")))
        return take_data(reader, rest, m);
    struct sioc_str value = *rest;
    error = mpk_read_front(reader, rest, NULL);
    if (error < 0 || key.kind != MPK_STRING)
        return error;
    if (str_eq(key.bytes, STR("type")))
        return mpk_take(&value, &m->type);
    if (str_eq(key.bytes, STR("nsp")))
        return mpk_take(&value, &m->nsp);
    if (str_eq(key.bytes, STR("id")))
        return mpk_take(&value, &m->id);
    return 0; /* "options" and whatever else clients add */
}

static int read_members(const struct sioc_server *server, struct sioc_str rest,
                        struct members *m)
{
    struct mpk_reader reader = {.max_depth = (unsigned)server->options->max_depth};
    struct mpk_token map;
    int error = mpk_take(&rest, &map);
    if (error < 0 || map.kind != MPK_MAP)
        return SIOC_EPROTO;
    for (size_t i = 0; i < map.count && error == 0; i++)
        error = take_member(&reader, &rest, m);
    return error < 0 || rest.len ? SIOC_EPROTO : 0;
}

/* A whole number from 0 to max; 2.0 is one as well. */
static bool whole(const struct mpk_token *t, uint64_t max, uint64_t *ret_value)
{
    if (t->kind == MPK_NUMBER && t->number >= 0 && t->number <= (double)max)
        *ret_value = (uint64_t)t->number;
    else if (t->kind == MPK_INTEGER && t->integer >= 0 && (uint64_t)t->integer <= max)
        *ret_value = (uint64_t)t->integer;
    else
        return false;
    return t->kind == MPK_INTEGER || (double)*ret_value == t->number;
}

static bool data_fits(const struct members *m, enum sio_packet_type type)
{
    switch (type) {
    case SIO_CONNECT:
        return m->data.len == 0 || m->data_kind == MPK_MAP;
    case SIO_DISCONNECT:
        return m->data.len == 0;
    case SIO_CONNECT_ERROR:
        return m->data_kind == MPK_STRING || m->data_kind == MPK_MAP;
    case SIO_EVENT:
    case SIO_ACK:
        return m->data_kind == MPK_ARRAY;
    case SIO_BINARY_EVENT:
    case SIO_BINARY_ACK:
        break; /* not in this encoding */
    }
    return false;
}

static const char *check(const struct members *m, struct sio_packet *p)
{
    uint64_t type;
    if (!whole(&m->type, SIO_CONNECT_ERROR, &type))
        return "invalid packet type";
    p->type = (enum sio_packet_type)type;
    p->nsp = m->nsp.bytes;
    if (m->nsp.kind != MPK_STRING || p->nsp.len == 0 || p->nsp.ptr[0] != '/')
        return "invalid namespace";
    if (!data_fits(m, p->type))
        return "invalid payload";
    p->data = m->data;
    p->has_id = m->id.kind != MPK_UNDEFINED;
    if (p->has_id && !whole(&m->id, SIO_MAX_ACK_ID, &p->id))
        return "invalid packet id";
    return NULL;
}

static int read_packet(const struct sioc_server *server, struct sioc_str message,
                       struct sio_packet *ret_packet, const char **ret_error)
{
    struct members m = {.type = {.kind = MPK_UNDEFINED},
                        .nsp = {.kind = MPK_UNDEFINED},
                        .id = {.kind = MPK_UNDEFINED},
                        .data_kind = MPK_UNDEFINED};
    struct sio_packet p = {.type = SIO_CONNECT};
    const char *error = "invalid payload";
    if (read_members(server, message, &m) == 0)
        error = check(&m, &p);
    if (error) {
        *ret_error = error;
        return SIOC_EPROTO;
    }
    *ret_packet = p;
    return 0;
}

/* ---- in: the data, which was checked whole ---- */

static int event_name(struct sioc_str args, struct buf *unescaped, struct sioc_str *ret_name)
{
    struct mpk_token array, name;
    if (mpk_take(&args, &array) < 0 || array.count == 0 || mpk_take(&args, &name) < 0)
        return SIOC_EPROTO;
    if (name.kind == MPK_STRING) {
        *ret_name = name.bytes;
        return 0;
    }
    if (name.kind == MPK_INTEGER)
        buf_put_i64(unescaped, name.integer);
    else if (name.kind == MPK_NUMBER)
        json_put_double(unescaped, name.number);
    else
        return SIOC_EPROTO;
    *ret_name = buf_str(unescaped);
    return unescaped->error;
}

static struct mpk_reader reader_of(const struct sioc_event *e)
{
    return (struct mpk_reader){.max_depth = (unsigned)e->nsp->server->options->max_depth};
}

static int read_args(const struct sioc_event *e, struct sioc_sink *sink, size_t *ret_count)
{
    struct mpk_reader reader = reader_of(e);
    return mpk_read_elements(&reader, e->args, e->skip, sink, ret_count);
}

static int read_first(const struct sioc_event *e, struct sioc_sink *sink)
{
    struct mpk_reader reader = reader_of(e);
    struct sioc_str rest = e->args;
    struct mpk_token array;
    if (mpk_take(&rest, &array) < 0 || array.count == 0)
        return sioc_put_null(sink);
    return mpk_read_front(&reader, &rest, sink);
}

/* Binary data in it has no place in JSON, and is refused. */
static int auth(struct sioc_server *server, struct sioc_str data, struct buf *out,
                struct sioc_str *ret_json)
{
    unsigned max_depth = (unsigned)server->options->max_depth;
    struct mpk_reader reader = {.max_depth = max_depth};
    struct json_writer json;
    json_writer_init(&json, out, NULL, max_depth);
    int error = data.len ? mpk_read(&reader, data, &json.sink) : 0;
    *ret_json = buf_str(out);
    return error;
}

/* ---- out ---- */

static void begin(struct sioc_message *m, unsigned max_depth)
{
    mpk_writer_init(&m->writer.mpk, &m->text, &m->stack, max_depth);
}

static void put_type(struct buf *out, enum sio_packet_type type)
{
    mpk_put_string(out, STR("type"));
    mpk_put_int(out, type);
}

static void put_nsp(struct buf *out, struct sioc_str nsp)
{
    mpk_put_string(out, STR("nsp"));
    mpk_put_string(out, nsp);
}

static void put_id(struct buf *out, const uint64_t *id)
{
    if (!id)
        return;
    mpk_put_string(out, STR("id"));
    mpk_put_int(out, (int64_t)*id);
}

/* The keys in the reference's order. */
static struct eio_frame *message_frame(struct sioc_message *m, enum sio_packet_type type,
                                       const uint64_t *id, int *ret_error)
{
    struct buf *head = &m->nsp->server->scratch;
    if (!m->complete)
        m->data_len = m->text.len;
    m->complete = true;
    m->text.len = m->data_len; /* without what another namespace's frame has put behind it */
    buf_reset(head);
    mpk_put_map(head, id ? 4 : 3);
    if (type == SIO_ACK)
        put_id(head, id);
    put_type(head, type);
    mpk_put_string(head, STR("data"));
    mpk_put_array(head, m->writer.mpk.count + (m->offset.len > 0));
    if (m->offset.len)
        mpk_put_string(&m->text, m->offset);
    if (type != SIO_ACK)
        put_id(&m->text, id);
    put_nsp(&m->text, sio_namespace_name(m->nsp));
    *ret_error = m->text.error ? m->text.error : head->error ? head->error : SIOC_ENOMEM;
    if (m->text.error || head->error)
        return NULL;
    return eio_frame_binary(buf_str(head), buf_str(&m->text));
}

static int sent_args(const struct sioc_message *m, struct buf *out, struct sioc_str *ret_args)
{
    mpk_put_array(out, m->writer.mpk.count);
    buf_put_str(out, str_part(buf_str(&m->text), 0, m->data_len));
    *ret_args = buf_str(out);
    return out->error;
}

static struct eio_frame *packet_frame(struct sioc_server *server, enum sio_packet_type type,
                                      struct sioc_str nsp, struct sioc_str json)
{
    unsigned max_depth = (unsigned)server->options->max_depth;
    struct buf out, stack;
    struct mpk_writer writer;
    buf_init(&out);
    buf_init(&stack);
    mpk_put_map(&out, json.len ? 3 : 2);
    put_type(&out, type);
    if (json.len) {
        struct json_reader reader = {.max_depth = max_depth, .scratch = &server->scratch};
        mpk_put_string(&out, STR("data"));
        mpk_writer_init(&writer, &out, &stack, max_depth);
        if (json_read(&reader, json, &writer.sink) < 0 && !out.error)
            out.error = SIOC_ESYNTAX;
    }
    put_nsp(&out, nsp);
    struct eio_frame *frame = out.error ? NULL : eio_frame_binary(buf_str(&out), STR(""));
    buf_deinit(&stack);
    buf_deinit(&out);
    return frame;
}

const struct sio_parser sio_parser_msgpack = {
    .name = "msgpack",
    .binary = true,
    .checks_all = true,
    .read = read_packet,
    .event_name = event_name,
    .read_args = read_args,
    .read_first = read_first,
    .auth = auth,
    .begin = begin,
    .message_frame = message_frame,
    .sent_args = sent_args,
    .packet_frame = packet_frame,
};
