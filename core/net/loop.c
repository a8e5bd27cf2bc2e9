/* net/loop.c -- the turn: input, then tasks, then garbage, then sleep.
 *
 * libuv calls `check` after it has delivered input and `prepare` before it sleeps; both end a
 * turn, so output that was made in a timer leaves before the sleep, too.  Knows no descriptor.
 * Invariants: garbage goes only when no task waits; before each sleep the wheel's timer is
 * armed for the wheel's next due time.
 */
#include "base/mem.h"
#include "net/cork.h"
#include "net/internal.h"
#include <assert.h>

/* ---- tasks and garbage ---- */

void net_task_init(struct net_task *task, void (*fn)(struct net_task *task))
{
    list_init(&task->node);
    task->fn = fn;
}

void net_task_add(struct net_loop *loop, struct net_task *task)
{
    if (net_task_waits(task))
        return;
    list_append(&loop->tasks, &task->node);
    net_loop_touch(loop);
}

static void on_next_timer(uv_timer_t *timer)
{
    struct net_loop *loop = net_loop_of(timer->loop);
    list_splice(&loop->tasks, &loop->next_tasks);
}

void net_task_add_next(struct net_loop *loop, struct net_task *task)
{
    if (net_task_waits(task))
        return;
    list_append(&loop->next_tasks, &task->node);
    if (!uv_is_active((uv_handle_t *)&loop->next_timer))
        uv_timer_start(&loop->next_timer, on_next_timer, 0, 0);
    net_loop_touch(loop);
}

void net_task_cancel(struct net_task *task)
{
    list_remove(&task->node);
}

void net_loop_flush(struct net_loop *loop)
{
    struct list *node;
    while ((node = list_pop(&loop->tasks)) != NULL) {
        struct net_task *task = LIST_ENTRY(node, struct net_task, node);
        task->fn(task);
    }
}

void net_loop_discard(struct net_loop *loop, struct net_garbage *garbage,
                      void (*fn)(struct net_loop *loop, struct net_garbage *garbage))
{
    garbage->fn = fn;
    garbage->next = loop->garbage;
    loop->garbage = garbage;
    net_loop_touch(loop);
}

static void collect(struct net_loop *loop)
{
    struct net_garbage *garbage;
    while ((garbage = loop->garbage) != NULL) {
        loop->garbage = garbage->next;
        garbage->fn(loop, garbage);
    }
}

/* ---- the turn ---- */

static void on_wheel_timer(uv_timer_t *timer)
{
    struct net_loop *loop = net_loop_of(timer->loop);
    loop->armed_ms = 0;
    net_wheel_advance(&loop->wheel, uv_now(&loop->uv));
}

/* One timer of libuv for all of the wheel; touched only when the next due time has changed. */
static void arm_wheel(struct net_loop *loop)
{
    uint64_t now = uv_now(&loop->uv);
    int64_t next = net_wheel_next(&loop->wheel);
    if (next < 0) {
        loop->wheel.now_ms = now; /* nothing waits: catching up costs nothing */
        if (loop->armed_ms)
            uv_timer_stop(&loop->wheel_timer);
        loop->armed_ms = 0;
        return;
    }
    uint64_t due = loop->wheel.now_ms + (uint64_t)next;
    if (due == loop->armed_ms)
        return;
    loop->armed_ms = due;
    uv_timer_start(&loop->wheel_timer, on_wheel_timer, due > now ? due - now : 0, 0);
}

static void end_turn(struct net_loop *loop)
{
    do {
        net_loop_flush(loop);
        collect(loop);
    } while (!list_empty(&loop->tasks) || loop->garbage);
    loop->turn++;
    net_copied_forget(loop);
    net_corks_trim(loop);
    arm_wheel(loop);
}

static void on_check(uv_check_t *check)
{
    end_turn(net_loop_of(check->loop));
}

static void on_idle_timer(uv_timer_t *timer)
{
    (void)timer; /* it only ends the sleep; on_prepare steps the idles */
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct net_loop *loop = net_loop_of(prepare->loop);
    net_loop_flush(loop); /* tasks may give the idles work */
    int sleep_ms = net_idles_run(loop);
    loop->idle_wish = sleep_ms >= 0;
    if (loop->idle_wish)
        uv_timer_start(&loop->idle_timer, on_idle_timer, (uint64_t)sleep_ms, 0);
    else
        uv_timer_stop(&loop->idle_timer);
    end_turn(loop);
}

static void on_async(uv_async_t *async)
{
    net_posts_run(net_loop_of(async->loop));
}

/* ---- life ---- */

static void start_handles(struct net_loop *loop)
{
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_timer_init(&loop->uv, &loop->wheel_timer);
    uv_timer_init(&loop->uv, &loop->idle_timer);
    uv_timer_init(&loop->uv, &loop->next_timer);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
    /* These serve others: alone they are nothing to wait for. */
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
    uv_unref((uv_handle_t *)&loop->async);
}

