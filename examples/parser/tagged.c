/* tagged.c -- a parser of one's own, as a library that sioc loads: parser = "./tagged.so".
 * tagged.mjs is its other half, for the clients.
 *
 *     cc -shared -fPIC -o tagged.so tagged.c        (with -I where sioc/ is)
 *
 * CONNECT, DISCONNECT and CONNECT_ERROR are text, a JSON array: [type, namespace, data].
 * EVENT and ACK are bytes: the type, the namespace, the id (or null), then the elements, all of
 * them *tagged values*, to the end of the message.  A tagged value is a letter and what it
 * says:
 *
 *     n  null         d  a number: 8 bytes       [ ... ]            an array
 *     t  true         s  a string: length, UTF-8    { key value ... }  a map; keys are like
 *     f  false        b  binary data: length, bytes                    values of the letter s
 *
 * Lengths are 4 bytes; bytes of numbers come highest first, numbers are IEEE doubles.
 *
 * It knows no server: values come and go through sinks, and nothing is allocated here.
 */
#include <sioc/args.h>
#include <sioc/parser.h>

/* ---- in: tagged values ---- */

static bool take(struct sioc_str *rest, size_t len, struct sioc_str *ret_bytes)
{
    if (rest->len < len)
        return false;
    *ret_bytes = sioc_str_n(rest->ptr, len);
    *rest = sioc_str_n(rest->ptr + len, rest->len - len);
    return true;
}

static bool take_number(struct sioc_str *rest, size_t len, uint64_t *ret_value)
{
    struct sioc_str bytes;
    uint64_t value = 0;

    if (!take(rest, len, &bytes))
        return false;
    for (size_t i = 0; i < len; i++)
        value = value << 8 | (unsigned char)bytes.ptr[i];
    *ret_value = value;
    return true;
}

static bool take_counted(struct sioc_str *rest, struct sioc_str *ret_bytes)
{
    uint64_t len;

    return take_number(rest, 4, &len) && take(rest, (size_t)len, ret_bytes);
}

static int read_double(struct sioc_str *rest, double *ret_value)
{
    uint64_t bits;

    if (!take_number(rest, 8, &bits))
        return SIOC_ESYNTAX;
    memcpy(ret_value, &bits, sizeof bits);
    return 0;
}

static int read_text(struct sioc_str *rest, struct sioc_str *ret_text)
{
    if (!take_counted(rest, ret_text))
        return SIOC_ESYNTAX;
    return sioc_utf8_valid(*ret_text) ? 0 : SIOC_EUTF8;
}

static int read_binary(struct sioc_str *rest, struct sioc_sink *sink)
{
    struct sioc_str bytes;
    struct sioc_buffer *buffer;
    int error;

    if (!take_counted(rest, &bytes))
        return SIOC_ESYNTAX;
    if (!sink)
        return 0;
    buffer = sioc_buffer_new(bytes);
    if (!buffer)
        return SIOC_ENOMEM;
    error = sioc_put_binary(sink, buffer);
    sioc_buffer_unref(buffer);
    return error;
}

static int read_tagged(struct sioc_str *rest, unsigned depth, struct sioc_sink *sink);

/* What stands in an array or a map, up to its end. */
static int read_inside(struct sioc_str *rest, bool map, unsigned depth, struct sioc_sink *sink)
{
    struct sioc_str key, end;
    int error = 0;

    while (error == 0 && rest->len > 0 && rest->ptr[0] != (map ? '}' : ']')) {
        if (map && (error = read_text(rest, &key)) == 0 && sink)
            error = sink->ops->map_key(sink, key);
        if (error == 0)
            error = read_tagged(rest, depth, sink);
    }
    if (error == 0 && !take(rest, 1, &end))
        error = SIOC_ESYNTAX;
    return error;
}

static int read_container(struct sioc_str *rest, bool map, unsigned depth,
                          struct sioc_sink *sink)
{
    int error = 0;

