/* The turn: the order of tasks and garbage, timers, idles, watches, signals, posts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/timer.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct net_loop *loop;
static char story[200]; /* what happened, in order */

static void tell(const char *word)
{
    strncat(story, word, sizeof story - strlen(story) - 1);
}

static int setup(void **state)
{
    (void)state;
    story[0] = '\0';
    return net_loop_new(&loop);
}

static int teardown(void **state)
{
    (void)state;
    net_loop_free(loop);
    return 0;
}

/* ---- tasks and garbage ---- */

static struct net_task first, second;
static struct net_garbage garbage;

static void on_garbage(struct net_loop *of, struct net_garbage *g)
{
    assert_ptr_equal(of, loop);
    (void)g;
    tell("garbage ");
}

static void on_first(struct net_task *task)
{
    tell("first ");
    assert_false(net_task_waits(task));
    net_loop_discard(loop, &garbage, on_garbage);
    net_task_add(loop, &second);
    net_task_add(loop, &second);
}

static void on_second(struct net_task *task)
{
    (void)task;
    tell("second ");
}

static void test_turn(void **state)
{
    (void)state;
    net_task_init(&first, on_first);
    net_task_init(&second, on_second);
    net_task_add(loop, &first);
    assert_int_equal(net_loop_backend_timeout(loop), 0);
    assert_string_equal(story, "");
    assert_int_equal(net_loop_run(loop), 0); /* ends: nothing is left */
    assert_string_equal(story, "first second garbage ");
    net_task_add(loop, &second);
    assert_true(net_task_waits(&second));
    net_task_cancel(&second);
    net_task_cancel(&second);
    net_loop_flush(loop);
    net_loop_step(loop, false);
    assert_string_equal(story, "first second garbage ");
}

static void on_again(struct net_task *task)
{
    tell("again ");
    if (strlen(story) < 20)
        net_task_add_next(loop, task);
}

static void test_next_turn(void **state)
{
    (void)state;
    net_task_init(&first, on_again);
    net_task_init(&second, on_second);
    net_task_add_next(loop, &first);
    net_task_add_next(loop, &first);
    assert_true(net_task_waits(&first));
    net_loop_flush(loop); /* not now */
    assert_string_equal(story, "");
    assert_int_equal(net_loop_backend_timeout(loop), 0);
    uint32_t turn = net_loop_turn(loop);
    net_loop_step(loop, false);
    assert_true(net_loop_turn(loop) > turn);
    assert_string_equal(story, "again ");
    net_task_add(loop, &second); /* has its turn in between */
    assert_int_equal(net_loop_run(loop), 0);
    assert_string_equal(story, "again second again again ");
    net_task_add_next(loop, &first);
    net_task_cancel(&first);
    net_loop_step(loop, false);
    net_task_add_next(loop, &first); /* for net_loop_free to forget */
    assert_string_equal(story, "again second again again ");
}

/* ---- timers ---- */

static struct net_timer timer, other;

static void on_timer(struct net_timer *t)
{
    (void)t;
    tell("timer ");
    net_task_init(&second, on_second);
    net_task_add(loop, &second); /* runs before the sleep */
}

static void on_stop(struct net_timer *t)
{
    (void)t;
    tell("stop ");
    net_loop_stop(loop);
}

static void test_timers(void **state)
{
    (void)state;
    uint64_t start = clock_mono_ms();
    net_timer_init(&timer, on_timer);
    net_timer_init(&other, on_timer);
    net_timer_start(loop, &timer, 30);
    net_timer_start(loop, &other, 10);
    net_timer_stop(&other);
    net_loop_run(loop); /* until the wheel is empty */
    assert_string_equal(story, "timer second ");
    assert_in_range(clock_mono_ms() - start, 29, 300);
    usleep(20000); /* the loop's clock stood still meanwhile; a delay counts from now */
    start = clock_mono_ms();
    net_timer_start(loop, &timer, 30);
    net_loop_run(loop);
    assert_in_range(clock_mono_ms() - start, 29, 300);
}

