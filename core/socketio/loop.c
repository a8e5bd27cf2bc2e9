/* socketio/loop.c -- <sioc/loop.h> over core/net: names only, but for the repeating timer. */
#include "net/loop.h"
#include "base/mem.h"
#include "net/timer.h"
#include "socketio/loop.h"
#include <sioc/loop.h>

/* The public types are the inner ones under another name. */
struct net_loop *sio_net_loop(struct sioc_loop *loop)
{
    return (struct net_loop *)(void *)loop;
}

static const struct net_loop *inner(const struct sioc_loop *loop)
{
    return (const struct net_loop *)(const void *)loop;
}

int sioc_loop_new(struct sioc_loop **ret_loop)
{
    struct net_loop *loop;
    int error = net_loop_new(&loop);
    if (error == 0)
        *ret_loop = (struct sioc_loop *)(void *)loop;
    return error;
}

void sioc_loop_free(struct sioc_loop *loop)
{
    net_loop_free(sio_net_loop(loop));
}

int sioc_loop_run(struct sioc_loop *loop)
{
    return net_loop_run(sio_net_loop(loop));
}

void sioc_loop_stop(struct sioc_loop *loop)
{
    net_loop_stop(sio_net_loop(loop));
}

bool sioc_loop_step(struct sioc_loop *loop, bool wait)
{
    return net_loop_step(sio_net_loop(loop), wait);
}

int sioc_loop_backend_fd(const struct sioc_loop *loop)
{
    return net_loop_backend_fd(inner(loop));
}

int sioc_loop_backend_timeout(const struct sioc_loop *loop)
{
    return net_loop_backend_timeout(inner(loop));
}

void sioc_loop_on_work(struct sioc_loop *loop, void (*fn)(void *user), void *user)
{
    net_loop_on_work(sio_net_loop(loop), fn, user);
}

uint64_t sioc_loop_now_ms(const struct sioc_loop *loop)
{
    return net_loop_now_ms(inner(loop));
}

int sioc_loop_post(struct sioc_loop *loop, void (*fn)(void *user), void *user)
{
    return net_loop_post(sio_net_loop(loop), fn, user);
}

/* ---- timers ---- */

struct sioc_timer {
    struct net_timer timer;
    struct net_loop *loop;
    uint64_t repeat_ms; /* 0: once */
    uint64_t due_ms;    /* of the call that comes next; keeps the rhythm when a call is late */
    void (*fn)(void *user);
    void *user;
};

static void on_timer(struct net_timer *timer)
{
    struct sioc_timer *t = LIST_ENTRY(timer, struct sioc_timer, timer);
    void (*fn)(void *user) = t->fn;
    void *user = t->user;
    if (t->repeat_ms == 0) {
        mem_free(t);
    } else {
        uint64_t now = net_loop_now_ms(t->loop);
        t->due_ms += t->repeat_ms;
        if (t->due_ms <= now)
            t->due_ms = now + 1; /* too late for the rhythm: begin a new one */
        net_timer_start(t->loop, timer, t->due_ms - now);
    }
    fn(user);
}

int sioc_timer_start(struct sioc_loop *loop, uint64_t delay_ms, uint64_t repeat_ms,
                     void (*fn)(void *user), void *user, struct sioc_timer **ret_timer)
{
    struct sioc_timer *t = mem_alloc(sizeof *t);
    if (!t)
        return SIOC_ENOMEM;
    *t = (struct sioc_timer){
        .loop = sio_net_loop(loop), .repeat_ms = repeat_ms, .fn = fn, .user = user};
    t->due_ms = net_loop_now_ms(t->loop) + delay_ms;
    net_timer_init(&t->timer, on_timer);
    net_timer_start(t->loop, &t->timer, delay_ms);
    if (ret_timer)
        *ret_timer = t;
    return 0;
}

void sioc_timer_stop(struct sioc_timer *t)
{
    if (!t)
        return;
    net_timer_stop(&t->timer);
    mem_free(t);
}

/* ---- descriptors, idle, signals ---- */

int sioc_watch_open(struct sioc_loop *loop, int fd, void (*fn)(void *user), void *user,
                    struct sioc_watch **ret_watch)
{
    return net_watch_open(sio_net_loop(loop), fd, fn, user,
                          (struct net_watch **)(void *)ret_watch);
}

void sioc_watch_close(struct sioc_watch *watch)
{
    net_watch_close((struct net_watch *)(void *)watch);
}

int sioc_idle_open(struct sioc_loop *loop, int (*fn)(void *user), void *user,
                   struct sioc_idle **ret_idle)
{
    return net_idle_open(sio_net_loop(loop), fn, user, (struct net_idle **)(void *)ret_idle);
}

void sioc_idle_close(struct sioc_idle *idle)
{
    net_idle_close((struct net_idle *)(void *)idle);
}

int sioc_signal_open(struct sioc_loop *loop, int signum, void (*fn)(void *user, int signum),
                     void *user, struct sioc_signal **ret_signal)
{
    return net_signal_open(sio_net_loop(loop), signum, fn, user,
                           (struct net_signal **)(void *)ret_signal);
}

void sioc_signal_close(struct sioc_signal *signal)
{
    net_signal_close((struct net_signal *)(void *)signal);
}
