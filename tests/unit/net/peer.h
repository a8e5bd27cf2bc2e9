/* peer.h -- a listener on the loopback address, the stream it accepted, and the other end as a
 * plain socket; all in one thread.  Included once per program.
 */
#ifndef TEST_NET_PEER_H
#define TEST_NET_PEER_H

#include "base/clock.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/stream.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct net_loop *loop;
static struct net_listener *listener;
static struct net_stream *stream; /* the last one that was accepted */
static int peer;                  /* its other end, non-blocking */
static char got[1 << 16];         /* what the stream received */
static size_t got_len;
static int gone, gone_error, writable;
static bool close_in_data, stop_in_data, close_in_writable;

static inline void on_data(void *owner, uint8_t *bytes, size_t len)
{
    assert_ptr_equal(owner, &loop);
    if (got_len + len <= sizeof got)
        memcpy(got + got_len, bytes, len);
    got_len += len;
    memset(bytes, 'z', len); /* they are ours */
    if (stop_in_data)
        net_stream_read_stop(stream);
    if (!close_in_data)
        return;
    net_stream_close(stream);
    net_stream_close(stream);
    stream = NULL;
}

static inline void on_writable(void *owner)
{
    assert_ptr_equal(owner, &loop);
    writable++;
    if (!close_in_writable)
        return;
    net_stream_close(stream);
    stream = NULL;
}

static inline void on_gone(void *owner, int error)
{
    assert_ptr_equal(owner, &loop);
    gone++;
    gone_error = error;
    net_stream_close(stream);
    stream = NULL;
}

static const struct net_stream_ops stream_ops = {
    .data = on_data, .writable = on_writable, .gone = on_gone};

static inline void on_accept(void *user, struct net_stream *accepted)
{
    assert_ptr_equal(user, &listener);
    stream = accepted;
    net_stream_set_owner(stream, &stream_ops, &loop);
}

/* Turns the loop for that long, or until `done` is not 0. */
static inline void turn(int ms, const int *done)
{
    uint64_t end = clock_mono_ms() + (uint64_t)ms;
    do {
        struct pollfd p = {.fd = net_loop_backend_fd(loop), .events = POLLIN};
        poll(&p, 1, ms ? 1 : 0);
        net_loop_step(loop, false);
    } while (clock_mono_ms() < end && !(done && *done));
}

static inline int connect_to(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static inline int setup(void **state)
{
    (void)state;
    got_len = 0;
    gone = gone_error = writable = 0;
    close_in_data = stop_in_data = close_in_writable = false;
    stream = NULL;
    assert_int_equal(net_loop_new(&loop), 0);
    assert_int_equal(net_listen(loop, "127.0.0.1", 0, on_accept, &listener, &listener), 0);
    peer = connect_to(net_listener_port(listener));
    turn(5, NULL);
    assert_non_null(stream);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    net_stream_close(stream);
    net_listener_close(listener);
    net_loop_free(loop);
    close(peer);
    return 0;
}

/* Reads what has come to the peer; false at the end of the stream. */
static inline bool peer_read(uint8_t *bytes, size_t cap, size_t *len)
{
    for (;;) {
        ssize_t n = recv(peer, bytes + *len, cap - *len, 0);
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        *len += (size_t)n;
        if (*len == cap)
            return true;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