    if (depth == 0)
        return SIOC_EDEPTH;
    if (sink)
        error = map ? sink->ops->map_begin(sink, SIOC_COUNT_UNKNOWN)
                    : sink->ops->array_begin(sink, SIOC_COUNT_UNKNOWN);
    if (error == 0)
        error = read_inside(rest, map, depth - 1, sink);
    if (error == 0 && sink)
        error = map ? sink->ops->map_end(sink) : sink->ops->array_end(sink);
    return error;
}

/* One value; sink NULL: it is only checked. */
static int read_tagged(struct sioc_str *rest, unsigned depth, struct sioc_sink *sink)
{
    struct sioc_str tag, text;
    double number;
    int error;

    if (!take(rest, 1, &tag))
        return SIOC_ESYNTAX;
    switch (tag.ptr[0]) {
    case 'n':
        return sink ? sioc_put_null(sink) : 0;
    case 't':
    case 'f':
        return sink ? sioc_put_bool(sink, tag.ptr[0] == 't') : 0;
    case 'd':
        error = read_double(rest, &number);
        return error < 0 || !sink ? error : sioc_put_number(sink, number);
    case 's':
        error = read_text(rest, &text);
        return error < 0 || !sink ? error : sioc_put_str(sink, text);
    case 'b':
        return read_binary(rest, sink);
    case '[':
    case '{':
        return read_container(rest, tag.ptr[0] == '{', depth, sink);
    default:
        return SIOC_ESYNTAX;
    }
}

/* ---- in: packets ---- */

static bool read_id(struct sioc_str *rest, struct sioc_packet *packet)
{
    struct sioc_str tag;
    double id;

    if (!take(rest, 1, &tag))
        return false;
    packet->has_id = tag.ptr[0] == 'd';
    if (!packet->has_id)
        return tag.ptr[0] == 'n';
    if (read_double(rest, &id) < 0 || !(id >= 0 && id <= (double)SIOC_PACKET_MAX_ID))
        return false;
    packet->id = (uint64_t)id;
    return (double)packet->id == id;
}

/* EVENT and ACK. */
static bool read_bytes(struct sioc_str rest, struct sioc_packet *packet)
{
    struct sioc_str type;

    if (!take(&rest, 1, &type) || !take_counted(&rest, &packet->nsp) || !read_id(&rest, packet))
        return false;
    packet->type = type.ptr[0] == 2 ? SIOC_PACKET_EVENT : SIOC_PACKET_ACK;
    packet->data = rest;
    return (type.ptr[0] == 2 || type.ptr[0] == 3) && packet->nsp.len > 0 &&
           packet->nsp.ptr[0] == '/' && sioc_utf8_valid(packet->nsp);
}

/* The other types.  A cursor trusts the text, so it is looked at before. */
static bool read_text_packet(struct sioc_str text, unsigned max_depth,
                             struct sioc_packet *packet)
{
    struct sioc_cursor c;
    int64_t type;

    if (sioc_json_decode(text, max_depth, NULL, NULL) < 0 || sioc_cursor_init(&c, text) < 0 ||
        sioc_cursor_int(&c, &type) < 0 || sioc_cursor_str(&c, &packet->nsp) < 0 ||
        packet->nsp.len == 0 || packet->nsp.ptr[0] != '/')
        return false;
    if (type != SIOC_PACKET_CONNECT && type != SIOC_PACKET_DISCONNECT)
        return false; /* CONNECT_ERROR is for servers to say */
    packet->type = (enum sioc_packet_type)type;
    if (sioc_cursor_peek(&c) == SIOC_KIND_END)
        return true;
    return type == SIOC_PACKET_CONNECT && sioc_cursor_peek(&c) == SIOC_KIND_MAP &&
           sioc_cursor_raw(&c, &packet->data) == 0;
}

