/* ws/pause.c -- see pause.h. */
#include "ws/pause.h"

/* Who came before the last tick has waited long enough. */
static void on_tick(struct net_timer *timer)
{
    struct ws_pauses *p = LIST_ENTRY(timer, struct ws_pauses, timer);
    struct list *node;
    while ((node = list_pop(&p->old)) != NULL)
        net_task_add(p->loop, LIST_ENTRY(node, struct net_task, node));
    list_splice(&p->old, &p->fresh);
    if (!list_empty(&p->old))
        net_timer_start(p->loop, timer, p->ms);
}

void ws_pauses_init(struct ws_pauses *p, struct net_loop *loop, uint32_t ms)
{
    p->loop = loop;
    p->ms = ms;
    net_timer_init(&p->timer, on_tick);
    list_init(&p->fresh);
    list_init(&p->old);
}

void ws_pauses_deinit(struct ws_pauses *p)
{
    net_timer_stop(&p->timer);
}

static size_t count(const struct list *list)
{
    size_t n = 0;
    for (const struct list *node = list->next; node != list; node = node->next)
        n++;
    return n;
}

bool ws_pause(struct ws_pauses *p, struct net_task *task)
{
    if (count(&p->fresh) + count(&p->old) >= WS_PAUSES_MAX)
        return false;
    net_task_cancel(task);
    list_append(&p->fresh, &task->node);
    if (!net_timer_active(&p->timer))
        net_timer_start(p->loop, &p->timer, p->ms);
    return true;
}
