/* socketio/engine_api.c -- <sioc/engine.h>.
 *
 * A request that waits for an answer has a handle, as those of routes have; the others are
 * shown for a call only. Invariant: admission->user is the sioc_request with that handle, or
 * NULL.
 */
#include "socketio/engine_api.h"
#include "base/str.h"
#include "http/chars.h"
#include "socketio/conn.h"
#include "socketio/raw.h"
#include <sioc/engine.h>

/* The public type is the request's buffer of extra lines. */
static struct buf *lines_of(struct sioc_headers *headers)
{
    return (struct buf *)(void *)headers;
}

/* ---- hooks ---- */

void sio_engine_note_hooks(const struct sioc_server *server, struct eio_engine *engine)
{
    engine->asks_allow = server->allow_hook.call != NULL;
    engine->asks_id = server->id_hook.call != NULL;
    engine->asks_all = server->engine_events.request != NULL;
    engine->tells_headers = server->engine_events.headers != NULL;
}

/* The engines ask only for what somebody answers. */
static void note_hooks(struct sioc_server *server)
{
    sio_engine_note_hooks(server, &server->engine);
    sio_raws_note_hooks(server);
}

static void set_hook(struct sioc_http_handler *place, struct sioc_http_handler hook)
{
    struct sioc_http_handler old = *place;
    *place = hook;
    if (old.drop)
        old.drop(old.user, old.ref);
}

void sioc_engine_on_request(struct sioc_server *server, struct sioc_http_handler hook)
{
    set_hook(&server->allow_hook, hook);
    note_hooks(server);
}

void sioc_engine_on_id(struct sioc_server *server, struct sioc_http_handler hook)
{
    set_hook(&server->id_hook, hook);
    note_hooks(server);
}

void sioc_engine_set_events(struct sioc_server *server, const struct sioc_engine_events *events)
{
    server->engine_events = events ? *events : (struct sioc_engine_events){.user = NULL};
    note_hooks(server);
    sio_conns_watch_all(server);
}

void sio_engine_forget_hooks(struct sioc_server *server)
{
    sioc_engine_on_request(server, (struct sioc_http_handler){NULL, NULL, NULL, 0});
    sioc_engine_on_id(server, (struct sioc_http_handler){NULL, NULL, NULL, 0});
    sioc_engine_set_events(server, NULL);
}

void sio_engine_swap_hooks(struct sioc_server *server, struct sioc_server *draft)
{
    struct sioc_http_handler allow = server->allow_hook, id = server->id_hook;
    struct sioc_engine_events events = server->engine_events;
    server->allow_hook = draft->allow_hook;
    server->id_hook = draft->id_hook;
    server->engine_events = draft->engine_events;
    draft->allow_hook = allow;
    draft->id_hook = id;
    draft->engine_events = events;
    note_hooks(server);
    note_hooks(draft);
    sio_conns_watch_all(server);
}

/* ---- questions ---- */

/* The request as the application sees it; NULL when out of memory. */
static struct sioc_request *request_of(struct sioc_server *server, struct eio_admission *a)
{
    if (!a->user) {
        struct sioc_request *r = sio_request_new(server, a->request);
        if (r)
            r->admission = a;
        a->user = r;
    }
    return a->user;
}

void sio_engine_ask_allow(void *engine_user, struct eio_admission *a)
{
    struct sioc_server *server = engine_user;
    struct sioc_http_handler *hook = &server->allow_hook;
    struct sioc_request *r = request_of(server, a);
    if (r && hook->call)
        hook->call(hook->user, hook->ref, r);
    else
        eio_admission_allow(a, false, (struct sioc_str){NULL, 0});
}

void sio_engine_ask_id(void *engine_user, struct eio_admission *a)
{
    struct sioc_server *server = engine_user;
    struct sioc_http_handler *hook = &server->id_hook;
    struct sioc_request *r = request_of(server, a);
    if (r && hook->call)
        hook->call(hook->user, hook->ref, r);
    else
        eio_admission_give_id(a, (struct sioc_str){NULL, 0});
}

