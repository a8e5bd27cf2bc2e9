/* Responses: fields, bodies of all kinds, files, peers that do not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "live_server.h"

static void test_head_and_bodiless(void **state)
{
    (void)state;
    test_client_send(client, "HEAD /now HTTP/1.1\r\nHost: x\r\n\r\n" GET("/unmodified"));
    test_client_expect(client, OK("3", "") "HTTP/1.1 304 Not Modified\r\n\r\n");
    test_client_send(client, "HEAD /chunk HTTP/1.1\r\nHost: x\r\n\r\n");
    test_client_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
    test_client_send(client, "HEAD /file HTTP/1.1\r\nHost: x\r\n\r\n");
    test_client_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 2097128\r\n\r\n");
}

static void test_fields(void **state)
{
    (void)state;
    test_client_send(client, GET("/odd"));
    test_client_expect(client, "HTTP/1.1 200 OK\r\nX-Good: yes\r\nX-Extra: 1\r\n"
                               "Content-Length: 3\r\n\r\nodd");
}

static void test_last_responses(void **state)
{
    (void)state;
    test_client_send(client, GET("/close") GET("/now"));
    test_client_expect(client, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n"
                               "Connection: close\r\n\r\nno");
    test_client_expect_close(client);
    new_client();
    test_client_send(client, GET("/raw") GET("/now"));
    test_client_expect(client, "raw bytes");
    test_client_expect_close(client);
    new_client();
    test_client_send(client, GET("/nothing"));
    test_client_expect(client, ANSWER_LAST("500 Internal Server Error"));
    test_client_expect_close(client);
    assert_int_equal(server.handled, 3);
}

static void test_large_responses(void **state)
{
    (void)state;
    size_t head = strlen("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
    test_client_send(client, GET("/chunk") GET("/chunk") GET("/chunk"));
    test_client_wait(client, 3 * (head + 300000));
    assert_int_equal(client->len, 3 * (head + 300000));
    client->len = 0;
    test_client_send(client, GET("/now"));
    test_client_expect(client, NOW);
}

static void test_file(void **state)
{
    (void)state;
    size_t len = strlen("HTTP/1.1 200 OK\r\nContent-Length: 2097128\r\n\r\n") + 2097128;
    test_client_send(client, GET("/file") GET("/now"));
    /* Of each piece the last bytes stay: what follows may come in pieces, too. */
    for (size_t dropped = 0; dropped + client->len < len + strlen(NOW);) {
        size_t more = client->len > 200 ? client->len - 200 : 0;
        memmove(client->got, client->got + more, client->len - more + 1);
        client->len -= more;
        dropped += more;
        size_t before = client->len;
        test_client_wait(client, before + 1);
        assert_true(client->len > before);
    }
    assert_string_equal(client->got + client->len - strlen(NOW), NOW);
    client->len = 0;
    test_client_send(client, GET("/file?short"));
    for (size_t got = 0; !client->closed;) {
        test_client_wait(client, 1);
        got += client->len;
        client->len = 0;
        assert_true(got <= len);
    }
}

static void test_peer_that_does_not_read(void **state)
{
    (void)state;
    server.config.body_timeout_ms = 50;
    for (int i = 0; i < 100; i++)
        test_client_send(client, GET("/chunk"));
    test_server_turn(&server, 200);
    assert_true(list_empty(&server.connections));
    assert_true(server.handled < 100); /* nor was all of it made in advance */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_head_and_bodiless), TEST(test_fields), TEST(test_last_responses),
        TEST(test_large_responses),   TEST(test_file),   TEST(test_peer_that_does_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
