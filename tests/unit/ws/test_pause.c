/* What a connection says after a pause leaves by itself, later, complete and in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helper_frames.h"
#include "helper_pair.h"

static struct ws_pauses pauses;

static void open_pausing(struct pair *p, const struct ws_conn_events *with)
{
    pair_connect(p);
    ws_pauses_init(&pauses, p->loop, 2);
    assert_int_equal(ws_conn_open(&p->config, p->stream, STR(""), with, p, &p->conn), 0);
}

static void end(struct pair *p)
{
    ws_pauses_deinit(&pauses);
    pair_end(p);
}

static void test_leaves_in_two_parts(void **state)
{
    (void)state;
    struct pair p;
    open_pausing(&p, &events);
    assert_int_equal(send_text(&p, "a", 1), 0);
    ws_conn_pause(p.conn, &pauses);
    assert_true(ws_conn_idle(p.conn)); /* "a" is out, before the turn has ended */
    assert_int_equal(send_text(&p, "b", 1), 0);
    ws_conn_pause(p.conn, &pauses); /* once more: nothing */
    assert_int_equal(send_text(&p, "c", 1), 0);
    net_loop_flush(p.loop);
    assert_int_equal(ws_conn_queued(p.conn), 6); /* the turn's end is not theirs */
    assert_true(ws_conn_idle(p.conn));           /* nobody else lets them wait */
    await_in(&p,
             "\x81\x01"
             "a\x81\x01"
             "b\x81\x01"
             "c",
             9, false);
    await_log(&p, "drained ");
    assert_true(log_is(&p, "drained "));
    /* And then it is as before. */
    assert_int_equal(send_text(&p, "d", 1), 0);
    net_loop_flush(p.loop);
    assert_true(ws_conn_idle(p.conn));
    end(&p);
}

static void test_pauses_again(void **state)
{
    (void)state;
    struct pair p;
    open_pausing(&p, &quiet_events);
    ws_conn_pause(p.conn, &pauses);
    assert_int_equal(send_text(&p, "p", 1), 0);
    while (ws_conn_queued(p.conn)) /* the timer stops, and starts again for the next one */
        turn(&p);
    ws_conn_pause(p.conn, &pauses);
    assert_int_equal(send_text(&p, "q", 1), 0);
    net_loop_flush(p.loop);
    assert_int_equal(ws_conn_queued(p.conn), 3);
    await_in(&p,
             "\x81\x01"
             "p\x81\x01"
             "q",
             6, false);
    end(&p);
}

static void test_ends_while_pausing(void **state)
{
    (void)state;
    struct pair p;
    struct buf b;
    buf_init(&b);
    open_pausing(&p, &quiet_events);
    ws_conn_pause(p.conn, &pauses);
    assert_int_equal(send_text(&p, "a", 1), 0);
    ws_conn_close(p.conn, 0, STR(""));
    put_close(&b, 0, "");
    peer_send(&p, &b);
    await_in(&p,
             "\x81\x01"
             "a\x88\x00",
             5, true);
    end(&p);

    open_pausing(&p, &quiet_events);
    ws_conn_pause(p.conn, &pauses);
    assert_int_equal(send_text(&p, "a", 1), 0);
    ws_conn_destroy(p.conn);
    assert_true(list_empty(&pauses.fresh));
    settle(&p);
    end(&p);
}

static void test_ends_when_the_peer_speaks(void **state)
{
    (void)state;
    struct pair p;
    open_pausing(&p, &events);
    ws_conn_pause(p.conn, &pauses);
    assert_int_equal(send_text(&p, "a", 1), 0);
    net_timer_stop(&pauses.timer); /* so it is not the time */
    settle(&p);
    assert_int_equal(ws_conn_queued(p.conn), 3);
    peer_text(&p, "x");
    await_in(&p,
             "\x81\x01"
             "a",
             3, false);
    assert_true(list_empty(&pauses.fresh));
    ws_conn_pause(p.conn, &pauses); /* a pause that is over may begin again */
    assert_int_equal(send_text(&p, "b", 1), 0);
    net_loop_flush(p.loop);
    assert_int_equal(ws_conn_queued(p.conn), 3);
    await_in(&p,
             "\x81\x01"
             "b",
             3, false);
    end(&p);
}

static void nothing(struct net_task *task)
{
    (void)task;
}

static void test_a_crowd_does_not_pause(void **state)
{
    (void)state;
    struct pair p;
    struct net_task others[WS_PAUSES_MAX];
    open_pausing(&p, &events);
    for (size_t i = 0; i < WS_PAUSES_MAX; i++) {
        net_task_init(&others[i], nothing);
        assert_true(ws_pause(&pauses, &others[i]));
    }
    ws_conn_pause(p.conn, &pauses);
    assert_int_equal(send_text(&p, "a", 1), 0);
    net_loop_flush(p.loop);
    assert_int_equal(ws_conn_queued(p.conn), 0); /* as without a pause */
    net_task_cancel(&others[0]);
    ws_conn_pause(p.conn, &pauses);
    assert_int_equal(send_text(&p, "b", 1), 0);
    net_loop_flush(p.loop);
    assert_int_equal(ws_conn_queued(p.conn), 3);
    await_in(&p,
             "\x81\x01"
             "a"
             "\x81\x01"
             "b",
             6, false);
    for (size_t i = 0; i < WS_PAUSES_MAX; i++)
        net_task_cancel(&others[i]);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaves_in_two_parts),
        cmocka_unit_test(test_pauses_again),
        cmocka_unit_test(test_ends_while_pausing),
        cmocka_unit_test(test_ends_when_the_peer_speaks),
        cmocka_unit_test(test_a_crowd_does_not_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
