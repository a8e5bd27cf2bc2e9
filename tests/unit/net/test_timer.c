/* The wheel, driven by hand, against a naive model that looks at every timer each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/timer.h"

#define COUNT 300

struct item {
    struct net_timer timer;
    uint64_t due_ms; /* the model's; 0: not started */
    int fired;
    uint64_t fired_at;
};

static struct net_wheel *wheel;
static uint64_t last_fired_at;

static void on_fire(struct net_timer *timer)
{
    struct item *item = (struct item *)(void *)timer;
    item->fired++;
    item->fired_at = wheel->now_ms;
    assert_true(item->fired_at >= last_fired_at);
    last_fired_at = item->fired_at;
}

static uint64_t random_delay(void)
{
    static const uint64_t ranges[] = {2,     40,       300,        5000,
                                      70000, 20000000, 5000000000, 900000000000};
    uint64_t range = ranges[rand() % 8];
    return ((uint64_t)rand() << 20 ^ (uint64_t)rand()) % range;
}

static void start(struct item *item, uint64_t due_ms)
{
    net_wheel_add(wheel, &item->timer, due_ms);
    item->due_ms = due_ms > wheel->now_ms ? due_ms : wheel->now_ms + 1;
    item->fired = 0;
}

static void advance_and_check(struct item *items, uint64_t to)
{
    last_fired_at = 0;
    net_wheel_advance(wheel, to);
    assert_true(wheel->now_ms == to);
    for (int i = 0; i < COUNT; i++) {
        struct item *item = &items[i];
        bool due = item->due_ms && item->due_ms <= to;
        assert_int_equal(item->fired, due);
        if (!due)
            continue;
        assert_true(item->fired_at == item->due_ms);
        assert_false(net_timer_active(&item->timer));
        item->due_ms = 0;
        item->fired = 0;
    }
}

static void check_next(struct item *items)
{
    uint64_t soonest = UINT64_MAX;
    for (int i = 0; i < COUNT; i++)
        if (items[i].due_ms && items[i].due_ms < soonest)
            soonest = items[i].due_ms;
    int64_t next = net_wheel_next(wheel);
    if (soonest == UINT64_MAX)
        assert_true(next == -1);
    else
        assert_true(next > 0 && wheel->now_ms + (uint64_t)next <= soonest);
}

static void run_random(unsigned seed, uint64_t start_ms)
{
    static struct item items[COUNT];
    srand(seed);
    net_wheel_init(wheel, start_ms);
    for (int i = 0; i < COUNT; i++) {
        net_timer_init(&items[i].timer, on_fire);
        items[i].due_ms = 0;
        items[i].fired = 0;
    }
    for (int round = 0; round < 3000; round++) {
        for (int k = rand() % 6; k > 0; k--) {
            struct item *item = &items[rand() % COUNT];
            if (rand() % 4) {
                start(item, wheel->now_ms + random_delay());
            } else {
                net_timer_stop(&item->timer);
                item->due_ms = 0;
            }
        }
        check_next(items);
        int64_t next = net_wheel_next(wheel);
        uint64_t to = wheel->now_ms + random_delay();
        if (next > 0 && rand() % 2)
            to = wheel->now_ms + (uint64_t)next;
        advance_and_check(items, to);
    }
    advance_and_check(items, wheel->now_ms + 2000000000000);
    check_next(items);
}

static void test_model(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++)
        run_random(seed, 0);
    run_random(21, 255);
    run_random(22, 0xffffff00); /* the top level wraps */
    run_random(23, 0xfffffffff0);
}

static void test_far_away(void **state)
{
    (void)state;
    struct item item;
    last_fired_at = 0;
    net_wheel_init(wheel, 0xfffffffe);
    net_timer_init(&item.timer, on_fire);
    start(&item, 0x100000001);
    assert_int_equal(net_wheel_next(wheel), 2); /* a cascade first */
    net_wheel_advance(wheel, 0x100000000);
    assert_int_equal(item.fired, 0);
    net_wheel_advance(wheel, 0x100000001);
    assert_int_equal(item.fired, 1);
    start(&item, UINT64_MAX); /* never, as good as */
    net_wheel_advance(wheel, wheel->now_ms + 10000000000);
    assert_int_equal(item.fired, 0);
    assert_true(net_wheel_next(wheel) > 0);
    net_timer_stop(&item.timer);
    assert_true(net_wheel_next(wheel) == -1);
}

/* ---- callbacks that touch other timers ---- */

static struct net_timer first, second, third;
static int second_fired, third_fired;

static void stop_and_restart(struct net_timer *timer)
{
    net_timer_stop(&second); /* due in the same millisecond */
    net_wheel_add(wheel, timer, 0);
    net_wheel_add(wheel, &third, wheel->now_ms + 256);
}

static void count_second(struct net_timer *timer)
{
    (void)timer;
    second_fired++;
}

static void count_third(struct net_timer *timer)
{
    (void)timer;
    third_fired++;
}

static void test_callbacks(void **state)
{
    (void)state;
    second_fired = third_fired = 0;
    net_wheel_init(wheel, 1000);
    net_timer_init(&first, stop_and_restart);
    net_timer_init(&second, count_second);
    net_timer_init(&third, count_third);
    net_wheel_add(wheel, &first, 1005);
    net_wheel_add(wheel, &second, 1005);
    net_wheel_advance(wheel, 1005);
    assert_int_equal(second_fired, 0);
    assert_true(net_timer_active(&first));
    assert_int_equal(net_wheel_next(wheel), 1);
    net_timer_stop(&first);
    net_timer_stop(&first);
    net_wheel_advance(wheel, 1005 + 255);
    assert_int_equal(third_fired, 0);
    net_wheel_advance(wheel, 1005 + 256);
    assert_int_equal(third_fired, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_far_away),
        cmocka_unit_test(test_callbacks),
    };
    wheel = malloc(sizeof *wheel);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(wheel);
    return failed;
}