static int read_packet(struct sioc_str message, bool binary,
                       const struct sioc_packet_limits *limits, struct sioc_packet *ret_packet,
                       const char **ret_error)
{
    struct sioc_packet packet = {.type = SIOC_PACKET_EVENT};

    if (!(binary ? read_bytes(message, &packet)
                 : read_text_packet(message, limits->max_depth, &packet))) {
        *ret_error = "invalid payload";
        return SIOC_EPROTO;
    }
    *ret_packet = packet;
    return 0;
}

static int event_name(const struct sioc_packet_data *data, struct sioc_out *out,
                      struct sioc_str *ret_name)
{
    struct sioc_str rest = data->bytes, tag;

    (void)out; /* a name stands in the message as it is */
    return take(&rest, 1, &tag) && tag.ptr[0] == 's' ? read_text(&rest, ret_name) : SIOC_EPROTO;
}

static int read_elements(const struct sioc_packet_data *data, size_t from, size_t to,
                         struct sioc_sink *sink, size_t *ret_count)
{
    struct sioc_str rest = data->bytes;
    size_t i = 0;

    for (; rest.len > 0; i++) {
        int error = read_tagged(&rest, data->max_depth, i >= from && i < to ? sink : NULL);

        if (error < 0)
            return error;
    }
    i = i < to ? i : to;
    *ret_count = i > from ? i - from : 0;
    return 0;
}

static int read_value(const struct sioc_packet_data *data, struct sioc_sink *sink)
{
    return sioc_json_decode(data->bytes, data->max_depth, sink, NULL);
}

/* ---- out ---- */

struct encoder {
    struct sioc_sink sink; /* first */
    struct sioc_out *out;
    unsigned depth;
};

static void put_number(struct sioc_out *out, uint64_t value, unsigned len)
{
    unsigned char bytes[8];

    for (unsigned i = 0; i < len; i++)
        bytes[i] = (unsigned char)(value >> (8 * (len - 1 - i)));
    sioc_out_put(out, bytes, len);
}

static void put_counted(struct sioc_out *out, struct sioc_str bytes)
{
    if (bytes.len > UINT32_MAX)
        sioc_out_fail(out, SIOC_ETOOBIG);
    put_number(out, bytes.len, 4);
    sioc_out_put_str(out, bytes);
}

static void put_double(struct sioc_out *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    sioc_out_put(out, "d", 1);
    put_number(out, bits, 8);
}

static struct sioc_out *out_of(struct sioc_sink *sink)
{
    return ((struct encoder *)(void *)sink)->out;
}

static int put_tag(struct sioc_sink *sink, char tag)
{
    sioc_out_put(out_of(sink), &tag, 1);
    return sioc_out_error(out_of(sink));
}

static int write_null(struct sioc_sink *sink)
{
    return put_tag(sink, 'n');
}

static int write_boolean(struct sioc_sink *sink, bool value)
{
    return put_tag(sink, value ? 't' : 'f');
}

static int write_number(struct sioc_sink *sink, double value)
{
    put_double(out_of(sink), value);
    return sioc_out_error(out_of(sink));
}

static int write_integer(struct sioc_sink *sink, int64_t value)
{
    return write_number(sink, (double)value); /* JavaScript has nothing else */
}

static int write_key(struct sioc_sink *sink, struct sioc_str utf8)
{
    if (!sioc_utf8_valid(utf8))
        return sioc_out_fail(out_of(sink), SIOC_EUTF8);
    put_counted(out_of(sink), utf8);
    return sioc_out_error(out_of(sink));
}

static int write_string(struct sioc_sink *sink, struct sioc_str utf8)
{
    put_tag(sink, 's');
    return write_key(sink, utf8);
}

static int write_binary(struct sioc_sink *sink, struct sioc_buffer *data)
{
    put_tag(sink, 'b');
    put_counted(out_of(sink), sioc_buffer_bytes(data));
    return sioc_out_error(out_of(sink));
}

