/* engineio/admission.c -- see admission.h. */
#include "engineio/admission.h"
#include "base/mem.h"
#include "base/str.h"
#include "engineio/refuse.h"
#include "engineio/session.h"

/* ---- life ---- */

static void admission_free(struct net_loop *loop, struct net_garbage *garbage)
{
    (void)loop;
    mem_free((char *)garbage - offsetof(struct eio_admission, garbage));
}

/* The request is free for its answer; the floor above forgets the admission. */
static struct http_request *end(struct eio_admission *a)
{
    struct http_request *request = a->request;
    a->request = NULL;
    a->engine->ops->admission_over(a->engine->user, a);
    net_loop_discard(a->engine->loop, &a->garbage, admission_free);
    return request;
}

static void on_complete(struct http_request *request)
{
    (void)request; /* a body on a GET is of no interest */
}

static void on_aborted(struct http_request *request)
{
    end(request->user);
}

static void on_too_big(struct http_request *request)
{
    end(request->user);
    http_respond_close(request, 413, NULL, 0, STR(""));
}

static const struct http_request_ops waiting_ops = {
    .complete = on_complete, .aborted = on_aborted, .too_big = on_too_big};

/* ---- the steps ---- */

static void open_session(struct eio_admission *a, struct sioc_str sid)
{
    struct eio_engine *e = a->engine;
    struct http_request *request = end(a);
    if (e->closing)
        http_respond_close(request, 503, NULL, 0, STR(""));
    else
        eio_engine_open(e, request, sid);
}

static void look_at_version(struct eio_admission *a)
{
    struct eio_engine *e = a->engine;
    if (!eio_engine_speaks(e, a->request))
        eio_refuse(e, end(a), EIO_REFUSE_VERSION, NULL, (struct sioc_str){NULL, 0});
    else if (!e->asks_id)
        open_session(a, (struct sioc_str){NULL, 0});
    else {
        a->asked_id = true;
        e->ops->ask_id(e->user, a);
    }
}

void eio_admission_begin(struct eio_engine *e, struct http_request *request)
{
    struct eio_admission *a = mem_zalloc(sizeof *a);
    if (!a) {
        http_respond_close(request, 503, NULL, 0, STR(""));
        return;
    }
    a->engine = e;
    a->request = request;
    request->ops = &waiting_ops;
    request->user = a;
    if (e->asks_allow)
        e->ops->ask_allow(e->user, a);
    else
        look_at_version(a);
}

void eio_admission_allow(struct eio_admission *a, bool allowed, struct sioc_str text)
{
    if (allowed)
        look_at_version(a);
    else
        eio_refuse(a->engine, end(a), EIO_REFUSE_FORBIDDEN, NULL, text);
}

static bool is_sid(struct sioc_str sid)
{
    for (size_t i = 0; i < sid.len; i++) {
        char c = sid.ptr[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
        if (!ok)
            return false;
    }
    return sid.len >= EIO_SID_MIN && sid.len <= EIO_SID_MAX;
}

int eio_admission_give_id(struct eio_admission *a, struct sioc_str sid)
{
    int error = !is_sid(sid)                            ? SIOC_EINVAL
                : keyset_get(&a->engine->sessions, sid) ? SIOC_EEXIST
                                                        : 0;
    if (error < 0)
        eio_refuse(a->engine, end(a), EIO_REFUSE_REQUEST, "ID_GENERATION_ERROR",
                   (struct sioc_str){NULL, 0});
    else
        open_session(a, sid);
    return error;
}