int net_loop_new(struct net_loop **ret_loop)
{
    struct net_loop *loop = mem_alloc(sizeof *loop);
    if (!loop)
        return SIOC_ENOMEM;
    memset(loop, 0, offsetof(struct net_loop, read_buffer));
    pool_init(&loop->pool);
    list_init(&loop->tasks);
    list_init(&loop->next_tasks);
    list_init(&loop->idles);
    list_init(&loop->lingering);
    if (uv_mutex_init(&loop->post_lock)) {
        mem_free(loop);
        return SIOC_EIO;
    }
    if (uv_loop_init(&loop->uv))
        goto no_loop;
    if (uv_async_init(&loop->uv, &loop->async, on_async))
        goto no_async;
    if (net_poller_open(loop) < 0)
        goto no_poller;
    start_handles(loop);
    net_wheel_init(&loop->wheel, uv_now(&loop->uv));
    *ret_loop = loop;
    return 0;
no_poller:
    uv_close((uv_handle_t *)&loop->async, NULL);
    uv_run(&loop->uv, UV_RUN_NOWAIT);
no_async:
    uv_loop_close(&loop->uv);
no_loop:
    uv_mutex_destroy(&loop->post_lock);
    mem_free(loop);
    return SIOC_EIO; /* no descriptors left, most likely */
}

static void close_handles(struct net_loop *loop)
{
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->wheel_timer, NULL);
    uv_close((uv_handle_t *)&loop->idle_timer, NULL);
    uv_close((uv_handle_t *)&loop->next_timer, NULL);
    uv_close((uv_handle_t *)&loop->async, NULL);
    net_poller_close(loop);
}

void net_loop_free(struct net_loop *loop)
{
    if (!loop)
        return;
    loop->on_work = NULL;
    end_turn(loop);
    net_lingering_close(loop);
    close_handles(loop);
    /* Close callbacks come within a turn; more than a few means that something is open still,
     * which is the caller's mistake: better a leak than a loop that never ends. */
    int left = UV_EBUSY;
    for (int i = 0; i < 8 && left == UV_EBUSY; i++) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        left = uv_loop_close(&loop->uv);
    }
    assert(left == 0);
    collect(loop);
    net_wheel_clear(&loop->wheel);
    net_posts_drop(loop);
    while (list_pop(&loop->tasks) || list_pop(&loop->next_tasks))
        ; /* so that a task that is cancelled later finds nothing */
    uv_mutex_destroy(&loop->post_lock);
    if (left != 0)
        return;
    net_copied_forget(loop);
    net_corks_drop(loop);
    pool_deinit(&loop->pool);
    mem_free(loop);
}

/* ---- running ---- */

/* Whether anything is left to wait for.  An idle's wish counts even when its timer has just
 * fired. */
static bool is_alive(const struct net_loop *loop)
{
    return uv_loop_alive(&loop->uv) || loop->idle_wish || !list_empty(&loop->tasks);
}

static void before_run(struct net_loop *loop)
{
    loop->running = true;
    loop->told = false;
    uv_update_time(&loop->uv);
    end_turn(loop);
    /* libuv does not turn at all when it sees nothing to wait for; what the idles wish is known
     * only when they are asked. */
    if (!uv_loop_alive(&loop->uv) && (loop->idle_wish || !list_empty(&loop->idles)))
        uv_timer_start(&loop->idle_timer, on_idle_timer, 0, 0);
}

static void after_run(struct net_loop *loop)
{
    end_turn(loop); /* UV_RUN_ONCE fires timers last */
    loop->running = loop->stopped = false;
}

int net_loop_run(struct net_loop *loop)
{
    do {
        before_run(loop);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    } while (!loop->stopped && is_alive(loop));
    after_run(loop);
    return 0;
}

bool net_loop_step(struct net_loop *loop, bool wait)
{
    before_run(loop);
    uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    after_run(loop);
    return is_alive(loop);
}

void net_loop_stop(struct net_loop *loop)
{
    loop->stopped = true;
    uv_stop(&loop->uv);
}

int net_loop_backend_fd(const struct net_loop *loop)
{
    return uv_backend_fd(&loop->uv);
}

int net_loop_backend_timeout(const struct net_loop *loop)
{
    if (!list_empty(&loop->tasks) || loop->garbage)
        return 0;
    return uv_backend_timeout(&loop->uv);
}

void net_loop_on_work(struct net_loop *loop, void (*fn)(void *user), void *user)
{
    loop->on_work = fn;
    loop->on_work_user = user;
}

uint64_t net_loop_now_ms(const struct net_loop *loop)
{
    return uv_now(&loop->uv);
}

uint32_t net_loop_turn(const struct net_loop *loop)
{
    return loop->turn;
}

uint64_t net_loop_fresh_now(struct net_loop *loop)
{
    /* Between two runs the loop's clock stands still. */
    if (!loop->running)
        uv_update_time(&loop->uv);
    return uv_now(&loop->uv);
}

struct pool *net_loop_pool(struct net_loop *loop)
{
    return &loop->pool;
}

uint8_t *net_loop_scratch(struct net_loop *loop)
{
    net_copied_forget(loop);
    return loop->scratch;
}
