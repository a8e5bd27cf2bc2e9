/* socketio/test_client.c -- <sioc/test.h>: a client in this process.
 *
 * What it sends is made by the server's own encoder, whose events have the form that a client's
 * have, and goes to its session packet by packet.  What the session sends is kept as frames,
 * and read by the server's own parser when somebody asks.  So nothing here knows an encoding.
 * Invariant: a frame waits in `queue`, or is `current`; what was given out points into that
 * one.
 */
#include "base/mem.h"
#include "engineio/local.h"
#include "socketio/event.h"
#include "socketio/message.h"
#include "socketio/namespace.h"
#include <sioc/test.h>

#define MAX_HANDSHAKE_BYTES 32768

struct waiting {
    struct list node;
    struct eio_frame *frame;
};

struct sioc_test_client {
    struct eio_local local; /* first */
    struct sioc_server *server;
    void (*arrived)(void *user);
    void *user;
    struct net_task task;
    struct net_garbage garbage;
    bool closed; /* by its owner */

    struct list queue;
    size_t queued_bytes;
    struct eio_frame *current;
    struct json_binaries attachments; /* of current */
    struct sioc_event event;
    struct buf name, json;
};

/* ---- the server's counters ---- */

struct sio_tests {
    size_t count;
    struct metrics before;
    uint64_t last_client;
};

static int tests_begin(struct sioc_server *server)
{
    if (!server->tests) {
        server->tests = mem_zalloc(sizeof *server->tests);
        if (!server->tests)
            return SIOC_ENOMEM;
        server->tests->before = server->metrics;
        server->tests->last_client = server->last_client;
    }
    server->tests->count++;
    return 0;
}

static void tests_end(struct sioc_server *server)
{
    if (--server->tests->count > 0)
        return;
    server->metrics = server->tests->before;
    server->last_client = server->tests->last_client;
    mem_free(server->tests);
    server->tests = NULL;
}

/* ---- its side of the session ---- */

static struct sioc_test_client *client_of(struct eio_local *local)
{
    return (struct sioc_test_client *)(void *)local;
}

static int on_frame(struct eio_local *local, struct eio_frame *frame)
{
    struct sioc_test_client *c = client_of(local);
    if (c->queued_bytes + frame->chunk.len > SIOC_TEST_MAX_BYTES)
        return SIOC_EFULL;
    struct waiting *w = mem_alloc(sizeof *w);
    if (!w)
        return SIOC_ENOMEM;
    w->frame = eio_frame_ref(frame);
    list_append(&c->queue, &w->node);
    c->queued_bytes += frame->chunk.len;
    net_task_add(c->server->loop, &c->task);
    return 0;
}

static void on_gone(struct eio_local *local)
{
    struct sioc_test_client *c = client_of(local);
    if (!c->closed)
        net_task_add(c->server->loop, &c->task);
}

static void on_task(struct net_task *task)
{
    struct sioc_test_client *c = LIST_ENTRY(task, struct sioc_test_client, task);
    if (c->arrived)
        c->arrived(c->user);
}

/* Gives the packets of a frame to the session, as if they had come from outside.  The frame is
 * the caller's. */
static void send_frame(struct sioc_test_client *c, const struct eio_frame *frame)
{
    struct sioc_str packet;
    size_t pos = 0;
    bool binary;
    while (c->local.session && eio_frame_next(frame, &pos, &binary, &packet)) {
        if (binary)
            eio_session_receive_binary(c->local.session, packet);
        else
            eio_session_receive_text(c->local.session, packet);
    }
}

/* ---- life ---- */

static size_t size_of(const struct sioc_test_handshake *h)
{
    size_t size = h->query.len + h->address.len;
    for (size_t i = 0; i < h->header_count; i++)
        size += h->headers[i].name.len + h->headers[i].value.len + sizeof(struct http_header);
    return size;
}

static struct eio_handshake *make_handshake(const struct sioc_server *server,
                                            const struct sioc_test_handshake *h)
{
    struct eio_handshake *made = NULL;
    struct buf url;
    struct http_header *headers = mem_alloc((h->header_count + 1) * sizeof(struct http_header));
    buf_init(&url);
    buf_put_str(&url, sioc_str(server->options->path));
    buf_put_str(&url, STR("?EIO=4&transport=websocket"));
    if (h->query.len) {
        buf_putc(&url, '&');
        buf_put_str(&url, h->query);
    }
    for (size_t i = 0; headers && i < h->header_count; i++)
        headers[i] = (struct http_header){h->headers[i].name, h->headers[i].value};
    if (headers && !url.error)
        made = eio_handshake_of(server->loop, buf_str(&url),
                                h->address.ptr ? h->address : STR("127.0.0.1"), headers,
                                h->header_count);
    mem_free(headers);
    buf_deinit(&url);
    return made;
}

