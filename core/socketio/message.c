/* socketio/message.c -- see message.h.
 *
 * One finished message is kept by the server and used again with its buffers, so that the
 * ordinary emit allocates nothing but its frame.  Invariant: a spare message holds no binary
 * references.
 */
#include "socketio/message.h"
#include "base/mem.h"
#include <sioc/adapter.h>

#define SPARE_TEXT_MAX 65536 /* a message that grew beyond this is not kept */

static struct sioc_message *take(struct sioc_namespace *nsp)
{
    struct sioc_server *server = nsp->server;
    struct sioc_message *m = server->spare_message;
    if (m) {
        server->spare_message = NULL;
        buf_reset(&m->text);
    } else {
        if (!(m = mem_zalloc(sizeof *m + server->parser->encoder_bytes)))
            return NULL;
        buf_init(&m->text);
    }
    m->server = server;
    m->nsp = nsp;
    m->complete = false;
    m->offset = sioc_str_n(NULL, 0);
    const struct sioc_encoding to = {.out = buf_out(&m->text),
                                     .attachments = json_attachments(&m->binaries),
                                     .max_depth = (unsigned)server->options->max_depth};
    m->sink = server->parser->begin(m->encoder, &to);
    return m;
}

static void message_destroy(struct sioc_message *m)
{
    if (m->server->parser->release)
        m->server->parser->release(m->encoder);
    json_binaries_deinit(&m->binaries);
    buf_deinit(&m->text);
    mem_free(m);
}

void sioc_message_free(struct sioc_message *m)
{
    if (!m)
        return;
    struct sioc_server *server = m->server;
    json_binaries_clear(&m->binaries);
    if (server->spare_message || m->text.cap > SPARE_TEXT_MAX)
        message_destroy(m);
    else
        server->spare_message = m;
}

void sio_message_drop_spare(struct sioc_server *server)
{
    if (server->spare_message)
        message_destroy(server->spare_message);
    server->spare_message = NULL;
}

int sioc_message_new(struct sioc_namespace *nsp, struct sioc_str event,
                     struct sioc_message **ret_message)
{
    if (sio_event_is_reserved(event))
        return SIOC_ERESERVED;
    struct sioc_message *m = take(nsp);
    if (!m)
        return SIOC_ENOMEM;
    int error = sioc_put_str(m->sink, event);
    if (error < 0) {
        sioc_message_free(m);
        return error;
    }
    *ret_message = m;
    return 0;
}

int sioc_message_new_answer(struct sioc_namespace *nsp, struct sioc_message **ret_message)
{
    struct sioc_message *m = take(nsp);
    if (!m)
        return SIOC_ENOMEM;
    *ret_message = m;
    return 0;
}

struct sioc_sink *sioc_message_sink(struct sioc_message *m)
{
    return m->sink;
}

/* ---- frames ---- */

static struct eio_frame *frame_of(int kind, struct sioc_str head, const struct buf *body,
                                  const struct json_binaries *binaries)
{
    if (kind == SIOC_PARSER_BINARY)
        return eio_frame_binary(head, buf_str(body), binaries->items, binaries->count);
    return eio_frame_message(head, buf_str(body), binaries->items, binaries->count);
}

int sio_message_complete(struct sioc_message *m)
{
    if (!m->complete)
        m->data_len = m->text.len;
    m->complete = true;
    return m->text.error;
}

/* Completes the packet: what stands before its elements is in the server's scratch, and good
 * until that is used.  The kind of message, or an error. */
static int finish(struct sioc_message *m, enum sioc_packet_type type, const uint64_t *id)
{
    struct buf *before = &m->server->scratch;
    const struct sioc_packet_head head = {.type = type,
                                          .nsp = sio_namespace_name(m->nsp),
                                          .has_id = id != NULL,
                                          .id = id ? *id : 0,
                                          .attachments = m->binaries.count,
                                          .more = m->offset};
    sio_message_complete(m);
    m->text.len = m->data_len; /* without what another namespace's frame has put behind it */
    buf_reset(before);
    int kind = m->server->parser->finish(m->encoder, &head, buf_out(before), buf_out(&m->text));
    return m->text.error ? m->text.error : before->error ? before->error : kind;
}

struct eio_frame *sio_message_frame(struct sioc_message *m, enum sioc_packet_type type,
                                    const uint64_t *id, int *ret_error)
{
    int kind = finish(m, type, id);
    *ret_error = kind < 0 ? kind : SIOC_ENOMEM;
    return kind < 0 ? NULL
                    : frame_of(kind, buf_str(&m->server->scratch), &m->text, &m->binaries);
}

int sio_message_send(struct sioc_message *m, enum sioc_packet_type type, const uint64_t *id,
                     struct eio_session *session, bool no_compress)
{
    int kind = finish(m, type, id);
    if (kind < 0)
        return kind;
    struct sioc_str before = buf_str(&m->server->scratch);
    if (m->binaries.count == 0)
        return eio_session_send_own(session, kind == SIOC_PARSER_BINARY, before, &m->text,
                                    no_compress);
    struct eio_frame *frame = frame_of(kind, before, &m->text, &m->binaries);
    if (!frame)
        return SIOC_ENOMEM;
    frame->no_compress = no_compress;
    int error = eio_session_send(session, frame);
    eio_frame_unref(frame);
    return error;
}

int sio_message_reread(const struct sioc_message *m, struct buf *room,
                       struct sioc_str *ret_args)
{
    struct sioc_str elements = str_part(buf_str(&m->text), 0, m->data_len);
    /* The encoder is the message's, and lets itself be read. */
    void *encoder = (void *)(uintptr_t)m->encoder;
    return m->server->parser->reread(encoder, elements, buf_out(room), ret_args);
}

struct eio_frame *sio_packet_frame(struct sioc_server *server, enum sioc_packet_type type,
                                   struct sioc_str nsp, struct sioc_str json)
{
    const struct sioc_packet_head head = {.type = type, .nsp = nsp};
    const struct json_binaries none = {0};
    struct buf *out = &server->scratch;
    buf_reset(out);
    int kind =
        server->parser->write(&head, json, (unsigned)server->options->max_depth, buf_out(out));
    return kind < 0 || out->error ? NULL : frame_of(kind, STR(""), out, &none);
}

/* ---- reading it again ---- */

int sioc_message_read(struct sioc_message *m, struct sioc_sink *sink, size_t *ret_count)
{
    struct sioc_server *server = m->server;
    size_t count = 0;
    struct sioc_packet_data data = {.attachments = m->binaries.items,
                                    .attachment_count = m->binaries.count,
                                    .max_depth = (unsigned)server->options->max_depth,
                                    .scratch = buf_out(&server->scratch)};
    struct buf room;
    int error = sio_message_complete(m);
    buf_init(&room);
    if (error == 0)
        error = sio_message_reread(m, &room, &data.bytes);
    if (error == 0)
        error = server->parser->read_elements(&data, 0, SIZE_MAX, sink, &count);
    buf_deinit(&room);
    if (error == 0 && ret_count)
        *ret_count = count;
    return error;
}
