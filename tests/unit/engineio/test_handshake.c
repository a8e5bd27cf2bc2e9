/* What is kept of a first request: all of it comes back as it was, and it is small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pool.h"
#include "engineio/handshake.h"
#include "http/live_server.h"

static struct eio_handshake *h;

/* Sends the request; its handshake is in `h`. */
static void keep(const char *text)
{
    test_client_send(client, text);
    for (int i = 0; i < 1000 && !server.deferred; i++)
        test_server_turn(&server, 1);
    assert_non_null(server.deferred);
    h = eio_handshake_new(server.deferred, NULL);
    assert_non_null(h);
}

static void drop(void)
{
    eio_handshake_free(server.loop, h);
    http_conn_destroy(server.deferred->conn);
    server.deferred = NULL;
    new_client();
}

static void assert_str(struct sioc_str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len);
}

static void expect_header(size_t *pos, const char *name, const char *value)
{
    struct sioc_str got_name, got_value;
    assert_true(eio_handshake_header_next(h, pos, &got_name, &got_value));
    assert_str(got_name, name);
    assert_str(got_value, value);
}

static void expect_no_header(size_t *pos)
{
    struct sioc_str name, value;
    assert_false(eio_handshake_header_next(h, pos, &name, &value));
}

static void test_usual_headers(void **state)
{
    (void)state;
    size_t pos = 0;
    keep("GET /defer?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost:3000\r\n"
         "Connection: keep-alive\r\nCONNECTION: Foo, bar\r\nuser-agent: \r\n"
         "X-Mine: A\r\nOrigin: http://x\r\nAccept: */*\r\naccept: text/html\r\n\r\n");
    assert_str(eio_handshake_url(h), "/defer?EIO=4&transport=websocket");
    assert_str(eio_handshake_query(h), "EIO=4&transport=websocket");
    assert_str(eio_handshake_address(h), "127.0.0.1");
    assert_true(h->xdomain);
    assert_false(h->secure);
    expect_header(&pos, "host", "localhost:3000");
    expect_header(&pos, "connection", "keep-alive");
    expect_header(&pos, "connection", "Foo, bar");
    expect_header(&pos, "user-agent", "");
    expect_header(&pos, "x-mine", "A");
    expect_header(&pos, "origin", "http://x");
    expect_header(&pos, "accept", "*/*");
    expect_header(&pos, "accept", "text/html");
    expect_no_header(&pos);
    drop();
}

/* Values with other case than the known ones are others. */
static void test_case(void **state)
{
    (void)state;
    size_t pos = 0;
    keep("GET /defer HTTP/1.1\r\nhOsT: X\r\nUpgrade: WebSocket\r\nPragma: NO-CACHE\r\n\r\n");
    assert_str(eio_handshake_query(h), "");
    assert_false(h->xdomain);
    expect_header(&pos, "host", "X");
    expect_header(&pos, "upgrade", "WebSocket");
    expect_header(&pos, "pragma", "NO-CACHE");
    expect_no_header(&pos);
    drop();
}

/* Lengths around those that take another byte. */
static void test_long_values(void **state)
{
    (void)state;
    static const size_t lengths[] = {127, 128, 129, 3000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char value[3001], text[7000];
        size_t pos = 0;
        memset(value, 'v', lengths[i]);
        value[lengths[i]] = '\0';
        snprintf(text, sizeof text,
                 "GET /defer HTTP/1.1\r\nHost: x\r\nCookie: %s\r\nX-%s: y\r\n\r\n", value,
                 value);
        keep(text);
        expect_header(&pos, "host", "x");
        expect_header(&pos, "cookie", value);
        snprintf(text, sizeof text, "x-%s", value);
        expect_header(&pos, text, "y");
        expect_no_header(&pos);
        drop();
    }
}

/* A client that says no more than it must: 220 bytes on the wire. */
static void test_size(void **state)
{
    (void)state;
    size_t used = net_loop_pool(server.loop)->used_bytes;
    keep("GET /defer?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:3000\r\n"
         "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    assert_in_range(h->headers_len, 40, 50);
    drop();
    test_server_turn(&server, 5);
    assert_int_equal(net_loop_pool(server.loop)->used_bytes, used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_usual_headers), TEST(test_case),
                                       TEST(test_long_values), TEST(test_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
