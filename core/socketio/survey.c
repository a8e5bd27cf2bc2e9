/* socketio/survey.c -- see survey.h. */
#include "socketio/survey.h"
#include "base/mem.h"
#include "socketio/ack.h"
#include "socketio/adopt.h"
#include "socketio/event.h"
#include "socketio/handlers.h"
#include "socketio/parser.h"
#include <sioc/adapter.h>

#define DEFAULT_TIMEOUT_MS 10000 /* api.md, "Semantics that differ" 2 */

struct sio_survey {
    struct list node; /* in server->surveys */
    uint64_t handle;
    uint64_t deadline_ms;
    struct sioc_namespace *nsp;
    struct sioc_handler handler;
    struct net_timer timer;
    struct list waiting; /* acks, by their `peers` */
    size_t open;         /* answers that are missing, also those that adapters wait for */
    struct buf answers;  /* '[' and the values so far */
    struct json_binaries binaries;
    struct json_writer writer;
    bool begun, ended;
    int status; /* if it has ended */
};

uint64_t sio_survey_handle(const struct sio_survey *s)
{
    return s->handle;
}

struct sio_survey *sio_survey_find(const struct sioc_server *server, uint64_t handle)
{
    return handle_get(&server->survey_handles, handle);
}

/* Nobody finds it any more. */
static void retire(struct sio_survey *s)
{
    list_remove(&s->node);
    handle_remove(&s->nsp->server->survey_handles, s->handle);
    net_timer_stop(&s->timer);
    while (!list_empty(&s->waiting))
        sio_ack_drop(LIST_ENTRY(s->waiting.next, struct sio_ack, peers));
}

static void survey_free(struct sio_survey *s)
{
    json_binaries_deinit(&s->binaries);
    buf_deinit(&s->answers);
    sioc_namespace_unref(s->nsp);
    mem_free(s);
}

static void finish(struct sio_survey *s, int status)
{
    retire(s);
    buf_putc(&s->answers, ']');
    struct sioc_event event = {.kind = SIOC_EVENT_ACK,
                               .nsp = s->nsp,
                               .parser = &sio_parser_json,
                               .args = s->answers.error ? STR("[]") : buf_str(&s->answers),
                               .attachments = s->binaries.items,
                               .attachment_count = s->binaries.count,
                               .status = s->answers.error ? s->answers.error : status};
    s->handler.call(s->handler.user, s->handler.ref, &event);
    sio_handler_drop(&s->handler);
    survey_free(s);
}

void sio_survey_cancel(struct sio_survey *s)
{
    retire(s);
    survey_free(s);
}

/* The deadline, or (delay 0) everybody has answered; an adapter may have changed its mind. */
static void on_timer(struct net_timer *timer)
{
    struct sio_survey *s = LIST_ENTRY(timer, struct sio_survey, timer);
    struct net_loop *loop = s->nsp->server->loop;
    uint64_t now = net_loop_now_ms(loop);
    if (s->ended)
        finish(s, s->status);
    else if (s->open == 0)
        finish(s, 0);
    else if (now >= s->deadline_ms)
        finish(s, SIOC_ETIMEDOUT);
    else
        net_timer_start(loop, timer, s->deadline_ms - now);
}

/* It ends soon, if nothing is missing. */
static void settle(struct sio_survey *s)
{
    if (s->ended || (s->open == 0 && s->begun))
        net_timer_start(s->nsp->server->loop, &s->timer, 0);
}

/* Decoded and encoded again, so that attachments get numbers of their own. */
static void keep_first_argument(struct sio_survey *s, const struct sioc_event *event)
{
    sio_event_read_first(event, &s->writer.sink); /* null: it answered, with nothing */
}

static void on_answer(void *user, intptr_t ref, struct sioc_event *event)
{
    struct sio_survey *s = user;
    (void)ref;
    s->open--;
    if (event->status == 0)
        keep_first_argument(s, event);
    settle(s);
}

