/* socketio/parser_json.c -- the parser that every client has: text, attachments behind it
 * (protocol.md 3.1).  The grammar of the head is packet.c's. */
#include "codec/json_read.h"
#include "socketio/message.h"
#include "socketio/parser.h"

/* ---- in ---- */

static int read_packet(const struct sioc_server *server, struct sioc_str message,
                       struct sio_packet *ret_packet, const char **ret_error)
{
    return sio_packet_read(message, (uint32_t)server->options->max_attachments, ret_packet,
                           ret_error);
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

static int event_name(struct sioc_str args, struct buf *unescaped, struct sioc_str *ret_name)
{
    struct sioc_str raw, plain;
    if (json_first_element(args, &raw, &plain) < 0)
        return SIOC_ESYNTAX;
    enum json_kind kind = json_peek(raw);
    if (kind != JSON_KIND_STRING && kind != JSON_KIND_NUMBER)
        return SIOC_EPROTO;
    *ret_name = kind == JSON_KIND_NUMBER ? raw : plain;
    if (kind == JSON_KIND_NUMBER || plain.ptr)
        return 0;
    int error = unescape(raw, unescaped);
    *ret_name = buf_str(unescaped);
    return error;
}

static struct json_reader reader_of(const struct sioc_event *e)
{
    struct sioc_server *server = e->nsp->server;
    return (struct json_reader){.max_depth = (unsigned)server->options->max_depth,
                                .scratch = &server->scratch,
                                .attachments = e->attachments,
                                .attachment_count = e->attachment_count};
}

static int read_args(const struct sioc_event *e, struct sioc_sink *sink, size_t *ret_count)
{
    struct json_reader reader = reader_of(e);
    return json_read_elements(&reader, e->args, e->skip, sink, ret_count);
}

static int read_first(const struct sioc_event *e, struct sioc_sink *sink)
{
    struct sioc_str raw, plain;
    if (json_first_element(e->args, &raw, &plain) < 0 || raw.len == 0)
        return sioc_put_null(sink);
    struct json_reader reader = reader_of(e);
    return json_read(&reader, raw, sink);
}

static int auth(struct sioc_server *server, struct sioc_str data, struct buf *out,
                struct sioc_str *ret_json)
{
    struct json_reader reader = {.max_depth = (unsigned)server->options->max_depth,
                                 .scratch = &server->scratch};
    (void)out;
    *ret_json = data;
    return data.len ? json_read(&reader, data, NULL) : 0;
}

/* ---- out ---- */

static void begin(struct sioc_message *m, unsigned max_depth)
{
    json_writer_init(&m->writer.json, &m->text, &m->binaries, max_depth);
    buf_putc(&m->text, '[');
}

static enum sio_packet_type binary_type(enum sio_packet_type type)
{
    return type == SIO_EVENT ? SIO_BINARY_EVENT : SIO_BINARY_ACK;
}

static struct eio_frame *message_frame(struct sioc_message *m, enum sio_packet_type type,
                                       const uint64_t *id, int *ret_error)
{
    struct buf *head = &m->nsp->server->scratch;
    size_t attachments = m->binaries.count;
    if (!m->complete)
        m->data_len = m->text.len;
    m->complete = true;
    m->text.len = m->data_len; /* without what another namespace's frame has put behind it */
    if (m->offset.len) {
        buf_put_str(&m->text, STR(",\""));
        buf_put_str(&m->text, m->offset);
        buf_putc(&m->text, '"');
    }
    buf_putc(&m->text, ']');
    buf_reset(head);
    sio_packet_write_head(head, attachments ? binary_type(type) : type, attachments,
                          sio_namespace_name(m->nsp), id);
    *ret_error = m->text.error ? m->text.error : head->error ? head->error : SIOC_ENOMEM;
    if (m->text.error || head->error)
        return NULL;
    return eio_frame_message(buf_str(head), buf_str(&m->text), m->binaries.items, attachments);
}

static int sent_args(const struct sioc_message *m, struct buf *out, struct sioc_str *ret_args)
{
    *ret_args = buf_str(&m->text);
    if (m->offset.len == 0)
        return 0;
    buf_put_str(out, str_part(*ret_args, 0, m->data_len));
    buf_putc(out, ']');
    *ret_args = buf_str(out);
    return out->error;
}

static struct eio_frame *packet_frame(struct sioc_server *server, enum sio_packet_type type,
                                      struct sioc_str nsp, struct sioc_str json)
{
    struct buf *head = &server->scratch;
    buf_reset(head);
    sio_packet_write_head(head, type, 0, nsp, NULL);
    /* "40/chat" needs its comma even when nothing follows: a name runs to the first one. */
    return head->error ? NULL : eio_frame_message(buf_str(head), json, NULL, 0);
}

const struct sio_parser sio_parser_json = {
    .name = "json",
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
