/* live_server.h -- a small HTTP server on a real loopback socket, its test handler, and raw
 * clients, all in one thread: whoever waits turns the loop.  Included once per program.
 */
#ifndef TEST_HTTP_LIVE_SERVER_H
#define TEST_HTTP_LIVE_SERVER_H

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/conn.h"
#include "net/chunk.h"
#include "net/listener.h"
#include "net/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct test_server {
    struct net_loop *loop;
    struct net_listener *listener;
    struct http_config config;
    struct list connections;
    struct metrics metrics;
    struct log log;
    /* What the handler saw. */
    int handled, completed, aborted, too_big, drained;
    struct http_request *deferred; /* "/defer" waits here */
    struct net_stream *upgraded;   /* "/upgrade" */
    uint8_t *rest;
    size_t rest_len;
};

#define PATIENCE_MS 5000

/* ---- the handler ---- */

static inline void respond_text(struct http_request *request, int status, struct sioc_str body)
{
    struct http_field type = {"Content-Type", STR("text/plain")};
    http_respond(request, status, &type, 1, body);
}

static inline void on_echo(struct http_request *request)
{
    struct test_server *s = request->user;
    s->completed++;
    respond_text(request, 200, buf_str(&request->body));
    assert_int_equal(http_respond(request, 200, NULL, 0, STR("")), SIOC_ESTATE);
}

static inline void on_defer(struct http_request *request)
{
    struct test_server *s = request->user;
    s->completed++;
    s->deferred = request;
}

static inline void on_drained(struct http_request *request)
{
    struct test_server *s = request->user;
    s->drained++;
}

static inline void on_destroy(struct http_request *request)
{
    struct test_server *s = request->user;
    s->completed++;
    http_conn_destroy(request->conn);
}

static inline void on_aborted(struct http_request *request)
{
    struct test_server *s = request->user;
    s->aborted++;
    if (s->deferred == request)
        s->deferred = NULL;
    assert_int_equal(http_respond(request, 200, NULL, 0, STR("")), SIOC_ESTATE);
}

static inline void on_too_big(struct http_request *request)
{
    struct test_server *s = request->user;
    s->too_big++;
    respond_text(request, 413, STR("mine"));
}

static const struct http_request_ops echo_ops = {.complete = on_echo, .aborted = on_aborted};
static const struct http_request_ops defer_ops = {
    .complete = on_defer, .aborted = on_aborted, .drained = on_drained};
static const struct http_request_ops destroy_ops = {.complete = on_destroy,
                                                    .aborted = on_aborted};
static const struct http_request_ops own_ops = {
    .complete = on_echo, .aborted = on_aborted, .too_big = on_too_big};

static inline void respond_odd(struct http_request *request)
{
    const struct http_field fields[] = {
        {"X-Good", STR("yes")},
        {"X-Bad", STR("a\r\nX-Evil: 1")},
        {"X Bad", STR("name")},
        {"Content-Length", STR("5")},
        {"", STR("empty")},
        {"X-Nul", sioc_str_n("a\0b", 3)},
        {"Connection", STR("upgrade")},
        {"Transfer-Encoding", STR("chunked")},
    };
    buf_put_str(&request->extra_headers, STR("X-Extra: 1\r\n"));
    http_respond(request, 200, fields, sizeof fields / sizeof *fields, STR("odd"));
}

static inline void respond_chunk(struct http_request *request)
{
    static char big[300000];
    memset(big, 'x', sizeof big);
    struct net_chunk *chunk = net_chunk_new(sioc_str_n(big, sizeof big));
    if (chunk)
        http_respond_chunk(request, 200, NULL, 0, chunk);
    else
        http_conn_destroy(request->conn);
    net_chunk_unref(chunk);
}

