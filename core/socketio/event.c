/* socketio/event.c -- what a handler can ask an event.
 *
 * Arguments are decoded when a handler asks for them, not before; a text that turns out to be
 * malformed is remembered in decode_error, and the client is closed for it after the call
 * (client.c).
 */
#include "socketio/event.h"
#include "codec/json_read.h"
#include "socketio/socket.h"

enum sioc_event_kind sioc_event_kind(const struct sioc_event *e)
{
    return e->kind;
}

struct sioc_socket *sioc_event_socket(const struct sioc_event *e)
{
    return e->socket;
}

struct sioc_namespace *sioc_event_namespace(const struct sioc_event *e)
{
    return e->nsp;
}

struct sioc_str sioc_event_name(const struct sioc_event *e)
{
    return e->name;
}

struct sioc_str sioc_event_reason(const struct sioc_event *e)
{
    return sioc_str(e->reason ? e->reason : "");
}

struct sioc_str sioc_event_details(const struct sioc_event *e)
{
    return sioc_str(e->details ? e->details : "");
}

int sioc_event_status(const struct sioc_event *e)
{
    return e->status;
}

struct sioc_reply sioc_event_reply(const struct sioc_event *e)
{
    return e->reply;
}

struct sioc_passage sioc_event_passage(const struct sioc_event *e)
{
    return e->passage;
}

/* ---- arguments ---- */

static bool is_text_error(int error)
{
    return error == SIOC_ESYNTAX || error == SIOC_EUTF8 || error == SIOC_EDEPTH ||
           error == SIOC_EPROTO;
}

static int read_args(struct sioc_event *e, struct sioc_sink *sink, size_t *ret_count)
{
    *ret_count = 0;
    if (e->args.len == 0)
        return 0;
    struct sioc_server *server = e->nsp->server;
    struct json_reader reader = {.max_depth = (unsigned)server->options->max_depth,
                                 .scratch = &server->scratch,
                                 .attachments = e->attachments,
                                 .attachment_count = e->attachment_count};
    int error = json_read_elements(&reader, e->args, e->skip, sink, ret_count);
    if (error == 0)
        e->checked = true;
    else if (is_text_error(error))
        e->decode_error = error;
    return error;
}

int sioc_event_read(const struct sioc_event *event, struct sioc_sink *sink, size_t *ret_count)
{
    /* The event is ours and lives on our stack; const is the handler's view of it. */
    struct sioc_event *e = (struct sioc_event *)(uintptr_t)event;
    size_t count;
    int error = read_args(e, sink, &count);
    if (error == 0 && ret_count)
        *ret_count = count;
    return error;
}

int sio_event_check(struct sioc_event *e)
{
    size_t count;
    if (e->checked || e->args.len == 0)
        return 0;
    return e->decode_error ? e->decode_error : read_args(e, NULL, &count);
}

int sioc_event_cursor(const struct sioc_event *event, struct sioc_cursor *ret_cursor)
{
    struct sioc_event *e = (struct sioc_event *)(uintptr_t)event;
    struct sioc_cursor c;
    int error = sio_event_check(e);
    if (error < 0)
        return error;
    error = sioc_cursor_init(&c, e->args.len ? e->args : STR("[]"));
    c.attachments = e->attachments;
    c.attachment_count = e->attachment_count;
    for (size_t i = 0; i < e->skip && error == 0 && e->args.len; i++)
        error = sioc_cursor_skip(&c);
    if (error == 0)
        *ret_cursor = c;
    return error;
}

/* ---- one string ---- */

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

int sio_json_unescape(struct sioc_str json_string, struct buf *out)
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
