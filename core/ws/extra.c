/* ws/extra.c -- see extra.h. */
#include "ws/extra.h"
#include "base/mem.h"
#include "base/pool.h"

#define PING_WINDOW_MS 10000

struct ws_extra *ws_extra_new(struct net_loop *loop, struct ws_conn *conn,
                              void (*on_timer)(struct net_timer *timer))
{
    struct ws_extra *e = pool_zalloc(net_loop_pool(loop), sizeof *e);
    if (!e)
        return NULL;
    e->conn = conn;
    net_timer_init(&e->timer, on_timer);
    return e;
}

static void stop_waiting(struct ws_waiting *w)
{
    if (!w)
        return;
    net_task_cancel(&w->task);
    net_timer_stop(&w->timer);
}

void ws_extra_drop_waiting(struct ws_extra *e)
{
    struct ws_waiting *w = e->waiting;
    if (!w)
        return;
    stop_waiting(w);
    buf_deinit(&w->bytes);
    mem_free(w);
    e->waiting = NULL;
}

void ws_extra_stop(struct ws_extra *e)
{
    net_timer_stop(&e->timer);
    stop_waiting(e->waiting);
}

void ws_extra_free(struct net_loop *loop, struct ws_extra *e)
{
    if (!e)
        return;
    net_timer_stop(&e->timer);
    ws_extra_drop_waiting(e);
    net_chunk_unref(e->pong);
    net_chunk_unref(e->next_pong);
    pool_free(net_loop_pool(loop), e, sizeof *e);
}

static bool window_over(const struct ws_extra *e, uint64_t now_ms)
{
    return e->pings == 0 || (uint32_t)now_ms - e->ping_window >= PING_WINDOW_MS;
}

bool ws_extra_unused(const struct ws_extra *e, uint64_t now_ms)
{
    return !net_timer_active(&e->timer) && !e->pong && !e->next_pong && !e->waiting &&
           window_over(e, now_ms);
}

bool ws_extra_ping_allowed(struct ws_extra *e, uint64_t now_ms, uint32_t max)
{
    if (window_over(e, now_ms)) {
        e->ping_window = (uint32_t)now_ms;
        e->pings = 0;
    }
    return ++e->pings <= max;
}