int sioc_test_open(struct sioc_server *server, const struct sioc_test_handshake *handshake,
                   void (*arrived)(void *user), void *user,
                   struct sioc_test_client **ret_client)
{
    static const struct sioc_test_handshake nothing = {.query = {NULL, 0}};
    const struct sioc_test_handshake *h = handshake ? handshake : &nothing;
    if (server->address_count > 0 || server->closing)
        return SIOC_ESTATE;
    if (size_of(h) > MAX_HANDSHAKE_BYTES || h->address.len > UINT8_MAX)
        return SIOC_ETOOBIG;
    struct sioc_test_client *c = mem_zalloc(sizeof *c);
    if (!c || tests_begin(server) < 0) {
        mem_free(c);
        return SIOC_ENOMEM;
    }
    c->local = (struct eio_local){.send = on_frame, .gone = on_gone};
    c->server = server;
    c->arrived = arrived;
    c->user = user;
    net_task_init(&c->task, on_task);
    list_init(&c->queue);
    buf_init(&c->name);
    buf_init(&c->json);
    if (eio_local_open(&server->engine, make_handshake(server, h), &c->local) < 0) {
        sioc_test_close(c);
        return SIOC_ENOMEM;
    }
    *ret_client = c;
    return 0;
}

/* What was given out last. */
static void drop_current(struct sioc_test_client *c)
{
    sio_event_deinit(&c->event);
    json_binaries_clear(&c->attachments);
    eio_frame_unref(c->current);
    c->current = NULL;
}

static struct eio_frame *take_frame(struct sioc_test_client *c)
{
    struct list *node = list_pop(&c->queue);
    if (!node)
        return NULL;
    struct waiting *w = LIST_ENTRY(node, struct waiting, node);
    struct eio_frame *frame = w->frame;
    mem_free(w);
    c->queued_bytes -= frame->chunk.len;
    return frame;
}

static void client_free(struct net_loop *loop, struct net_garbage *garbage)
{
    (void)loop;
    mem_free((char *)garbage - offsetof(struct sioc_test_client, garbage));
}

void sioc_test_close(struct sioc_test_client *c)
{
    if (!c || c->closed)
        return;
    c->closed = true;
    if (c->local.session)
        eio_session_fail(c->local.session, "transport close", "");
    net_task_cancel(&c->task);
    drop_current(c);
    while ((c->current = take_frame(c)))
        eio_frame_unref(c->current);
    json_binaries_deinit(&c->attachments);
    buf_deinit(&c->name);
    buf_deinit(&c->json);
    tests_end(c->server);
    net_loop_discard(c->server->loop, &c->garbage,
                     client_free); /* it may be sending just now */
}

bool sioc_test_is_open(const struct sioc_test_client *c)
{
    return c->local.session != NULL;
}

/* ---- sending ---- */

static int send_packet(struct sioc_test_client *c, enum sioc_packet_type type,
                       struct sioc_str nsp, struct sioc_str json)
{
    if (!c->local.session)
        return SIOC_ECLOSED;
    struct eio_frame *frame = sio_packet_frame(c->server, type, nsp, json);
    if (!frame)
        return SIOC_ENOMEM;
    send_frame(c, frame);
    eio_frame_unref(frame);
    return 0;
}

int sioc_test_connect(struct sioc_test_client *c, struct sioc_str nsp,
                      struct sioc_str auth_json)
{
    return send_packet(c, SIOC_PACKET_CONNECT, nsp, auth_json.ptr ? auth_json : STR(""));
}

int sioc_test_disconnect(struct sioc_test_client *c, struct sioc_str nsp)
{
    return send_packet(c, SIOC_PACKET_DISCONNECT, nsp, STR(""));
}

static int send_message(struct sioc_test_client *c, struct sioc_message *m,
                        enum sioc_packet_type type, const uint64_t *id)
{
    int error = SIOC_ECLOSED;
    struct eio_frame *frame = c->local.session ? sio_message_frame(m, type, id, &error) : NULL;
    sioc_message_free(m);
    if (!frame)
        return error;
    send_frame(c, frame);
    eio_frame_unref(frame);
    return 0;
}

int sioc_test_send(struct sioc_test_client *c, struct sioc_message *m, const uint64_t *ack_id)
{
    return send_message(c, m, SIOC_PACKET_EVENT, ack_id);
}

