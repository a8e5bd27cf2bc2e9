/* socketio/event.c -- what a handler can ask an event.
 *
 * Arguments are decoded when a handler asks for them, not before; a text that turns out to be
 * malformed is remembered in decode_error, and the client is closed for it after the call
 * (client.c).
 */
#include "socketio/event.h"
#include "base/mem.h"

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

bool sioc_event_replayed(const struct sioc_event *e)
{
    return e->replayed;
}

struct sioc_reply sioc_event_reply(const struct sioc_event *e)
{
    return e->reply;
}

struct sioc_passage sioc_event_passage(const struct sioc_event *e)
{
    return e->passage;
}

uint64_t sioc_event_match(const struct sioc_event *e)
{
    return e->match;
}

struct sioc_str sioc_event_room(const struct sioc_event *e)
{
    return e->room;
}

/* ---- arguments ---- */

static bool is_text_error(int error)
{
    return error == SIOC_ESYNTAX || error == SIOC_EUTF8 || error == SIOC_EDEPTH ||
           error == SIOC_EPROTO || error == SIOC_ELIMIT;
}

void sio_count_payload(struct sioc_server *server, int error)
{
    if (error == SIOC_EDEPTH)
        server->metrics.reject_depth++;
    else if (error == SIOC_ELIMIT)
        server->metrics.reject_values++;
}

struct sioc_packet_data sio_event_data(const struct sioc_event *e)
{
    struct sioc_server *server = e->nsp->server;
    return (struct sioc_packet_data){.bytes = e->args,
                                     .attachments = e->attachments,
                                     .attachment_count = e->attachment_count,
                                     .max_depth = (unsigned)server->options->max_depth,
                                     .max_values = (size_t)server->options->max_values,
                                     .scratch = buf_out(&server->scratch)};
}

static int read_args(struct sioc_event *e, struct sioc_sink *sink, size_t *ret_count)
{
    *ret_count = 0;
    if (e->args.len == 0)
        return 0;
    struct sioc_packet_data data = sio_event_data(e);
    int error = e->parser->read_elements(&data, e->skip, SIZE_MAX, sink, ret_count);
    if (error == 0)
        e->checked = true;
    else if (is_text_error(error))
        e->decode_error = error;
    sio_count_payload(e->nsp->server, error);
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

int sio_event_read_name(const struct sioc_event *e, struct buf *room, struct sioc_str *ret_name)
{
    struct sioc_packet_data data = sio_event_data(e);
    return e->parser->event_name(&data, buf_out(room), ret_name);
}

int sio_event_read_first(const struct sioc_event *e, struct sioc_sink *sink)
{
    struct sioc_packet_data data = sio_event_data(e);
    size_t count = 0;
    if (e->args.len == 0)
        return sioc_put_null(sink);
    int error = e->parser->read_elements(&data, e->skip, e->skip + 1, sink, &count);
    return error == 0 && count == 0 ? sioc_put_null(sink) : error;
}

int sio_event_check(struct sioc_event *e)
{
    size_t count;
    if (e->checked || e->args.len == 0 || (e->parser->flags & SIOC_PARSER_CHECKS))
        return 0;
    return e->decode_error ? e->decode_error : read_args(e, NULL, &count);
}

/* ---- for handlers in C ---- */

/* Arguments that came in another encoding, as JSON. */
struct sio_event_json {
    struct buf text;
    struct json_binaries binaries;
};

void sio_event_deinit(struct sioc_event *e)
{
    if (!e->json)
        return;
    json_binaries_deinit(&e->json->binaries);
    buf_deinit(&e->json->text);
    mem_free(e->json);
    e->json = NULL;
}

/* The event's arguments, without its name, written once. */
static int write_json(struct sioc_event *e)
{
    struct json_writer writer;
    size_t count;
    if (e->json)
        return 0;
    e->json = mem_zalloc(sizeof *e->json);
    if (!e->json)
        return SIOC_ENOMEM;
    struct buf *text = &e->json->text;
    json_writer_init(&writer, text, &e->json->binaries,
                     (unsigned)e->nsp->server->options->max_depth);
    buf_putc(text, '[');
    int error = read_args(e, &writer.sink, &count);
    buf_putc(text, ']');
    if (error == 0)
        error = text->error;
    if (error < 0)
        sio_event_deinit(e);
    return error;
}

static int transcoded_cursor(struct sioc_event *e, struct sioc_cursor *ret_cursor)
{
    int error = write_json(e);
    if (error == 0)
        error = sioc_cursor_init(ret_cursor, buf_str(&e->json->text));
    if (error < 0)
        return error;
    ret_cursor->attachments = e->json->binaries.items;
    ret_cursor->attachment_count = e->json->binaries.count;
    return 0;
}

int sioc_event_cursor(const struct sioc_event *event, struct sioc_cursor *ret_cursor)
{
    struct sioc_event *e = (struct sioc_event *)(uintptr_t)event;
    struct sioc_cursor c;
    int error = sio_event_check(e);
    if (error < 0)
        return error;
    if (e->args.len && !(e->parser->flags & SIOC_PARSER_JSON))
        return transcoded_cursor(e, ret_cursor);
    error = sioc_cursor_init(&c, e->args.len ? e->args : STR("[]"));
    c.attachments = e->attachments;
    c.attachment_count = e->attachment_count;
    for (size_t i = 0; i < e->skip && error == 0 && e->args.len; i++)
        error = sioc_cursor_skip(&c);
    if (error == 0)
        *ret_cursor = c;
    return error;
}