static int begin_container(struct sioc_sink *sink, char tag)
{
    struct encoder *e = (struct encoder *)(void *)sink;

    if (e->depth == 0)
        return sioc_out_fail(e->out, SIOC_EDEPTH);
    e->depth--;
    return put_tag(sink, tag);
}

static int end_container(struct sioc_sink *sink, char tag)
{
    ((struct encoder *)(void *)sink)->depth++;
    return put_tag(sink, tag);
}

static int write_array_begin(struct sioc_sink *sink, size_t count)
{
    (void)count;
    return begin_container(sink, '[');
}

static int write_array_end(struct sioc_sink *sink)
{
    return end_container(sink, ']');
}

static int write_map_begin(struct sioc_sink *sink, size_t count)
{
    (void)count;
    return begin_container(sink, '{');
}

static int write_map_end(struct sioc_sink *sink)
{
    return end_container(sink, '}');
}

static int write_raw_json(struct sioc_sink *sink, struct sioc_str json)
{
    struct encoder *e = (struct encoder *)(void *)sink;
    int error = sioc_json_decode(json, e->depth, sink, NULL);

    return error < 0 ? sioc_out_fail(e->out, error) : 0;
}

static const struct sioc_sink_ops encoder_ops = {
    .null = write_null,
    .boolean = write_boolean,
    .integer = write_integer,
    .number = write_number,
    .string = write_string,
    .binary = write_binary,
    .array_begin = write_array_begin,
    .array_end = write_array_end,
    .map_begin = write_map_begin,
    .map_key = write_key,
    .map_end = write_map_end,
    .raw_json = write_raw_json,
};

static struct sioc_sink *begin(void *encoder, const struct sioc_encoding *to)
{
    struct encoder *e = encoder;

    *e = (struct encoder){.sink = {&encoder_ops}, .out = to->out, .depth = to->max_depth};
    return &e->sink;
}

static int finish(void *encoder, const struct sioc_packet_head *head, struct sioc_out *before,
                  struct sioc_out *out)
{
    const char type = (char)head->type;

    (void)encoder;
    sioc_out_put(before, &type, 1);
    put_counted(before, head->nsp);
    if (head->has_id)
        put_double(before, (double)head->id);
    else
        sioc_out_put(before, "n", 1);
    if (head->more.ptr) {
        sioc_out_put(out, "s", 1);
        put_counted(out, head->more);
    }
    return SIOC_PARSER_BINARY;
}

/* What was written is just what is read. */
static int reread(void *encoder, struct sioc_str elements, struct sioc_out *room,
                  struct sioc_str *ret_data)
{
    (void)encoder;
    (void)room;
    *ret_data = elements;
    return 0;
}

static int write_packet(const struct sioc_packet_head *head, struct sioc_str json,
                        unsigned max_depth, struct sioc_out *out)
{
    const char type[] = {'[', (char)('0' + head->type), ',', '"'};

    (void)max_depth;
    sioc_out_put(out, type, sizeof type);
    sioc_out_put_str(out, head->nsp); /* read_text_packet takes none with escapes */
    sioc_out_put(out, json.len ? "\"," : "\"", json.len ? 2 : 1);
    sioc_out_put_str(out, json);
    sioc_out_put(out, "]", 1);
    return SIOC_PARSER_TEXT;
}

static const struct sioc_parser parser = {
    .version = SIOC_PARSER_VERSION,
    .flags = SIOC_PARSER_TEXT | SIOC_PARSER_BINARY,
    .name = "tagged",
    .read = read_packet,
    .event_name = event_name,
    .read_elements = read_elements,
    .read_value = read_value,
    .encoder_bytes = sizeof(struct encoder),
    .begin = begin,
    .finish = finish,
    .reread = reread,
    .write = write_packet,
};

SIOC_API const struct sioc_parser *sioc_parser(void);
SIOC_API const struct sioc_parser *sioc_parser(void)
{
    return &parser;
}