static void test_stop(void **state)
{
    (void)state;
    net_timer_init(&timer, on_timer);
    net_timer_init(&other, on_stop);
    net_timer_start(loop, &timer, 60000);
    net_timer_start(loop, &other, 5);
    net_loop_run(loop);
    assert_string_equal(story, "stop ");
    assert_true(net_timer_active(&timer));
    assert_true(net_loop_step(loop, false));
    net_timer_stop(&timer);
    assert_false(net_loop_step(loop, false));
}

static void again(struct net_timer *t)
{
    tell(".");
    if (strlen(story) < 20)
        net_timer_start(loop, t, 0);
}

/* A timer that starts itself at once leaves room for everything else. */
static void test_zero_delay(void **state)
{
    (void)state;
    net_timer_init(&timer, again);
    net_timer_start(loop, &timer, 0);
    usleep(50000);
    net_loop_step(loop, true);
    assert_true(strlen(story) <= 2);
    net_loop_run(loop);
    assert_int_equal(strlen(story), 20);
}

static void test_backend(void **state)
{
    (void)state;
    net_timer_init(&timer, on_timer);
    net_timer_start(loop, &timer, 40);
    net_loop_step(loop, false);
    assert_in_range(net_loop_backend_timeout(loop), 1, 40);
    struct pollfd p = {.fd = net_loop_backend_fd(loop), .events = POLLIN};
    while (!*story) {
        poll(&p, 1, net_loop_backend_timeout(loop));
        net_loop_step(loop, false);
    }
    assert_string_equal(story, "timer second ");
    assert_int_equal(net_loop_now_ms(loop) > 0, 1);
}

/* ---- idles ---- */

static struct net_idle *idle;
static int wishes[] = {5, 0, 7};
static int stepped;

static int on_idle(void *user)
{
    assert_ptr_equal(user, &stepped);
    if (stepped < 3)
        return wishes[stepped++];
    net_idle_close(idle);
    net_idle_close(idle);
    return 60000; /* nobody waits for it */
}

static int on_quiet(void *user)
{
    (void)user;
    return -1;
}

/* ---- a loop in another loop ---- */

static void on_work(void *user)
{
    (void)user;
    tell("work ");
}

static void on_quiet_timer(struct net_timer *t)
{
    (void)t;
    tell("timer ");
    net_task_add(loop, &second); /* within a turn nobody has to be told */
}

static void test_on_work(void **state)
{
    struct net_timer due;

    (void)state;
    net_loop_on_work(loop, on_work, NULL);
    net_task_init(&first, on_first);
    net_task_init(&second, on_second);
    net_timer_init(&due, on_quiet_timer);
    net_loop_step(loop, false);
    assert_string_equal(story, "");
    net_task_add(loop, &first); /* whose garbage and second task come in the same turn */
    assert_string_equal(story, "work ");
    net_timer_start(loop, &due, 1); /* told once is enough */
    assert_string_equal(story, "work ");
    assert_int_equal(net_loop_backend_timeout(loop), 0);
    while (net_timer_active(&due))
        net_loop_step(loop, true);
    assert_string_equal(story, "work first second garbage timer second ");
    net_timer_start(loop, &due, 1000);
    assert_string_equal(story, "work first second garbage timer second work ");
    net_timer_stop(&due);
}

static void test_idle(void **state)
{
    (void)state;
    uint64_t start = clock_mono_ms();
    struct net_idle *quiet;
    stepped = 0;
    assert_int_equal(net_idle_open(loop, on_idle, &stepped, &idle), 0);
    assert_int_equal(net_idle_open(loop, on_quiet, NULL, &quiet), 0);
    for (int i = 0; i < 3; i++)
        net_loop_step(loop, true);
    assert_int_equal(stepped, 3);
    assert_in_range(clock_mono_ms() - start, 11, 300);
    net_idle_close(idle);
    net_idle_close(quiet);
    net_loop_step(loop, false);
    net_loop_run(loop);
    assert_int_equal(stepped, 3);
    stepped = 0;
    assert_int_equal(net_idle_open(loop, on_idle, &stepped, &idle), 0);
    for (int i = 0; i < 3; i++)
        net_loop_step(loop, true);
    net_loop_step(loop, true); /* closes itself; its last wish is void */
    assert_int_equal(stepped, 3);
}

