/* The heartbeat's deadline, as of the clock: whether the timer was looked at already or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engineio/session.h"
#include "http/live_server.h"

#define TIMEOUT_MS 200

static struct eio_engine engine;
static struct metrics metrics;
static const struct eio_options options = {.ping_interval_ms = 300,
                                           .ping_timeout_ms = TIMEOUT_MS};
static const char *closed_because;

static void on_closed(void *user, const char *reason, const char *details)
{
    (void)user;
    (void)details;
    closed_because = reason;
}

static const struct eio_engine_ops ops = {.closed = on_closed};

/* A session that waits for a pong, due `ms` ago. */
static struct eio_session *waiting(uint64_t ms)
{
    test_client_send(client, "GET /defer HTTP/1.1\r\nHost: a\r\n\r\n");
    for (int i = 0; i < 1000 && !server.deferred; i++)
        test_server_turn(&server, 1);
    assert_non_null(server.deferred);
    assert_int_equal(
        eio_engine_init(&engine, server.loop, &options, &ops, NULL, NULL, &metrics, NULL), 0);
    struct eio_session *s = eio_session_new(&engine, server.deferred, STR("x"));
    assert_non_null(s);
    eio_session_set_user(s, &engine);
    s->awaiting_pong = true;
    net_timer_start(server.loop, &s->timer, 100000);
    s->timer.due_ms = net_loop_now_ms(server.loop) - ms;
    closed_because = NULL;
    return s;
}

static void end(struct eio_session *s)
{
    if (s)
        eio_session_fail(s, "over", "");
    test_server_turn(&server, 0); /* the session is freed */
    eio_engine_deinit(&engine);
    http_conn_destroy(server.deferred->conn);
    server.deferred = NULL;
    new_client();
}

static void test_on_the_dot(void **state)
{
    (void)state;
    struct eio_session *s = waiting(0);
    assert_true(eio_session_expired(s));
    assert_string_equal(closed_because, "ping timeout");
    end(NULL);
}

static void test_before(void **state)
{
    (void)state;
    struct eio_session *s = waiting(0);
    s->timer.due_ms++;
    assert_false(eio_session_expired(s));
    assert_null(closed_because);
    end(s);
}

static void test_after_a_stall_of_ours(void **state)
{
    (void)state;
    struct eio_session *s = waiting(TIMEOUT_MS / 2 + 1);
    assert_false(eio_session_expired(s)); /* its answer may be there, not yet read */
    s->timer.due_ms++;
    assert_true(eio_session_expired(s));
    end(NULL);
}

static void test_who_owes_no_pong(void **state)
{
    (void)state;
    struct eio_session *s = waiting(0);
    s->awaiting_pong = false;
    assert_false(eio_session_expired(s));
    s->protocol = 3; /* whose client pings: it is always waited for */
    assert_true(eio_session_expired(s));
    end(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_on_the_dot), TEST(test_before),
                                       TEST(test_after_a_stall_of_ours),
                                       TEST(test_who_owes_no_pong)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
