/* Responses in pieces: framing, promises kept and broken, patience. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "live_server.h"

static struct test_server server;
static struct test_client *client;

static int set_up(void **state)
{
    (void)state;
    test_server_open(&server);
    client = test_client_open(&server);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_client_close(client);
    test_server_close(&server);
    return 0;
}

/* Sends a request for "/defer" and returns it as the handler has it. */
static struct http_request *ask(const char *method, const char *version)
{
    char text[128];
    snprintf(text, sizeof text, "%s /defer HTTP/%s\r\nHost: x\r\n\r\n", method, version);
    server.deferred = NULL;
    test_client_send(client, text);
    for (int i = 0; i < PATIENCE_MS && !server.deferred; i++)
        test_server_turn(&server, 1);
    assert_non_null(server.deferred);
    return server.deferred;
}

#define GET_NOW "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"
#define NOW_ANSWER                                                         \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n" \
    "\r\nnow"

static void test_chunks(void **state)
{
    (void)state;
    struct http_request *r = ask("GET", "1.1");
    struct http_field type = {"Content-Type", STR("text/plain")};
    assert_int_equal(http_respond_begin(r, 200, &type, 1, HTTP_LENGTH_UNKNOWN), 0);
    assert_int_equal(http_respond_begin(r, 200, &type, 1, HTTP_LENGTH_UNKNOWN), SIOC_ESTATE);
    assert_int_equal(http_respond(r, 200, NULL, 0, STR("")), SIOC_ESTATE);
    test_client_expect(client, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(http_respond_piece(r, STR("a first piece, 20 by")), 0);
    test_client_expect(client, "14\r\na first piece, 20 by\r\n");
    assert_int_equal(http_respond_piece(r, STR("")), 0);
    assert_int_equal(http_respond_piece(r, STR("x")), 0);
    assert_int_equal(http_respond_end(r), 0);
    test_client_expect(client, "1\r\nx\r\n0\r\n\r\n");
    test_client_send(client, GET_NOW);
    test_client_expect(client, NOW_ANSWER);
}

static void test_counted(void **state)
{
    (void)state;
    struct http_request *r = ask("GET", "1.1");
    assert_int_equal(http_respond_piece(r, STR("x")), SIOC_ESTATE);
    assert_int_equal(http_respond_end(r), SIOC_ESTATE);
    assert_int_equal(http_respond_begin(r, 201, NULL, 0, 5), 0);
    assert_int_equal(http_respond_piece(r, STR("abc")), 0);
    assert_int_equal(http_respond_piece(r, STR("def")), SIOC_ETOOBIG);
    assert_int_equal(http_respond_piece(r, STR("de")), 0);
    assert_int_equal(http_respond_end(r), 0);
    test_client_expect(client, "HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nabcde");
    test_client_send(client, GET_NOW);
    test_client_expect(client, NOW_ANSWER);
}

static void test_broken_promise(void **state)
{
    (void)state;
    struct http_request *r = ask("GET", "1.1");
    assert_int_equal(http_respond_begin(r, 200, NULL, 0, 5), 0);
    assert_int_equal(http_respond_piece(r, STR("abc")), 0);
    assert_int_equal(http_respond_end(r), SIOC_EINVAL);
    test_client_expect_close(client);
    assert_int_equal(server.aborted, 0);
}

static void test_old_client(void **state)
{
    (void)state;
    struct http_request *r = ask("GET", "1.0");
    assert_int_equal(http_respond_begin(r, 200, NULL, 0, HTTP_LENGTH_UNKNOWN), 0);
    assert_int_equal(http_respond_piece(r, STR("abc")), 0);
    assert_int_equal(http_respond_end(r), 0);
    test_client_expect(client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
    test_client_expect_close(client);
}

static void test_head(void **state)
{
    (void)state;
    struct http_request *r = ask("HEAD", "1.1");
    assert_int_equal(http_respond_begin(r, 200, NULL, 0, 5), 0);
    assert_int_equal(http_respond_piece(r, STR("abcde")), 0);
    assert_int_equal(http_respond_end(r), 0);
    test_client_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    test_client_send(client, GET_NOW);
    test_client_expect(client, NOW_ANSWER);
}

/* The next request waits until the end of the response before it. */
static void test_pipelined(void **state)
{
    (void)state;
    struct http_request *r = ask("GET", "1.1");
    assert_int_equal(http_respond_begin(r, 200, NULL, 0, 2), 0);
    test_client_send(client, GET_NOW);
    test_client_expect(client, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(server.handled, 1);
    assert_int_equal(http_respond_piece(r, STR("ab")), 0);
    assert_int_equal(http_respond_end(r), 0);
    test_client_expect(client, "ab" NOW_ANSWER);
}

static void test_patience(void **state)
{
    (void)state;
    static char piece[8192];
    size_t sent = 0;
    struct http_request *r = ask("GET", "1.1");
    memset(piece, 'p', sizeof piece);
    assert_int_equal(http_respond_begin(r, 200, NULL, 0, HTTP_LENGTH_UNKNOWN), 0);
    int said = 0;
    while (said == 0 && sent < (64u << 20)) { /* nobody reads */
        said = http_respond_piece(r, sioc_str_n(piece, sizeof piece));
        sent += sizeof piece;
        if (sent % (1u << 20) == 0)
            test_server_turn(&server, 0);
    }
    assert_int_equal(said, SIOC_EAGAIN);
    assert_int_equal(server.drained, 0);
    for (size_t got = 0; server.drained == 0 && got < sent;) {
        test_client_wait(client, 1);
        got += client->len;
        client->len = 0;
    }
    assert_int_equal(server.drained, 1);
    assert_int_equal(http_respond_piece(r, STR("on")), 0);
    assert_int_equal(http_respond_end(r), 0);
}

static void test_client_leaves(void **state)
{
    (void)state;
    struct http_request *r = ask("GET", "1.1");
    assert_int_equal(http_respond_begin(r, 200, NULL, 0, HTTP_LENGTH_UNKNOWN), 0);
    shutdown(client->fd, SHUT_RDWR);
    for (int i = 0; i < PATIENCE_MS && !server.aborted; i++)
        test_server_turn(&server, 1);
    assert_int_equal(server.aborted, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chunks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_promise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_old_client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_head, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pipelined, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_patience, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_client_leaves, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