static inline void respond_file(struct http_request *request)
{
    char name[] = "/tmp/sioc-test-XXXXXX", line[1024];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    memset(line, 'f', sizeof line);
    for (int i = 0; i < 2048; i++)
        assert_int_equal(write(fd, line, sizeof line), sizeof line);
    assert_int_equal(lseek(fd, 24, SEEK_SET), 24);
    bool promise_more = str_eq(request->head.query, STR("short"));
    http_respond_file(request, 200, NULL, 0, fd, 2048 * 1024 - 24 + (promise_more ? 9 : 0));
}

static inline void upgrade(struct test_server *s, struct http_request *request)
{
    s->upgraded = http_upgrade(request, STR("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
                               &s->rest, &s->rest_len);
}

static inline void handle(void *user, struct http_request *request)
{
    struct test_server *s = user;
    struct sioc_str path = request->head.path;
    s->handled++;
    request->user = s;
    if (str_eq(path, STR("/now")))
        respond_text(request, 200, STR("now"));
    else if (str_eq(path, STR("/close")))
        http_respond_close(request, 403, NULL, 0, STR("no"));
    else if (str_eq(path, STR("/raw")))
        http_respond_raw_close(request, STR("raw bytes"));
    else if (str_eq(path, STR("/odd")))
        respond_odd(request);
    else if (str_eq(path, STR("/chunk")))
        respond_chunk(request);
    else if (str_eq(path, STR("/file")))
        respond_file(request);
    else if (str_eq(path, STR("/unmodified")))
        http_respond(request, 304, NULL, 0, STR("ignored"));
    else if (str_eq(path, STR("/upgrade")))
        upgrade(s, request);
    else if (str_eq(path, STR("/gone")))
        http_conn_destroy(request->conn);
    else if (str_eq(path, STR("/defer")))
        request->ops = &defer_ops;
    else if (str_eq(path, STR("/destroy")))
        request->ops = &destroy_ops;
    else if (str_eq(path, STR("/own")))
        request->ops = &own_ops;
    else if (!str_eq(path, STR("/nothing")))
        request->ops = &echo_ops;
    if (str_starts(request->head.query, STR("max=")))
        request->max_body_bytes = 4;
}

/* ---- the server ---- */

static inline void on_accept(void *user, struct net_stream *stream)
{
    struct test_server *s = user;
    http_conn_open(&s->config, stream);
}

static inline void test_server_open(struct test_server *s)
{
    memset(s, 0, sizeof *s);
    list_init(&s->connections);
    s->config = (struct http_config){
        .limits = {.head_bytes = 8192, .url_bytes = 4096, .headers = 64},
        .header_timeout_ms = 10000,
        .body_timeout_ms = 10000,
        .keepalive_timeout_ms = 10000,
        .max_body_bytes = 1000000,
        .metrics = &s->metrics,
        .log = &s->log,
        .handle = handle,
        .user = s,
        .connections = &s->connections,
    };
    assert_int_equal(net_loop_new(&s->loop), 0);
    assert_int_equal(net_listen(s->loop, "127.0.0.1", 0, on_accept, s, &s->listener), 0);
}

static inline void test_server_close(struct test_server *s)
{
    if (s->upgraded)
        net_stream_close(s->upgraded);
    mem_free(s->rest);
    http_conns_destroy(&s->config);
    net_listener_close(s->listener);
    net_loop_free(s->loop);
    assert_true(list_empty(&s->connections));
    assert_int_equal(s->metrics.connections_opened, s->metrics.connections_closed);
}

/* Turns the loop for that long. */
static inline void test_server_turn(struct test_server *s, int ms)
{
    uint64_t end = clock_mono_ms() + (uint64_t)ms;
    do {
        struct pollfd p = {.fd = net_loop_backend_fd(s->loop), .events = POLLIN};
        poll(&p, 1, ms ? 1 : 0);
        net_loop_step(s->loop, false);
    } while (clock_mono_ms() < end);
}

/* ---- clients ---- */

struct test_client {
    struct test_server *server;
    int fd;
    char got[1 << 20]; /* NUL-terminated; without Date lines */
    size_t len;
    bool closed; /* the server has closed */
};

static inline struct test_client *test_client_open(struct test_server *s)
{
    struct test_client *c = calloc(1, sizeof *c);
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(net_listener_port(s->listener));
    assert_non_null(c);
    c->server = s;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof to), 0);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    test_server_turn(s, 0);
    return c;
}