/* ---- watches, signals, posts ---- */

static int pipe_fds[2];
static struct net_watch *watch;

static void on_readable(void *user)
{
    char byte;
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    tell(user);
    if (byte == 'q')
        net_watch_close(watch);
}

static void test_watch(void **state)
{
    (void)state;
    static char word[] = "read ";
    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(net_watch_open(loop, pipe_fds[0], on_readable, word, &watch), 0);
    assert_true(net_loop_step(loop, false)); /* something is watched */
    assert_int_equal(write(pipe_fds[1], "aq", 2), 2);
    net_loop_run(loop);
    assert_string_equal(story, "read read ");
    assert_int_equal(close(pipe_fds[0]), 0); /* was left open */
    close(pipe_fds[1]);
    net_watch_close(NULL);
    assert_int_equal(net_watch_open(loop, 9999, on_readable, word, &watch), SIOC_EIO);
}

static struct net_signal *caught;

static void on_signal(void *user, int signum)
{
    (void)user;
    assert_int_equal(signum, SIGUSR1);
    tell("signal ");
    net_signal_close(caught);
}

static void test_signal(void **state)
{
    (void)state;
    assert_int_equal(net_signal_open(loop, SIGUSR1, on_signal, NULL, &caught), 0);
    raise(SIGUSR1);
    net_loop_run(loop);
    assert_string_equal(story, "signal ");
    assert_int_equal(net_signal_open(loop, SIGKILL, on_signal, NULL, &caught), SIOC_EINVAL);
}

static void on_post(void *user)
{
    tell(user);
    if (strcmp(user, "c") == 0)
        net_timer_stop(&timer);
}

static void *post_from_thread(void *user)
{
    static char words[] = "a\0b\0c";
    (void)user;
    for (int i = 0; i < 3; i++)
        assert_int_equal(net_loop_post(loop, on_post, words + 2 * i), 0);
    return NULL;
}

static void test_post(void **state)
{
    (void)state;
    pthread_t thread;
    static char lost[] = "lost";
    net_timer_init(&timer, on_timer);
    net_timer_start(loop, &timer, 10000);
    assert_int_equal(pthread_create(&thread, NULL, post_from_thread, NULL), 0);
    net_loop_run(loop);
    pthread_join(thread, NULL);
    assert_string_equal(story, "abc");
    assert_int_equal(net_loop_post(loop, on_post, lost), 0); /* and the loop ends */
}

/* ---- memory that fails ---- */

static void test_failing_memory(void **state)
{
    (void)state;
    struct net_loop *none = NULL;
    struct net_signal *no_signal;
    for (size_t i = 1; i <= 2; i++) {
        mem_test_fail_at(1, true);
        assert_int_equal(net_loop_new(&none), SIOC_ENOMEM);
        assert_int_equal(net_watch_open(loop, 0, on_readable, NULL, &watch), SIOC_ENOMEM);
        assert_int_equal(net_idle_open(loop, on_quiet, NULL, &idle), SIOC_ENOMEM);
        assert_int_equal(net_signal_open(loop, SIGUSR1, on_signal, NULL, &no_signal),
                         SIOC_ENOMEM);
        assert_int_equal(net_loop_post(loop, on_post, NULL), SIOC_ENOMEM);
    }
    mem_test_fail_at(0, false);
    assert_null(none);
    net_loop_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_turn),    TEST(test_next_turn),  TEST(test_timers),
        TEST(test_stop),    TEST(test_zero_delay), TEST(test_backend),
        TEST(test_on_work), TEST(test_idle),       TEST(test_watch),
        TEST(test_signal),  TEST(test_post),       TEST(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
