/* socketio/servers.c -- events between the servers of a cluster.
 *
 * The local adapter has no peers: nobody is told, and nobody answers.  Adapters that have some
 * come in here: they send what a script emits, and hand in what other servers have sent.
 * Invariant: a question is in the table until it is answered, or its time is over.
 */
#include "socketio/servers.h"
#include "base/mem.h"
#include "socketio/adapter.h"
#include "socketio/adopt.h"
#include "socketio/event.h"
#include "socketio/handlers.h"
#include "socketio/message.h"
#include "socketio/survey.h"

#define QUESTION_MS 60000 /* longer than anybody waits: a handler that never answers */

/* ---- out ---- */

static bool is_reserved(struct sioc_str event)
{
    static const char *const reserved[] = {"connect", "connection", "new_namespace"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (str_eq(event, sioc_str(reserved[i])))
            return true;
    return false;
}

int sioc_message_new_for_servers(struct sioc_namespace *nsp, struct sioc_str event,
                                 struct sioc_message **ret_message)
{
    if (is_reserved(event))
        return SIOC_ERESERVED;
    struct sioc_message *m;
    int error = sioc_message_new_answer(nsp, &m);
    if (error < 0)
        return error;
    if ((error = sioc_put_str(sioc_message_sink(m), event)) < 0) {
        sioc_message_free(m);
        return error;
    }
    *ret_message = m;
    return 0;
}

/* How many are told. */
static int tell(struct sioc_namespace *nsp, struct sioc_message *m, uint64_t survey)
{
    struct sioc_adapter *adapter = nsp->adapter;
    return adapter && adapter->ops->server_side_emit
               ? adapter->ops->server_side_emit(adapter, m, survey)
               : 0;
}

static int ask(struct sioc_namespace *nsp, struct sioc_message *m, const struct sioc_emit *emit)
{
    struct sio_survey *survey = sio_survey_new(nsp, emit);
    if (!survey)
        return SIOC_ENOMEM;
    int told = tell(nsp, m, sio_survey_handle(survey));
    if (told < 0)
        sio_survey_cancel(survey);
    else
        sio_survey_begin(survey);
    return told;
}

int sioc_server_side_emit(struct sioc_namespace *nsp, struct sioc_message *m,
                          const struct sioc_emit *emit)
{
    int result = sio_message_complete(m);
    if (result == 0)
        result = emit && emit->ack.call ? ask(nsp, m, emit) : tell(nsp, m, 0);
    sioc_message_free(m);
    return result;
}

/* ---- in ---- */

struct question {
    struct sioc_server *server;
    struct sioc_namespace *nsp;
    struct sioc_handler reply;
    struct net_timer timer;
    uint64_t handle;
};

/* Out of the table; the reply is the caller's. */
static struct sioc_handler question_take(struct question *q)
{
    struct sioc_handler reply = q->reply;
    handle_remove(&q->server->questions, q->handle);
    net_timer_stop(&q->timer);
    sioc_namespace_unref(q->nsp);
    mem_free(q);
    return reply;
}

static void question_drop(struct question *q)
{
    struct sioc_handler reply = question_take(q);
    sio_handler_drop(&reply);
}

static void on_timeout(struct net_timer *timer)
{
    question_drop(LIST_ENTRY(timer, struct question, timer));
}

/* reply: taken on success. */
static struct question *question_new(struct sioc_namespace *nsp,
                                     const struct sioc_handler *reply)
{
    struct question *q = mem_zalloc(sizeof *q);
    if (!q || handle_add(&nsp->server->questions, q, &q->handle) < 0) {
        mem_free(q);
        return NULL;
    }
    q->server = nsp->server;
    q->nsp = nsp;
    q->reply = *reply;
    sioc_namespace_ref(nsp);
    net_timer_init(&q->timer, on_timeout);
    net_timer_start(nsp->server->loop, &q->timer, QUESTION_MS);
    return q;
}

/* Whether anybody listens. */
static bool call(struct sioc_namespace *nsp, struct sioc_event *event)
{
    struct sioc_namespace *parent = nsp->parent;
    bool heard = sio_listeners_have(nsp->servers, event->name) ||
                 (parent && sio_listeners_have(parent->servers, event->name));
    if (parent)
        sio_listeners_call(&parent->servers, event->name, event);
    sio_listeners_call(&nsp->servers, event->name, event);
    return heard;
}

int sioc_servers_event(struct sioc_namespace *nsp, struct sioc_message *m,
                       const struct sioc_handler *reply)
{
    struct question *q = reply ? question_new(nsp, reply) : NULL;
    struct sioc_event event = {.kind = SIOC_EVENT_SERVERS,
                               .nsp = nsp,
                               .parser = m->server->parser,
                               .skip = 1,
                               .attachments = m->binaries.items,
                               .attachment_count = m->binaries.count,
                               .reply = {.id = q ? q->handle : 0, .wanted = q != NULL}};
    struct buf args, unescaped;
    int error = reply && !q ? SIOC_ENOMEM : sio_message_complete(m);
    if (reply && !q)
        sio_handler_drop(reply);
    buf_init(&args);
    buf_init(&unescaped);
    if (error == 0)
        error = sio_message_reread(m, &args, &event.args);
    if (error == 0)
        error = sio_event_read_name(&event, &unescaped, &event.name);
    bool heard = error == 0 && call(nsp, &event);
    if (q && !heard)
        question_drop(q);
    sio_event_deinit(&event);
    buf_deinit(&unescaped);
    buf_deinit(&args);
    sioc_message_free(m);
    return error;
}

int sio_servers_answer(struct sioc_server *server, uint64_t question, struct sioc_message *m)
{
    struct question *q = handle_get(&server->questions, question);
    struct sioc_event event = {.kind = SIOC_EVENT_ACK,
                               .nsp = m->nsp,
                               .parser = server->parser,
                               .attachments = m->binaries.items,
                               .attachment_count = m->binaries.count};
    struct buf args;
    int error = q ? sio_message_complete(m) : SIOC_ESTATE;
    buf_init(&args);
    if (error == 0)
        error = sio_message_reread(m, &args, &event.args);
    if (error == 0) {
        struct sioc_handler reply = question_take(q);
        reply.call(reply.user, reply.ref, &event);
        sio_handler_drop(&reply);
    }
    sio_event_deinit(&event);
    buf_deinit(&args);
    sioc_message_free(m);
    return error;
}

int sioc_namespace_on_servers(struct sioc_namespace *nsp, struct sioc_str name,
                              struct sioc_handler handler, unsigned flags)
{
    if (is_reserved(name))
        return SIOC_ERESERVED;
    return sio_listeners_add(&nsp->servers, name, handler, flags);
}

/* ---- the end ---- */

void sio_questions_end(struct sioc_server *server)
{
    for (uint32_t i = 0; i < server->questions.used; i++)
        if (server->questions.slots[i].object)
            question_drop(server->questions.slots[i].object);
}

void sio_questions_forget(struct sioc_server *server,
                          bool (*mine)(void *user, const struct sioc_handler *handler),
                          void *user)
{
    for (uint32_t i = 0; i < server->questions.used; i++) {
        struct question *q = server->questions.slots[i].object;
        if (q && mine(user, &q->reply))
            question_drop(q);
    }
}