static inline void test_client_close(struct test_client *c)
{
    close(c->fd);
    test_server_turn(c->server, 0);
    free(c);
}

static inline void test_client_send_bytes(struct test_client *c, const char *bytes, size_t len)
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (len) {
        ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return; /* the server closed: what it said will tell */
        assert_true(clock_mono_ms() < end);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
        test_server_turn(c->server, 0);
    }
}

static inline void test_client_send(struct test_client *c, const char *text)
{
    test_client_send_bytes(c, text, strlen(text));
}

static inline void drop_dates(struct test_client *c)
{
    char *date;
    while ((date = strstr(c->got, "Date: ")) != NULL) {
        char *end = strchr(date, '\n');
        if (!end)
            return;
        memmove(date, end + 1, strlen(end + 1) + 1);
        c->len -= (size_t)(end + 1 - date);
    }
}

static inline void receive(struct test_client *c)
{
    while (!c->closed && c->len < sizeof c->got - 1) { /* full: the rest comes next time */
        ssize_t n = recv(c->fd, c->got + c->len, sizeof c->got - 1 - c->len, 0);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0)
            c->closed = true;
        else
            c->len += (size_t)n;
        c->got[c->len] = '\0';
    }
    drop_dates(c);
}

/* Turns until at least `len` bytes came or the server has closed. */
static inline void test_client_wait(struct test_client *c, size_t len)
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    receive(c);
    while (c->len < len && !c->closed && clock_mono_ms() < end) {
        test_server_turn(c->server, 1);
        receive(c);
    }
}

/* Turns until `text` is all that came (then drops it), or fails. */
static inline void test_client_expect(struct test_client *c, const char *text)
{
    test_client_wait(c, strlen(text));
    test_server_turn(c->server, 2); /* would more come? */
    receive(c);
    assert_string_equal(c->got, text);
    c->len = 0;
    c->got[0] = '\0';
}

/* Turns until the server has closed; nothing may come meanwhile. */
static inline void test_client_expect_close(struct test_client *c)
{
    test_client_wait(c, 1);
    assert_string_equal(c->got, "");
    assert_true(c->closed);
}

/* ---- texts ---- */

#define GET(path)         "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, len)   "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: " len "\r\n\r\n"
#define CHUNKED(path)     "POST " path " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
#define TEXT(len, body)   "Content-Type: text/plain\r\nContent-Length: " len "\r\n\r\n" body
#define OK(len, body)     "HTTP/1.1 200 OK\r\n" TEXT(len, body)
#define NOW               OK("3", "now")
#define REFUSAL(line)     "HTTP/1.1 " line "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
#define ANSWER_LAST(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
/* The same 200 as the last one of its connection. */
#define LAST(len, body)                               \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" \
    "Content-Length: " len "\r\nConnection: close\r\n\r\n" body

/* ---- one server and one client for each test ---- */

static struct test_server server;
static struct test_client *client;

static inline int setup(void **state)
{
    (void)state;
    test_server_open(&server);
    client = test_client_open(&server);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    test_client_close(client);
    test_server_close(&server);
    return 0;
}

/* In place of the client there was. */
static inline void new_client(void)
{
    test_client_close(client);
    client = test_client_open(&server);
}

static inline void answer_deferred(void)
{
    struct http_field type = {"Content-Type", STR("text/plain")};
    struct http_request *request = server.deferred;
    assert_non_null(request);
    server.deferred = NULL;
    assert_int_equal(http_respond(request, 200, &type, 1, STR("late")), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
