/* socketio/message.c -- see message.h.
 *
 * One finished message is kept by the server and used again with its buffers, so that the
 * ordinary emit allocates nothing but its frame.  Invariant: a spare message holds no binary
 * references.
 */
#include "socketio/message.h"
#include "base/mem.h"
#include "socketio/parser.h"

#define SPARE_TEXT_MAX 65536 /* a message that grew beyond this is not kept */

static struct sioc_message *take(struct sioc_namespace *nsp)
{
    struct sioc_server *server = nsp->server;
    struct sioc_message *m = server->spare_message;
    if (m) {
        server->spare_message = NULL;
        buf_reset(&m->text);
    } else {
        if (!(m = mem_zalloc(sizeof *m)))
            return NULL;
        buf_init(&m->text);
        buf_init(&m->stack);
    }
    m->server = server;
    m->nsp = nsp;
    m->complete = false;
    m->offset = STR("");
    server->parser->begin(m, (unsigned)server->options->max_depth);
    return m;
}

static void message_destroy(struct sioc_message *m)
{
    json_binaries_deinit(&m->binaries);
    buf_deinit(&m->text);
    buf_deinit(&m->stack);
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
    int error = sioc_put_str(&m->writer.sink, event);
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
    return &m->writer.sink;
}

struct eio_frame *sio_message_frame(struct sioc_message *m, enum sio_packet_type type,
                                    const uint64_t *id, int *ret_error)
{
    return m->server->parser->message_frame(m, type, id, ret_error);
}

struct eio_frame *sio_packet_frame(struct sioc_server *server, enum sio_packet_type type,
                                   struct sioc_str nsp, struct sioc_str json)
{
    return server->parser->packet_frame(server, type, nsp, json);
}
