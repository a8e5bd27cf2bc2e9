/* Listeners: addresses, errors, closing inside accept, and running out of descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/metric.h"
#include "peer.h"
#include <sys/resource.h>

static int accepted;

static void count_and_close(void *user, struct net_stream *s)
{
    (void)user;
    accepted++;
    net_stream_close(s);
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *hosts[] = {"", "*", "0.0.0.0", "127.0.0.1"};
    accepted = 0;
    for (int i = 0; i < 4; i++) {
        struct net_listener *l;
        assert_int_equal(net_listen(loop, hosts[i], 0, count_and_close, NULL, &l), 0);
        assert_true(net_listener_port(l) > 0);
        int fd = connect_to(net_listener_port(l));
        turn(3, NULL);
        assert_int_equal(accepted, i + 1);
        net_listener_close(l);
        close(fd);
    }
}

static void test_errors(void **state)
{
    (void)state;
    struct net_listener *l = NULL;
    uint16_t port = net_listener_port(listener);
    assert_int_equal(net_listen(loop, "127.0.0.1", port, count_and_close, NULL, &l),
                     SIOC_EADDRINUSE);
    assert_int_equal(net_listen(loop, "no such host", 0, count_and_close, NULL, &l),
                     SIOC_ENOTFOUND);
    assert_int_equal(net_listen(loop, "192.0.2.1", 0, count_and_close, NULL, &l),
                     SIOC_ENOTFOUND); /* an address, but not ours */
    mem_test_fail_at(1, true);
    assert_int_equal(net_listen(loop, "127.0.0.1", 0, count_and_close, NULL, &l), SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    assert_null(l);
    net_listener_close(NULL);
}

static struct net_listener *one_shot;

static void close_listener(void *user, struct net_stream *s)
{
    count_and_close(user, s);
    net_listener_close(one_shot);
    net_listener_close(one_shot);
}

static void test_close_in_accept(void **state)
{
    (void)state;
    accepted = 0;
    assert_int_equal(net_listen(loop, "127.0.0.1", 0, close_listener, NULL, &one_shot), 0);
    int a = connect_to(net_listener_port(one_shot));
    int b = connect_to(net_listener_port(one_shot));
    turn(2000, &accepted);
    turn(3, NULL);
    assert_int_equal(accepted, 1);
    close(a);
    close(b);
}

static void test_many(void **state)
{
    (void)state;
    struct net_listener *l;
    int fds[300];
    accepted = 0;
    assert_int_equal(net_listen(loop, "127.0.0.1", 0, count_and_close, NULL, &l), 0);
    for (int i = 0; i < 300; i++)
        fds[i] = connect_to(net_listener_port(l));
    for (int i = 0; i < 200 && accepted < 300; i++)
        turn(20, NULL);
    assert_int_equal(accepted, 300);
    for (int i = 0; i < 300; i++)
        close(fds[i]);
    net_listener_close(l);
}

/* A failing allocation costs one peer. */
static void test_no_memory_for_a_peer(void **state)
{
    (void)state;
    struct net_stream *before = stream;
    mem_test_fail_at(1, false);
    int a = connect_to(net_listener_port(listener));
    turn(3, NULL);
    mem_test_fail_at(0, false);
    assert_ptr_equal(stream, before);
    char byte;
    assert_int_equal(recv(a, &byte, 1, 0), 0);
    net_stream_close(before);
    int b = connect_to(net_listener_port(listener));
    turn(3, NULL);
    assert_ptr_not_equal(stream, before);
    close(a);
    close(b);
}

static void test_no_descriptors(void **state)
{
    (void)state;
    struct rlimit old, tight;
    struct metrics metrics = {0};
    net_listener_count(listener, &metrics);
    net_stream_close(stream);
    turn(2, NULL);
    stream = NULL;
    int waiting = connect_to(net_listener_port(listener));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = old;
    tight.rlim_cur = 3; /* below any new one */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    uint64_t steps = 0, end = clock_mono_ms() + 50;
    for (; clock_mono_ms() < end; steps++) {
        struct pollfd p = {.fd = net_loop_backend_fd(loop), .events = POLLIN};
        poll(&p, 1, net_loop_backend_timeout(loop) > 10 ? 10 : 1);
        net_loop_step(loop, false);
    }
    assert_null(stream);
    assert_true(steps < 40); /* it does not spin */
    assert_int_equal(metrics.accept_paused, 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    turn(150, NULL);
    assert_non_null(stream);
    close(waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_addresses),
        TEST(test_errors),
        TEST(test_close_in_accept),
        TEST(test_many),
        TEST(test_no_memory_for_a_peer),
        TEST(test_no_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
