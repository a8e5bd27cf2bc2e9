/* engineio/inflow.c -- see inflow.h. */
#include "engineio/inflow.h"
#include "base/mem.h"
#include "engineio/eio3.h"
#include "engineio/payload.h"

struct eio_inflow {
    struct eio_polling *polling;
    struct buf text; /* what `rest` lies in, or empty */
    struct sioc_str rest;
    struct net_task task;
    struct net_timer timer;
    enum eio_form form;
    bool more; /* v4: one more packet, be it empty */
    bool running;
    bool dropped; /* while it runs: nobody waits for the rest */
};

/* ---- one packet after another ---- */

static int next_v4(struct eio_inflow *f, struct sioc_str *ret_packet)
{
    if (!f->more)
        return 0;
    size_t end = str_find(f->rest, EIO_SEPARATOR);
    f->more = end < f->rest.len;
    *ret_packet = str_part(f->rest, 0, end);
    f->rest = str_from(f->rest, f->more ? end + 1 : end);
    return 1;
}

/* 1; 0 at the end; SIOC_EPROTO. */
static int next(struct eio_inflow *f, bool *ret_binary, struct sioc_str *ret_packet)
{
    int result;
    *ret_binary = false;
    if (f->form == EIO_FORM_V4)
        return next_v4(f, ret_packet);
    if (f->form == EIO_FORM_V3_BINARY)
        return eio_v3_binary_next(&f->rest, ret_binary, ret_packet);
    do
        result = eio_v3_text_next(&f->rest, ret_packet);
    while (result == 1 && ret_packet->len == 0); /* "0:" is nothing: E204 */
    return result;
}

static bool at_end(const struct eio_inflow *f)
{
    return f->form == EIO_FORM_V4 ? !f->more : f->rest.len == 0;
}

/* Whether there are at most `max` packets, as far as they can be read. */
static bool fits(struct sioc_str payload, enum eio_form form, size_t max)
{
    struct eio_inflow f = {.rest = payload, .form = form};
    struct sioc_str packet;
    size_t packets = 0;
    bool binary;
    if (form == EIO_FORM_V4)
        return eio_payload_fits(payload, max);
    if (payload.len < max)
        return true; /* so many are not in there */
    while (packets <= max && next(&f, &binary, &packet) == 1)
        packets++;
    return packets <= max;
}

/* ---- shares ---- */

static void run(struct eio_inflow *f, bool all);

static void stop(struct eio_inflow *f)
{
    net_task_cancel(&f->task);
    net_timer_stop(&f->timer);
}

static void end(struct eio_inflow *f)
{
    stop(f);
    buf_deinit(&f->text);
    mem_free(f);
}

/* The POST is worked off, unless there is more to do. */
static void go_on(struct eio_inflow *f, bool all)
{
    struct eio_polling *p = f->polling;
    f->running = true;
    run(f, all);
    f->running = false;
    if (f->dropped) {
        end(f);
    } else if (!net_task_waits(&f->task) && !net_timer_active(&f->timer)) {
        p->inflow = NULL;
        end(f);
        eio_polling_post_done(p);
    }
}

static void on_next_turn(struct net_task *task)
{
    go_on(LIST_ENTRY(task, struct eio_inflow, task), false);
}

static void on_time(struct net_timer *timer)
{
    go_on(LIST_ENTRY(timer, struct eio_inflow, timer), false);
}

static void give(struct eio_session *s, bool binary, struct sioc_str packet)
{
    if (binary)
        eio_session_receive_binary(s, packet);
    else
        eio_session_receive_text(s, packet);
}

/* Whether the next packet may be worked on now. */
static bool share_goes_on(struct eio_inflow *f, size_t len)
{
    struct eio_session *s = f->polling->session;
    struct net_loop *loop = s->engine->loop;
    uint32_t delay_ms;
    switch (net_share_take(&f->polling->share, &s->engine->ws.share, loop, len, &delay_ms)) {
    case NET_SHARE_GO_ON:
        return true;
    case NET_SHARE_NEXT_TURN:
        if (!at_end(f)) {
            net_task_add_next(loop, &f->task);
            s->engine->metrics->deferred++;
        }
        return false;
    case NET_SHARE_LATER:
        net_timer_start(loop, &f->timer, delay_ms);
        return false;
    case NET_SHARE_TOO_MUCH:
        eio_session_fail(s, "transport error", "too many messages");
        return false;
    }
    return false;
}

/* When it returns with neither task nor timer, all is done. */
static void run(struct eio_inflow *f, bool all)
{
    struct eio_session *s = f->polling->session;
    struct sioc_str packet;
    bool binary;
    int result = 1;
    while (result == 1 && s->state != EIO_STATE_CLOSED) {
        result = next(f, &binary, &packet);
        if (result < 0 && s->state == EIO_STATE_OPEN) {
            s->engine->metrics->reject_eio_packet++;
            eio_session_fail(s, "parse error", "");
        } else if (result == 1) {
            give(s, binary, packet);
            if (s->state != EIO_STATE_CLOSED && !all && !share_goes_on(f, packet.len))
                return;
        }
    }
}

/* ---- the interface ---- */

bool eio_inflow_begin(struct eio_polling *p, enum eio_form form, struct sioc_str payload,
                      struct buf *text)
{
    struct eio_session *s = p->session;
    struct eio_inflow *f = NULL;
    bool fitted = fits(payload, form, s->engine->options->max_packets);
    if (fitted && !(f = mem_zalloc(sizeof *f)))
        eio_session_fail(s, "transport error", "out of memory");
    if (!f) {
        buf_deinit(text);
        return fitted;
    }
    f->polling = p;
    f->text = *text;
    f->rest = payload;
    f->form = form;
    f->more = true;
    net_task_init(&f->task, on_next_turn);
    net_timer_init(&f->timer, on_time);
    p->inflow = f;
    go_on(f, false);
    return true;
}

void eio_inflow_finish(struct eio_polling *p)
{
    struct eio_inflow *f = p->inflow;
    if (!f)
        return;
    stop(f);
    go_on(f, true);
}

void eio_inflow_drop(struct eio_polling *p)
{
    struct eio_inflow *f = p->inflow;
    p->inflow = NULL;
    if (f && f->running)
        f->dropped = true;
    else if (f)
        end(f);
}
