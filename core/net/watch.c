/* net/watch.c -- foreign descriptors, embedded loops and signals.
 *
 * Knows nothing of what it watches.  Invariant: after close no callback comes; the memory goes
 * in the handle's close callback, or with the garbage when there is no handle.
 */
#include "base/mem.h"
#include "net/internal.h"

/* ---- a descriptor ---- */

struct net_watch {
    uv_poll_t poll;
    void (*fn)(void *user);
    void *user;
};

static void on_watch(uv_poll_t *poll, int status, int events)
{
    struct net_watch *watch = NET_OF(poll, struct net_watch, poll);
    (void)status, (void)events; /* on an error, too: the owner's read will tell */
    watch->fn(watch->user);
}

static void free_watch(uv_handle_t *handle)
{
    mem_free(NET_OF(handle, struct net_watch, poll));
}

int net_watch_open(struct net_loop *loop, int fd, void (*fn)(void *user), void *user,
                   struct net_watch **ret_watch)
{
    struct net_watch *watch = mem_zalloc(sizeof *watch);
    if (!watch)
        return SIOC_ENOMEM;
    if (uv_poll_init(&loop->uv, &watch->poll, fd)) {
        mem_free(watch);
        return SIOC_EIO;
    }
    watch->fn = fn;
    watch->user = user;
    uv_poll_start(&watch->poll, UV_READABLE, on_watch);
    net_loop_touch(loop);
    *ret_watch = watch;
    return 0;
}

void net_watch_close(struct net_watch *watch)
{
    if (watch)
        uv_close((uv_handle_t *)&watch->poll, free_watch);
}

/* ---- an embedded loop ---- */

struct net_idle {
    struct list node;
    struct net_loop *loop;
    int (*fn)(void *user); /* NULL: closed */
    void *user;
    struct net_garbage garbage;
};

int net_idle_open(struct net_loop *loop, int (*fn)(void *user), void *user,
                  struct net_idle **ret_idle)
{
    struct net_idle *idle = mem_zalloc(sizeof *idle);
    if (!idle)
        return SIOC_ENOMEM;
    idle->loop = loop;
    idle->fn = fn;
    idle->user = user;
    list_append(&loop->idles, &idle->node);
    net_loop_touch(loop);
    *ret_idle = idle;
    return 0;
}

/* Closed ones stay in the list until now, so that net_idles_run can walk on. */
static void free_idle(struct net_loop *loop, struct net_garbage *garbage)
{
    (void)loop;
    struct net_idle *idle = NET_OF(garbage, struct net_idle, garbage);
    list_remove(&idle->node);
    mem_free(idle);
}

void net_idle_close(struct net_idle *idle)
{
    if (!idle || !idle->fn)
        return;
    idle->fn = NULL;
    net_loop_discard(idle->loop, &idle->garbage, free_idle);
}

int net_idles_run(struct net_loop *loop)
{
    int shortest = -1;
    for (struct list *node = loop->idles.next; node != &loop->idles; node = node->next) {
        struct net_idle *idle = LIST_ENTRY(node, struct net_idle, node);
        int sleep_ms = idle->fn ? idle->fn(idle->user) : -1;
        if (idle->fn && sleep_ms >= 0 && (shortest < 0 || sleep_ms < shortest))
            shortest = sleep_ms;
    }
    return shortest;
}

/* ---- a signal ---- */

struct net_signal {
    uv_signal_t handle;
    void (*fn)(void *user, int signum);
    void *user;
};

static void on_signal(uv_signal_t *handle, int signum)
{
    struct net_signal *signal = NET_OF(handle, struct net_signal, handle);
    signal->fn(signal->user, signum);
}

static void free_signal(uv_handle_t *handle)
{
    mem_free(NET_OF(handle, struct net_signal, handle));
}

int net_signal_open(struct net_loop *loop, int signum, void (*fn)(void *user, int signum),
                    void *user, struct net_signal **ret_signal)
{
    struct net_signal *signal = mem_zalloc(sizeof *signal);
    if (!signal)
        return SIOC_ENOMEM;
    if (uv_signal_init(&loop->uv, &signal->handle)) {
        mem_free(signal);
        return SIOC_EIO;
    }
    signal->fn = fn;
    signal->user = user;
    if (uv_signal_start(&signal->handle, on_signal, signum)) {
        net_signal_close(signal);
        return SIOC_EINVAL;
    }
    *ret_signal = signal;
    return 0;
}

void net_signal_close(struct net_signal *signal)
{
    if (signal)
        uv_close((uv_handle_t *)&signal->handle, free_signal);
}