int sioc_test_answer(struct sioc_test_client *c, struct sioc_message *m, uint64_t ack_id)
{
    return send_message(c, m, SIOC_PACKET_ACK, &ack_id);
}

/* ---- what it gets ---- */

/* The attachments, which follow in the frame. */
static int take_attachments(struct sioc_test_client *c, size_t *pos)
{
    struct json_binaries *all = &c->attachments;
    struct sioc_str bytes;
    bool binary;
    while (eio_frame_next(c->current, pos, &binary, &bytes)) {
        struct sioc_buffer *b = sioc_buffer_new(bytes);
        if (!b || mem_grow((void **)&all->items, &all->cap, all->count + 1,
                           sizeof(struct sioc_buffer *)) < 0) {
            sioc_buffer_unref(b);
            return SIOC_ENOMEM;
        }
        all->items[all->count++] = b;
    }
    return 0;
}

static int take_event(struct sioc_test_client *c, const struct sioc_packet *p,
                      struct sioc_test_packet *ret)
{
    struct sioc_namespace *nsp = sio_namespace_find(c->server, p->nsp);
    bool answer = ret->kind == SIOC_TEST_ANSWER;
    c->event = (struct sioc_event){.kind = SIOC_EVENT_CLIENT,
                                   .nsp = nsp ? nsp : c->server->root, /* it may have closed */
                                   .parser = c->server->parser,
                                   .args = p->data,
                                   .skip = answer ? 0 : 1,
                                   .attachments = c->attachments.items,
                                   .attachment_count = c->attachments.count};
    ret->event = &c->event;
    buf_reset(&c->name);
    return answer ? 0 : sio_event_read_name(&c->event, &c->name, &c->event.name);
}

static int take_json(struct sioc_test_client *c, const struct sioc_packet *p,
                     struct sioc_test_packet *ret)
{
    struct json_writer writer;
    buf_reset(&c->json);
    json_writer_init(&writer, &c->json, NULL, (unsigned)c->server->options->max_depth);
    c->event = (struct sioc_event){.nsp = c->server->root, .args = p->data};
    struct sioc_packet_data data = sio_event_data(&c->event);
    int error = p->data.len ? c->server->parser->read_value(&data, &writer.sink) : 0;
    ret->json = buf_str(&c->json);
    return error < 0 ? error : c->json.error;
}

/* A Socket.IO packet; *pos is behind it in the current frame. */
static int take_packet(struct sioc_test_client *c, struct sioc_str message, bool binary,
                       size_t *pos, struct sioc_test_packet *ret)
{
    const struct sioc_options *o = c->server->options;
    const struct sioc_packet_limits limits = {(uint32_t)o->max_attachments,
                                              (unsigned)o->max_depth};
    const char *why;
    struct sioc_packet p;
    int error = take_attachments(c, pos);
    if (error == 0)
        error = c->server->parser->read(message, binary, &limits, &p, &why);
    if (error < 0)
        return error;
    *ret = (struct sioc_test_packet){.nsp = p.nsp, .has_id = p.has_id, .id = p.id};
    switch (p.type) {
    case SIOC_PACKET_CONNECT:
        ret->kind = SIOC_TEST_CONNECTED;
        return take_json(c, &p, ret);
    case SIOC_PACKET_CONNECT_ERROR:
        ret->kind = SIOC_TEST_REFUSED;
        return take_json(c, &p, ret);
    case SIOC_PACKET_DISCONNECT:
        ret->kind = SIOC_TEST_DISCONNECTED;
        return 0;
    case SIOC_PACKET_ACK:
        ret->kind = SIOC_TEST_ANSWER;
        return take_event(c, &p, ret);
    case SIOC_PACKET_EVENT:
    default:
        ret->kind = SIOC_TEST_EVENT;
        return take_event(c, &p, ret);
    }
}

int sioc_test_next(struct sioc_test_client *c, struct sioc_test_packet *ret)
{
    *ret = (struct sioc_test_packet){.kind = SIOC_TEST_NOTHING};
    for (;;) {
        struct sioc_str packet;
        size_t pos = 0;
        bool binary;
        drop_current(c);
        c->current = take_frame(c);
        if (!c->current)
            break;
        if (!eio_frame_next(c->current, &pos, &binary, &packet))
            continue;
        if (!binary && packet.ptr[0] != '4')
            continue; /* the session's own: open, close */
        return take_packet(c, binary ? packet : str_from(packet, 1), binary, &pos, ret);
    }
    if (!c->local.session)
        ret->kind = SIOC_TEST_CLOSED;
    return 0;
}