struct sio_survey *sio_survey_new(struct sioc_namespace *nsp, const struct sioc_emit *emit)
{
    struct sioc_server *server = nsp->server;
    struct sio_survey *s = mem_zalloc(sizeof *s);
    if (!s || handle_add(&server->survey_handles, s, &s->handle) < 0) {
        mem_free(s);
        return NULL;
    }
    s->nsp = nsp;
    sioc_namespace_ref(nsp);
    s->handler = emit->ack;
    list_init(&s->waiting);
    net_timer_init(&s->timer, on_timer);
    buf_init(&s->answers);
    buf_putc(&s->answers, '[');
    json_writer_init(&s->writer, &s->answers, &s->binaries,
                     (unsigned)server->options->max_depth);
    uint64_t timeout = emit->timeout_ms ? emit->timeout_ms : DEFAULT_TIMEOUT_MS;
    s->deadline_ms = net_loop_now_ms(server->loop) + timeout;
    net_timer_start(server->loop, &s->timer, timeout);
    list_append(&server->surveys, &s->node);
    return s;
}

int sio_survey_ask(struct sio_survey *s, struct sioc_socket *socket, uint64_t id)
{
    struct sioc_emit emit = {.ack = {.call = on_answer, .user = s}};
    int error = sio_ack_wait(socket, id, &emit);
    if (error < 0)
        return error;
    list_append(&s->waiting, &LIST_ENTRY(socket->acks.prev, struct sio_ack, node)->peers);
    s->open++;
    return 0;
}

void sio_survey_unask(struct sio_survey *s, struct sioc_socket *socket, uint64_t id)
{
    sio_ack_forget(socket, id);
    s->open--;
}

void sio_survey_begin(struct sio_survey *s)
{
    s->begun = true;
    settle(s);
}

/* ---- what adapters know ---- */

int sioc_survey_expect(struct sioc_server *server, uint64_t handle, size_t count)
{
    struct sio_survey *s = sio_survey_find(server, handle);
    if (!s || s->ended)
        return SIOC_ECLOSED;
    s->open += count;
    return 0;
}

int sioc_survey_less(struct sioc_server *server, uint64_t handle, size_t count)
{
    struct sio_survey *s = sio_survey_find(server, handle);
    if (!s || s->ended)
        return SIOC_ECLOSED;
    s->open -= count < s->open ? count : s->open;
    settle(s);
    return 0;
}

/* Half a value is as good as none. */
static int take_answer(struct sio_survey *s, int (*put)(void *user, struct sioc_sink *sink),
                       void *user)
{
    const struct json_writer before = s->writer;
    size_t len = s->answers.len, binaries = s->binaries.count;
    int error = s->answers.error;
    int result = put(user, &s->writer.sink);
    if (result >= 0 && s->writer.depth == 0)
        return 0;
    while (s->binaries.count > binaries)
        sioc_buffer_unref(s->binaries.items[--s->binaries.count]);
    s->answers.len = len;
    s->answers.error = error;
    s->writer = before;
    sioc_put_null(&s->writer.sink);
    return result < 0 ? result : SIOC_EINVAL;
}

int sioc_survey_answer(struct sioc_server *server, uint64_t handle,
                       int (*put)(void *user, struct sioc_sink *sink), void *user)
{
    struct sio_survey *s = sio_survey_find(server, handle);
    if (!s || s->ended || s->open == 0)
        return SIOC_ECLOSED;
    int result = take_answer(s, put, user);
    s->open--;
    settle(s);
    return result;
}

int sioc_survey_end(struct sioc_server *server, uint64_t handle, int status)
{
    struct sio_survey *s = sio_survey_find(server, handle);
    if (!s || s->ended)
        return SIOC_ECLOSED;
    s->ended = true;
    s->status = status;
    settle(s);
    return 0;
}

/* ---- the server's end, and a host's ---- */

void sio_surveys_end(struct sioc_server *server)
{
    while (!list_empty(&server->surveys))
        finish(LIST_ENTRY(server->surveys.next, struct sio_survey, node), SIOC_ECLOSED);
}

void sio_surveys_forget(struct sioc_server *server,
                        bool (*mine)(void *user, const struct sioc_handler *handler),
                        void *user)
{
    for (struct list *l = server->surveys.next; l != &server->surveys; l = l->next) {
        struct sio_survey *s = LIST_ENTRY(l, struct sio_survey, node);
        if (mine(user, &s->handler))
            sio_handler_forget(&s->handler);
    }
}
