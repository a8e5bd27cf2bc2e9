/* Connections over real loopback sockets: order, ends, deadlines, upgrades, failing memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "live_server.h"

static void test_keep_alive(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        test_client_send(client, GET("/now"));
        test_client_expect(client, NOW);
    }
    test_client_send(client,
                     "\r\n\r\nGET /now HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    test_client_expect(client, LAST("3", "now"));
    test_client_expect_close(client);
    assert_int_equal(server.handled, 4);
}

static void test_http10(void **state)
{
    (void)state;
    test_client_send(client, "GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    test_client_expect(client, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                               "Content-Length: 3\r\nConnection: keep-alive\r\n\r\nnow");
    test_client_send(client, "GET /now HTTP/1.0\r\n\r\n");
    test_client_expect(client, LAST("3", "now"));
    test_client_expect_close(client);
}

static void test_pipeline(void **state)
{
    (void)state;
    test_client_send(client, GET("/now") GET("/defer") POST("/echo", "5") "hello" GET("/now"));
    test_client_expect(client, NOW);
    assert_int_equal(server.handled, 2); /* the rest waits */
    answer_deferred();
    test_client_expect(client, OK("4", "late") OK("5", "hello") NOW);
    assert_int_equal(server.handled, 4);
}

static void test_pipeline_of_many(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    size_t len = strlen(GET("/now"));
    char *all = malloc(len * COUNT + 1);
    assert_non_null(all);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(all + i * len, GET("/now"), len + 1);
    test_client_send(client, all);
    test_client_wait(client, strlen(NOW) * COUNT);
    assert_int_equal(client->len, strlen(NOW) * COUNT);
    assert_int_equal(server.handled, COUNT);
    free(all);
}

