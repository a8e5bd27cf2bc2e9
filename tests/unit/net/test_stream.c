/* Streams over real loopback sockets: in, out, back-pressure, and all kinds of ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/internal.h"
#include "peer.h"

static void test_read(void **state)
{
    (void)state;
    assert_int_equal(send(peer, "hello", 5, 0), 5);
    turn(3, NULL);
    assert_int_equal(got_len, 5);
    assert_memory_equal(got, "hello", 5);
    net_stream_read_stop(stream);
    assert_int_equal(send(peer, "x", 1, 0), 1);
    turn(3, NULL);
    assert_int_equal(got_len, 5);
    net_stream_read_start(stream);
    turn(3, NULL);
    assert_int_equal(got_len, 6);
}

static void test_read_much(void **state)
{
    (void)state;
    static char much[1 << 20];
    size_t sent = 0;
    uint64_t deadline = clock_mono_ms() + 10000;
    while ((sent < sizeof much || got_len < sizeof much) && clock_mono_ms() < deadline) {
        ssize_t n = send(peer, much + sent, sizeof much - sent, 0);
        sent += n > 0 ? (size_t)n : 0;
        turn(1, NULL);
    }
    assert_int_equal(sent, sizeof much);
    assert_int_equal(got_len, sizeof much);
}

static void test_write(void **state)
{
    (void)state;
    const struct net_span spans[] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    uint8_t bytes[16];
    size_t len = 0;
    assert_int_equal(net_stream_write(stream, spans, 3), 5);
    usleep(2000);
    assert_true(peer_read(bytes, sizeof bytes, &len));
    assert_int_equal(len, 5);
    assert_memory_equal(bytes, "abcde", 5);
}

/* Writes until the kernel takes no more. */
static void fill_up(void)
{
    static char much[1 << 16];
    const struct net_span span = {much, sizeof much};
    int64_t n;
    do
        n = net_stream_write(stream, &span, 1);
    while (n > 0);
    assert_int_equal(n, 0);
}

static void drain_peer(void)
{
    static uint8_t bytes[1 << 16];
    size_t len;
    do {
        len = 0;
        peer_read(bytes, sizeof bytes, &len);
        turn(0, NULL);
    } while (len);
}

static void test_writable(void **state)
{
    (void)state;
    fill_up();
    turn(3, NULL);
    assert_int_equal(writable, 0); /* nobody asked */
    net_stream_want_write(stream);
    turn(3, NULL);
    assert_int_equal(writable, 0);
    drain_peer();
    turn(3, NULL);
    assert_int_equal(writable, 1); /* once */
    fill_up();
    net_stream_want_write(stream);
    close_in_writable = true;
    drain_peer();
    turn(3, NULL);
    assert_int_equal(writable, 2);
    assert_null(stream);
}

static void test_close_in_data(void **state)
{
    (void)state;
    close_in_data = true;
    assert_int_equal(send(peer, "hello", 5, 0), 5);
    turn(3, NULL);
    assert_null(stream);
    assert_int_equal(send(peer, "x", 1, MSG_NOSIGNAL), 1);
    turn(3, NULL);
    assert_int_equal(got_len, 5);
    assert_int_equal(gone, 0);
}

/* Sends more than the read buffer holds, without a turn in between; how much. */
static size_t send_much(void)
{
    static char much[1 << 18];
    ssize_t sent = send(peer, much, sizeof much, 0);
    assert_true(sent > NET_READ_BUFFER_BYTES);
    usleep(2000);
    return (size_t)sent;
}

static void test_close_with_more_to_read(void **state)
{
    (void)state;
    close_in_data = true;
    size_t sent = send_much();
    turn(3, NULL);
    assert_null(stream);
    assert_in_range(got_len, 1, sent - 1);
}

static void test_stop_with_more_to_read(void **state)
{
    (void)state;
    stop_in_data = true;
    size_t sent = send_much();
    turn(3, NULL);
    assert_in_range(got_len, 1, sent - 1);
}

/* Readable and writable at once, and the first callback closes. */
static void test_close_before_writable(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 16];
    size_t len;
    fill_up();
    net_stream_want_write(stream);
    turn(0, NULL);
    do {
        len = 0;
        peer_read(bytes, sizeof bytes, &len);
        usleep(len ? 0 : 5000);
    } while (len);
    close_in_data = true;
    assert_int_equal(send(peer, "x", 1, 0), 1);
    turn(3, NULL);
    assert_null(stream);
    assert_int_equal(writable, 0);
}

