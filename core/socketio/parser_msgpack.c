/* socketio/parser_msgpack.c -- packets as msgpack maps {type, nsp, data, id}, one binary
 * message each, binary data within (protocol.md 7): the npm package socket.io-msgpack-parser.
 *
 * Stricter than that one: names of events follow the rules of the JSON parser, ids are 0 to
 * 2^53-1, and text must be valid UTF-8.
 */
#include "base/str.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "codec/mpk_read.h"
#include "codec/mpk_token.h"
#include "codec/mpk_write.h"
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

static int read_members(unsigned max_depth, struct sioc_str rest, struct members *m)
{
    struct mpk_reader reader = {.max_depth = max_depth};
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

static bool data_fits(const struct members *m, enum sioc_packet_type type)
{
    switch (type) {
    case SIOC_PACKET_CONNECT:
        return m->data.len == 0 || m->data_kind == MPK_MAP;
    case SIOC_PACKET_DISCONNECT:
        return m->data.len == 0;
    case SIOC_PACKET_CONNECT_ERROR:
        return m->data_kind == MPK_STRING || m->data_kind == MPK_MAP;
    case SIOC_PACKET_EVENT:
    case SIOC_PACKET_ACK:
        return m->data_kind == MPK_ARRAY;
    }
    return false;
}

static const char *check(const struct members *m, struct sioc_packet *p)
{
    uint64_t type;
    if (!whole(&m->type, SIOC_PACKET_CONNECT_ERROR, &type))
        return "invalid packet type";
    p->type = (enum sioc_packet_type)type;
    p->nsp = m->nsp.bytes;
    if (m->nsp.kind != MPK_STRING || p->nsp.len == 0 || p->nsp.ptr[0] != '/')
        return "invalid namespace";
    if (!data_fits(m, p->type))
        return "invalid payload";
    p->data = m->data;
    p->has_id = m->id.kind != MPK_UNDEFINED;
    if (p->has_id && !whole(&m->id, SIOC_PACKET_MAX_ID, &p->id))
        return "invalid packet id";
    return NULL;
}

static int read_packet(struct sioc_str message, bool binary,
                       const struct sioc_packet_limits *limits, struct sioc_packet *ret_packet,
                       const char **ret_error)
{
    struct members m = {.type = {.kind = MPK_UNDEFINED},
                        .nsp = {.kind = MPK_UNDEFINED},
                        .id = {.kind = MPK_UNDEFINED},
                        .data_kind = MPK_UNDEFINED};
    struct sioc_packet p = {.type = SIOC_PACKET_CONNECT};
    const char *error = "invalid payload";
    (void)binary; /* always */
    if (read_members(limits->max_depth, message, &m) == 0)
        error = check(&m, &p);
    if (error) {
        *ret_error = error;
        return SIOC_EPROTO;
    }
    *ret_packet = p;
    return 0;
}

/* ---- in: the data, which was checked whole ---- */

static int event_name(const struct sioc_packet_data *data, struct sioc_out *out,
                      struct sioc_str *ret_name)
{
    struct sioc_str rest = data->bytes;
    struct mpk_token array, name;
    if (mpk_take(&rest, &array) < 0 || array.count == 0 || mpk_take(&rest, &name) < 0)
        return SIOC_EPROTO;
    if (name.kind == MPK_STRING) {
        *ret_name = name.bytes;
        return 0;
    }
    if (name.kind == MPK_INTEGER)
        buf_put_i64(buf_of(out), name.integer);
    else if (name.kind == MPK_NUMBER)
        json_put_double(buf_of(out), name.number);
    else
        return SIOC_EPROTO;
    *ret_name = sioc_out_str(out);
    return sioc_out_error(out);
}

static int read_elements(const struct sioc_packet_data *data, size_t from, size_t to,
                         struct sioc_sink *sink, size_t *ret_count)
{
    struct mpk_reader reader = {.max_depth = data->max_depth, .max_values = data->max_values};
    return mpk_read_elements(&reader, data->bytes, from, to, sink, ret_count);
}

static int read_value(const struct sioc_packet_data *data, struct sioc_sink *sink)
{
    struct mpk_reader reader = {.max_depth = data->max_depth, .max_values = data->max_values};
    return mpk_read(&reader, data->bytes, sink);
}

/* ---- out ---- */

struct encoder {
    struct mpk_writer writer;
    struct buf stack;
};

static struct sioc_sink *begin(void *encoder, const struct sioc_encoding *to)
{
    struct encoder *e = encoder;
    mpk_writer_init(&e->writer, buf_of(to->out), &e->stack, to->max_depth);
    return &e->writer.sink;
}

static void release(void *encoder)
{
    buf_deinit(&((struct encoder *)encoder)->stack);
}

static void put_type(struct buf *out, enum sioc_packet_type type)
{
    mpk_put_string(out, STR("type"));
    mpk_put_int(out, type);
}

static void put_nsp(struct buf *out, struct sioc_str nsp)
{
    mpk_put_string(out, STR("nsp"));
    mpk_put_string(out, nsp);
}

static void put_id(struct buf *out, uint64_t id)
{
    mpk_put_string(out, STR("id"));
    mpk_put_int(out, (int64_t)id);
}

/* The keys in the reference's order. */
static int finish(void *encoder, const struct sioc_packet_head *head, struct sioc_out *before,
                  struct sioc_out *out)
{
    const struct encoder *e = encoder;
    bool answers = head->type == SIOC_PACKET_ACK;
    mpk_put_map(buf_of(before), head->has_id ? 4 : 3);
    if (head->has_id && answers)
        put_id(buf_of(before), head->id);
    put_type(buf_of(before), head->type);
    mpk_put_string(buf_of(before), STR("data"));
    mpk_put_array(buf_of(before), e->writer.count + (head->more.ptr != NULL));
    if (head->more.ptr)
        mpk_put_string(buf_of(out), head->more);
    if (head->has_id && !answers)
        put_id(buf_of(out), head->id);
    put_nsp(buf_of(out), head->nsp);
    return SIOC_PARSER_BINARY;
}

static int reread(void *encoder, struct sioc_str elements, struct sioc_out *room,
                  struct sioc_str *ret_data)
{
    const struct encoder *e = encoder;
    mpk_put_array(buf_of(room), e->writer.count);
    buf_put_str(buf_of(room), elements);
    *ret_data = sioc_out_str(room);
    return sioc_out_error(room);
}

static int write_packet(const struct sioc_packet_head *head, struct sioc_str json,
                        unsigned max_depth, struct sioc_out *out)
{
    struct buf stack, scratch;
    struct mpk_writer writer;
    int error = 0;
    mpk_put_map(buf_of(out), json.len ? 3 : 2);
    put_type(buf_of(out), head->type);
    if (json.len) {
        buf_init(&stack);
        buf_init(&scratch);
        struct json_reader reader = {.max_depth = max_depth, .scratch = &scratch};
        mpk_put_string(buf_of(out), STR("data"));
        mpk_writer_init(&writer, buf_of(out), &stack, max_depth);
        error = json_read(&reader, json, &writer.sink);
        buf_deinit(&scratch);
        buf_deinit(&stack);
    }
    put_nsp(buf_of(out), head->nsp);
    return error < 0 ? error : SIOC_PARSER_BINARY;
}

const struct sioc_parser sio_parser_msgpack = {
    .version = SIOC_PARSER_VERSION,
    .flags = SIOC_PARSER_BINARY | SIOC_PARSER_CHECKS,
    .name = "msgpack",
    .read = read_packet,
    .event_name = event_name,
    .read_elements = read_elements,
    .read_value = read_value,
    .encoder_bytes = sizeof(struct encoder),
    .begin = begin,
    .finish = finish,
    .reread = reread,
    .release = release,
    .write = write_packet,
};