void sio_engine_admission_over(void *engine_user, struct eio_admission *a)
{
    (void)engine_user;
    if (a->user)
        sio_request_retire(a->user);
    a->user = NULL;
}

/* What the question that waits is about: each is answered once. */
static struct eio_admission *find(struct sioc_server *server, uint64_t handle, bool asked_id)
{
    struct sioc_request *r = sioc_request_find(server, handle);
    return r && r->admission && r->admission->asked_id == asked_id ? r->admission : NULL;
}

int sioc_engine_allow(struct sioc_server *server, uint64_t request, const char *refusal)
{
    struct eio_admission *a = find(server, request, false);
    if (!a)
        return SIOC_ECLOSED;
    bool told = refusal && *refusal;
    eio_admission_allow(a, !refusal, told ? sioc_str(refusal) : (struct sioc_str){NULL, 0});
    return 0;
}

int sioc_engine_give_id(struct sioc_server *server, uint64_t request, struct sioc_str id)
{
    struct eio_admission *a = find(server, request, true);
    return a ? eio_admission_give_id(a, id) : SIOC_ECLOSED;
}

/* ---- news ---- */

/* The public face of a request's extra lines. */
static struct sioc_headers *headers_of(struct http_request *http)
{
    return (struct sioc_headers *)(void *)&http->extra_headers;
}

bool sio_engine_passes(void *engine_user, struct http_request *http)
{
    struct sioc_server *server = engine_user;
    const struct sioc_engine_events *events = &server->engine_events;
    struct sioc_request request;
    sio_request_init(&request, server, http);
    bool passes = !events->request || events->request(events->user, &request, headers_of(http));
    sio_request_deinit(&request);
    return passes;
}

void sio_engine_headers(void *engine_user, struct http_request *http, bool initial)
{
    struct sioc_server *server = engine_user;
    const struct sioc_engine_events *events = &server->engine_events;
    struct sioc_request request;
    sio_request_init(&request, server, http);
    if (events->headers)
        events->headers(events->user, &request, initial, headers_of(http));
    sio_request_deinit(&request);
}

static bool is_ours(struct sioc_str name)
{
    return str_eq_nocase(name, STR("content-length")) ||
           str_eq_nocase(name, STR("transfer-encoding")) ||
           str_eq_nocase(name, STR("connection")) || str_eq_nocase(name, STR("upgrade")) ||
           str_eq_nocase(name, STR("date")) || str_starts(name, STR("Sec-WebSocket-")) ||
           str_eq_nocase(name, STR("content-type")) ||
           str_eq_nocase(name, STR("content-encoding"));
}

int sioc_headers_add(struct sioc_headers *headers, struct sioc_str name, struct sioc_str value)
{
    struct buf *lines = lines_of(headers);
    for (size_t i = 0; i < name.len; i++)
        if (!http_is_token_char((uint8_t)name.ptr[i]))
            return SIOC_EINVAL;
    for (size_t i = 0; i < value.len; i++)
        if (!http_is_value_char((uint8_t)value.ptr[i]))
            return SIOC_EINVAL;
    if (name.len == 0 || is_ours(name))
        return SIOC_EINVAL;
    buf_put_str(lines, name);
    buf_put_str(lines, STR(": "));
    buf_put_str(lines, value);
    buf_put_str(lines, STR("\r\n"));
    return lines->error;
}

void sio_engine_refused(void *engine_user, struct http_request *http,
                        const struct eio_refused *refused)
{
    struct sioc_server *server = engine_user;
    const struct sioc_engine_events *events = &server->engine_events;
    struct sioc_http_field context[sizeof refused->facts / sizeof refused->facts[0]];
    struct sioc_connection_error error = {.code = refused->code,
                                          .message = refused->message,
                                          .context = context,
                                          .context_count = refused->fact_count};
    struct sioc_request request;
    if (!events->connection_error)
        return;
    for (size_t i = 0; i < refused->fact_count; i++)
        context[i] =
            (struct sioc_http_field){sioc_str(refused->facts[i].name), refused->facts[i].value};
    sio_request_init(&request, server, http);
    events->connection_error(events->user, &request, &error);
    sio_request_deinit(&request);
}
