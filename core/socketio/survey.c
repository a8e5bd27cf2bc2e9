/* socketio/survey.c -- see survey.h. */
#include "socketio/survey.h"
#include "base/mem.h"
#include "socketio/ack.h"
#include "socketio/adopt.h"
#include "socketio/event.h"
#include "socketio/handlers.h"
#include "socketio/parser.h"

#define DEFAULT_TIMEOUT_MS 10000 /* api.md, "Semantics that differ" 2 */

struct sio_survey {
    struct list node; /* in server->surveys */
    struct sioc_namespace *nsp;
    struct sioc_handler handler;
    struct net_timer timer;
    struct list waiting; /* acks, by their `peers` */
    size_t open;         /* how many */
    struct buf answers;  /* '[' and the values so far */
    struct json_binaries binaries;
    struct json_writer writer;
    bool begun;
};

static void finish(struct sio_survey *s, int status)
{
    list_remove(&s->node);
    net_timer_stop(&s->timer);
    while (!list_empty(&s->waiting))
        sio_ack_drop(LIST_ENTRY(s->waiting.next, struct sio_ack, peers));
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
    json_binaries_deinit(&s->binaries);
    buf_deinit(&s->answers);
    sioc_namespace_unref(s->nsp);
    mem_free(s);
}

/* The deadline, or (delay 0) everybody has answered. */
static void on_timer(struct net_timer *timer)
{
    struct sio_survey *s = LIST_ENTRY(timer, struct sio_survey, timer);
    finish(s, s->open ? SIOC_ETIMEDOUT : 0);
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
    if (s->open == 0 && s->begun)
        net_timer_start(s->nsp->server->loop, &s->timer, 0);
}

struct sio_survey *sio_survey_new(struct sioc_namespace *nsp, const struct sioc_emit *emit)
{
    struct sioc_server *server = nsp->server;
    struct sio_survey *s = mem_zalloc(sizeof *s);
    if (!s)
        return NULL;
    s->nsp = nsp;
    sioc_namespace_ref(nsp);
    s->handler = emit->ack;
    list_init(&s->waiting);
    net_timer_init(&s->timer, on_timer);
    buf_init(&s->answers);
    buf_putc(&s->answers, '[');
    json_writer_init(&s->writer, &s->answers, &s->binaries,
                     (unsigned)server->options->max_depth);
    net_timer_start(server->loop, &s->timer,
                    emit->timeout_ms ? emit->timeout_ms : DEFAULT_TIMEOUT_MS);
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
    if (s->open == 0)
        net_timer_start(s->nsp->server->loop, &s->timer, 0);
}

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
