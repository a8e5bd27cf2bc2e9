/* From bytes to requests: heads and bodies in pieces, refusals, over real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "live_server.h"

static void test_bodies(void **state)
{
    (void)state;
    test_client_send(client, POST("/echo", "0"));
    test_client_expect(client, OK("0", ""));
    test_client_send(client, POST("/echo", "10") "01234");
    test_server_turn(&server, 2);
    assert_int_equal(server.completed, 1);
    test_client_send(client, "56789");
    test_client_expect(client, OK("10", "0123456789"));
}

static void test_chunked(void **state)
{
    (void)state;
    const char *body =
        "5;ext=\"x\"\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n0\r\nTrailer: 1\r\n\r\n";
    test_client_send(client, CHUNKED("/echo"));
    test_client_send(client, body);
    test_client_expect(client, OK("11", "hello world"));
    test_client_send(client, CHUNKED("/echo"));
    for (const char *at = body; *at; at++)
        test_client_send_bytes(client, at, 1);
    test_client_expect(client, OK("11", "hello world"));
    test_client_send(client, CHUNKED("/echo") "2\r\nabX");
    test_client_expect(client, REFUSAL("400 Bad Request"));
    test_client_expect_close(client);
    assert_int_equal(server.aborted, 1);
    assert_int_equal(server.metrics.reject_http_syntax, 1);
}

static void test_too_big(void **state)
{
    (void)state;
    test_client_send(client, POST("/echo?max=4", "5"));
    test_client_expect(client, ANSWER_LAST("413 Payload Too Large"));
    test_client_expect_close(client);
    new_client();
    test_client_send(client, CHUNKED("/own?max=4") "2\r\nab\r\n3\r\nc");
    test_client_expect(client, "HTTP/1.1 413 Payload Too Large\r\nContent-Type: text/plain\r\n"
                               "Content-Length: 4\r\nConnection: close\r\n\r\nmine");
    test_client_expect_close(client);
    assert_int_equal(server.too_big, 1);
    assert_int_equal(server.completed, 0);
    assert_int_equal(server.metrics.reject_too_big, 2);
    new_client();
    test_client_send(client, POST("/own?max=4", "4") "abcd");
    test_client_expect(client, OK("4", "abcd"));
}

/* An answer to a peer that is still sending arrives, and is followed by an end, not a reset. */
static void test_gentle_close(void **state)
{
    (void)state;
    static char junk[100000];
    test_client_send(client, POST("/echo?max=4", "900000"));
    for (int i = 0; i < 9; i++)
        test_client_send_bytes(client, junk, sizeof junk);
    test_client_expect(client, ANSWER_LAST("413 Payload Too Large"));
    test_client_expect_close(client);
    char byte;
    assert_int_equal(recv(client->fd, &byte, 1, 0), 0);
}

static void test_expect_continue(void **state)
{
    (void)state;
    const char *head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                       "Expect: 100-continue\r\n\r\n";
    test_client_send(client, head);
    test_client_expect(client, "HTTP/1.1 100 Continue\r\n\r\n");
    test_client_send(client, "ab");
    test_client_expect(client, OK("2", "ab"));
    test_client_send(client, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                             "Expect: 100-continue\r\n\r\nab");
    test_client_expect(client, OK("2", "ab")); /* it did not wait for it */
    test_client_send(client, "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                             "Expect: 100-continue\r\n\r\n");
    test_client_expect(client, LAST("3", "now"));
    test_client_expect_close(client);
}

/* A response before the body was read. */
static void test_unread_body(void **state)
{
    (void)state;
    test_client_send(client, POST("/now", "5") "hello" GET("/now") GET("/now"));
    test_client_expect(client, NOW NOW NOW);
    test_client_send(client, POST("/now", "5") "hel");
    test_client_expect(client, LAST("3", "now"));
    test_client_expect_close(client);
}

static void test_reject(void **state)
{
    (void)state;
    test_client_send(client, GET("/now") "get / HTTP/1.1\r\n");
    test_client_expect(client, NOW REFUSAL("400 Bad Request"));
    test_client_expect_close(client);
    new_client();
    test_client_send(client, "\x16\x03\x01"); /* TLS */
    test_client_expect(client, REFUSAL("400 Bad Request"));
    new_client();
    static char junk[9000];
    memset(junk, 'a', sizeof junk - 1);
    test_client_send(client, "GET / HTTP/1.1\r\nA: ");
    test_client_send(client, junk);
    test_client_expect(client, REFUSAL("431 Request Header Fields Too Large"));
    test_client_expect_close(client);
    assert_int_equal(server.metrics.reject_http_syntax, 2);
    assert_int_equal(server.metrics.reject_hdr_size, 1);
}

static void test_head_byte_by_byte(void **state)
{
    (void)state;
    for (const char *at = "\r\n" GET("/now") GET("/now"); *at; at++)
        test_client_send_bytes(client, at, 1);
    test_client_expect(client, NOW NOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bodies),       TEST(test_chunked),           TEST(test_too_big),
        TEST(test_gentle_close), TEST(test_expect_continue),   TEST(test_unread_body),
        TEST(test_reject),       TEST(test_head_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