static void test_waiting_is_bounded(void **state)
{
    (void)state;
    static char junk[65536];
    memset(junk, 'j', sizeof junk);
    test_client_send(client, GET("/defer"));
    size_t sent = 0;
    for (int i = 0; i < 2000; i++) {
        ssize_t n = send(client->fd, junk, sizeof junk, MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        test_server_turn(&server, 0);
    }
    assert_true(sent < 40u << 20); /* what two kernel buffers hold */
    answer_deferred();
    test_client_wait(client, 10);
    assert_non_null(strstr(client->got, "late"));
    assert_non_null(strstr(client->got, REFUSAL("400 Bad Request")));
}

static void test_peer_goes(void **state)
{
    (void)state;
    test_client_send(client, GET("/defer"));
    test_server_turn(&server, 2);
    assert_non_null(server.deferred);
    test_client_close(client);
    test_server_turn(&server, 5);
    assert_int_equal(server.aborted, 1);
    assert_null(server.deferred);
    client = test_client_open(&server);
    test_client_send(client, POST("/echo", "5") "ab");
    test_server_turn(&server, 2);
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    test_client_close(client);
    test_server_turn(&server, 5);
    assert_int_equal(server.aborted, 2);
    assert_true(list_empty(&server.connections));
    client = test_client_open(&server);
}

static void test_destroy_inside(void **state)
{
    (void)state;
    test_client_send(client, GET("/gone") GET("/now"));
    test_client_expect_close(client);
    assert_int_equal(server.aborted, 0); /* it had not taken the request */
    new_client();
    test_client_send(client, POST("/destroy", "2") "ab" GET("/now"));
    test_client_expect_close(client);
    assert_int_equal(server.aborted, 1);
    assert_int_equal(server.handled, 2);
}

static void test_close_all(void **state)
{
    (void)state;
    struct test_client *idle = test_client_open(&server);
    test_client_send(client, GET("/defer") GET("/now"));
    test_server_turn(&server, 2);
    http_conns_close(&server.config);
    test_client_expect_close(idle);
    test_client_close(idle);
    answer_deferred();
    test_client_expect(client, LAST("4", "late"));
    test_client_expect_close(client);
    assert_int_equal(server.handled, 1);
    assert_true(list_empty(&server.connections));
}

static void test_deadlines(void **state)
{
    (void)state;
    server.config.header_timeout_ms = 30;
    server.config.body_timeout_ms = 60;
    server.config.keepalive_timeout_ms = 90;
    test_client_close(client);

    client = test_client_open(&server); /* says nothing */
    test_client_expect_close(client);
    test_client_close(client);
    client = test_client_open(&server); /* half a head; more bytes buy no more time */
    test_client_send(client, "GET / HT");
    for (int i = 0; i < 10; i++) {
        test_client_send(client, "T");
        test_server_turn(&server, 10);
    }
    assert_int_equal(server.metrics.reject_hdr_timeout, 2);
    test_client_expect(client, REFUSAL("408 Request Timeout"));
    test_client_expect_close(client);
    test_client_close(client);
    assert_int_equal(server.metrics.reject_hdr_timeout, 2);

    client = test_client_open(&server); /* half a body */
    test_client_send(client, POST("/echo", "5") "ab");
    test_client_expect(client, REFUSAL("408 Request Timeout"));
    test_client_expect_close(client);
    test_client_close(client);
    assert_int_equal(server.metrics.reject_body_timeout, 1);
    assert_int_equal(server.aborted, 1);

    client = test_client_open(&server); /* idle, after a handler that took its time */
    test_client_send(client, GET("/defer"));
    test_server_turn(&server, 150);
    answer_deferred();
    test_client_expect(client, OK("4", "late"));
    test_client_expect_close(client);
    assert_int_equal(server.metrics.reject_idle, 1);
}

/* ---- upgrades ---- */

#define UPGRADE                                                            \
    "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " \
    "websocket\r\n\r\n"

static char upgraded_got[100];

static void on_upgraded_data(void *owner, uint8_t *bytes, size_t len)
{
    (void)owner;
    strncat(upgraded_got, (char *)bytes, len);
}

static void on_upgraded_gone(void *owner, int error)
{
    (void)error;
    net_stream_close(owner);
    server.upgraded = NULL;
}

static void test_upgrade(void **state)
{
    (void)state;
    static const struct net_stream_ops ops = {.data = on_upgraded_data,
                                              .gone = on_upgraded_gone};
    upgraded_got[0] = '\0';
    test_client_send(client, GET("/now") UPGRADE "early");
    test_client_wait(client, 10);
    assert_non_null(server.upgraded);
    net_stream_set_owner(server.upgraded, &ops, server.upgraded);
    test_client_expect(client, NOW "HTTP/1.1 101 Switching Protocols\r\n\r\n");
    assert_int_equal(server.rest_len, 5);
    assert_memory_equal(server.rest, "early", 5);
    test_client_send(client, "more");
    test_server_turn(&server, 5);
    assert_string_equal(upgraded_got, "more");
    assert_true(list_empty(&server.connections));
}

/* ---- memory that fails ---- */

static void scenario(void)
{
    struct test_client *c = test_client_open(&server);
    test_client_send(c, GET("/now") POST("/echo", "3") "abc" CHUNKED("/echo") "1\r\n");
    test_client_send(c, "x\r\n0\r\n\r\nGET /defer HTTP/1.1\r\n");
    test_client_send(c, "Host: x\r\n\r\n" GET("/chunk"));
    test_server_turn(&server, 3);
    if (server.deferred) {
        struct http_request *request = server.deferred;
        server.deferred = NULL;
        (void)http_respond(request, 200, NULL, 0, STR("late"));
    }
    test_server_turn(&server, 3);
    test_client_close(c);
    test_server_turn(&server, 3);
}

static void test_failing_memory(void **state)
{
    (void)state;
    mem_test_fail_at(0, false);
    scenario();
    size_t count = mem_test_count();
    assert_true(count > 10);
    for (size_t i = 1; i <= count + 1; i++) {
        mem_test_fail_at(i, false);
        scenario();
        mem_test_fail_at(i, true);
        scenario();
    }
    mem_test_fail_at(0, false);
    test_client_send(client, GET("/now")); /* the others live on */
    test_client_expect(client, NOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_keep_alive),         TEST(test_http10),
        TEST(test_pipeline),           TEST(test_pipeline_of_many),
        TEST(test_waiting_is_bounded), TEST(test_peer_goes),
        TEST(test_destroy_inside),     TEST(test_close_all),
        TEST(test_deadlines),          TEST(test_upgrade),
        TEST(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