static void test_gone(void **state)
{
    (void)state;
    assert_int_equal(send(peer, "last", 4, 0), 4);
    shutdown(peer, SHUT_WR);
    turn(3, NULL);
    assert_int_equal(got_len, 4); /* first what came before */
    assert_int_equal(gone, 1);
    assert_int_equal(gone_error, 0);
}

static void test_reset(void **state)
{
    (void)state;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(peer);
    peer = -1;
    usleep(2000);
    const struct net_span span = {"x", 1};
    assert_int_equal(net_stream_write(stream, &span, 1), SIOC_EIO); /* ECONNRESET */
    assert_int_equal(net_stream_write(stream, &span, 1), SIOC_EIO); /* EPIPE, and no signal */
    turn(3, NULL);
    assert_int_equal(gone, 1);
}

static void count_close(void *user)
{
    ++*(uint64_t *)user;
}

static void test_count(void **state)
{
    (void)state;
    uint64_t closed = 0;
    net_stream_on_close(stream, count_close, &closed);
    net_stream_close(stream);
    stream = NULL;
    assert_int_equal(closed, 1);
    turn(2, NULL);
    assert_int_equal(closed, 1);
}

/* ---- gently ---- */

static void test_close_gently(void **state)
{
    (void)state;
    uint64_t closed = 0;
    uint8_t bytes[16];
    size_t len = 0;
    const struct net_span span = {"answer", 6};
    assert_int_equal(send(peer, "request", 7, 0), 7); /* never read by the owner */
    usleep(2000);
    net_stream_on_close(stream, count_close, &closed);
    assert_int_equal(net_stream_write(stream, &span, 1), 6);
    net_stream_close_gently(stream);
    stream = NULL;
    assert_int_equal(closed, 1);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(send(peer, "still sending", 13, MSG_NOSIGNAL), 13);
        turn(2, NULL);
    }
    assert_false(peer_read(bytes, sizeof bytes, &len)); /* the end, not a reset */
    assert_int_equal(len, 6);
    assert_int_equal(errno == ECONNRESET, 0);
    assert_int_equal(got_len + (size_t)gone, 0);
    assert_false(list_empty(&loop->lingering));
    shutdown(peer, SHUT_WR);
    turn(2, NULL);
    assert_true(list_empty(&loop->lingering));
}

static void test_close_gently_ends(void **state)
{
    (void)state;
    int never = 0;
    net_stream_close_gently(stream); /* and the peer stays */
    stream = NULL;
    turn(1900, &never);
    assert_false(list_empty(&loop->lingering));
    turn(300, &never);
    assert_true(list_empty(&loop->lingering));
    net_stream_close_gently(NULL);
    net_stream_close(NULL);
}

/* The loop may go while a stream lingers. */
static void test_close_gently_and_free(void **state)
{
    (void)state;
    net_stream_close_gently(stream);
    stream = NULL;
}

static void test_close_gently_without_memory(void **state)
{
    (void)state;
    mem_test_fail_at(1, false);
    net_stream_close_gently(stream);
    mem_test_fail_at(0, false);
    stream = NULL;
    assert_true(list_empty(&loop->lingering));
}

/* ---- questions ---- */

static void test_peer(void **state)
{
    (void)state;
    char address[NET_ADDRESS_MAX];
    uint16_t port;
    struct sockaddr_in self;
    socklen_t len = sizeof self;
    getsockname(peer, (struct sockaddr *)&self, &len);
    net_stream_peer(stream, address, &port);
    assert_string_equal(address, "127.0.0.1");
    assert_int_equal(port, ntohs(self.sin_port));
    assert_false(net_stream_secure(stream));
    assert_ptr_equal(net_stream_loop(stream), loop);
    assert_true(sizeof(struct net_stream) <= 280);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_read),
        TEST(test_read_much),
        TEST(test_write),
        TEST(test_writable),
        TEST(test_close_in_data),
        TEST(test_close_with_more_to_read),
        TEST(test_stop_with_more_to_read),
        TEST(test_close_before_writable),
        TEST(test_gone),
        TEST(test_reset),
        TEST(test_count),
        TEST(test_close_gently),
        TEST(test_close_gently_ends),
        TEST(test_close_gently_and_free),
        TEST(test_close_gently_without_memory),
        TEST(test_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
