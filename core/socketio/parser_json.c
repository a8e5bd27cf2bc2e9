/* socketio/parser_json.c -- the parser that every client has: text, attachments behind it
 * (protocol.md 3.1).  The grammar of the head is packet.c's. */
#include "base/buf.h"
#include "codec/json_read.h"
#include "codec/json_write.h"
#include "socketio/packet.h"
#include "socketio/parser.h"

/* ---- in ---- */

static int read_packet(struct sioc_str message, bool binary,
                       const struct sioc_packet_limits *limits, struct sioc_packet *ret_packet,
                       const char **ret_error)
{
    (void)binary; /* never */
    return sio_packet_read(message, limits->max_attachments, ret_packet, ret_error);
}

struct text_sink {
    struct sioc_sink sink;
    struct buf *out;
};

static int keep_text(struct sioc_sink *sink, struct sioc_str utf8)
{
    struct buf *out = ((struct text_sink *)(void *)sink)->out;
    buf_put_str(out, utf8);
    return out->error;
}

static int unescape(struct sioc_str json_string, struct buf *out)
{
    /* The text is a string, so nothing else is ever called. */
    static const struct sioc_sink_ops ops = {.string = keep_text};
    struct text_sink text = {{&ops}, out};
    struct buf scratch;
    buf_init(&scratch);
    struct json_reader reader = {.max_depth = 1, .scratch = &scratch};
    int error = json_read(&reader, json_string, &text.sink);
    buf_deinit(&scratch);
    return error;
}

static int event_name(const struct sioc_packet_data *data, struct sioc_out *out,
                      struct sioc_str *ret_name)
{
    struct sioc_str raw, plain;
    if (json_first_element(data->bytes, &raw, &plain) < 0)
        return SIOC_ESYNTAX;
    enum json_kind kind = json_peek(raw);
    if (kind != JSON_KIND_STRING && kind != JSON_KIND_NUMBER)
        return SIOC_EPROTO;
    *ret_name = kind == JSON_KIND_NUMBER ? raw : plain;
    if (kind == JSON_KIND_NUMBER || plain.ptr)
        return 0;
    int error = unescape(raw, buf_of(out));
    *ret_name = sioc_out_str(out);
    return error;
}

static struct json_reader reader_of(const struct sioc_packet_data *data)
{
    return (struct json_reader){.max_depth = data->max_depth,
                                .max_values = data->max_values,
                                .scratch = buf_of(data->scratch),
                                .attachments = data->attachments,
                                .attachment_count = data->attachment_count};
}

static int read_elements(const struct sioc_packet_data *data, size_t from, size_t to,
                         struct sioc_sink *sink, size_t *ret_count)
{
    struct json_reader reader = reader_of(data);
    return json_read_elements(&reader, data->bytes, from, to, sink, ret_count);
}

static int read_value(const struct sioc_packet_data *data, struct sioc_sink *sink)
{
    struct json_reader reader = reader_of(data);
    return json_read(&reader, data->bytes, sink);
}

/* ---- out ---- */

static struct sioc_sink *begin(void *encoder, const struct sioc_encoding *to)
{
    struct json_writer *writer = encoder;
    json_writer_init(writer, buf_of(to->out), json_binaries_of(to->attachments), to->max_depth);
    buf_putc(writer->out, '[');
    return &writer->sink;
}

static int finish(void *encoder, const struct sioc_packet_head *head, struct sioc_out *before,
                  struct sioc_out *out)
{
    (void)encoder;
    if (head->more.ptr) {
        buf_put_str(buf_of(out), STR(",\""));
        buf_put_str(buf_of(out), head->more);
        buf_putc(buf_of(out), '"');
    }
    buf_putc(buf_of(out), ']');
    sio_packet_write_head(buf_of(before), head);
    return SIOC_PARSER_TEXT;
}

static int reread(void *encoder, struct sioc_str elements, struct sioc_out *room,
                  struct sioc_str *ret_data)
{
    (void)encoder;
    buf_put_str(buf_of(room), elements);
    buf_putc(buf_of(room), ']');
    *ret_data = sioc_out_str(room);
    return sioc_out_error(room);
}

static int write_packet(const struct sioc_packet_head *head, struct sioc_str json,
                        unsigned max_depth, struct sioc_out *out)
{
    (void)max_depth;
    /* "40/chat" needs its comma even when nothing follows: a name runs to the first one. */
    sio_packet_write_head(buf_of(out), head);
    buf_put_str(buf_of(out), json);
    return SIOC_PARSER_TEXT;
}

const struct sioc_parser sio_parser_json = {
    .version = SIOC_PARSER_VERSION,
    .flags = SIOC_PARSER_TEXT | SIOC_PARSER_JSON,
    .name = "json",
    .read = read_packet,
    .event_name = event_name,
    .read_elements = read_elements,
    .read_value = read_value,
    .encoder_bytes = sizeof(struct json_writer),
    .begin = begin,
    .finish = finish,
    .reread = reread,
    .write = write_packet,
};
