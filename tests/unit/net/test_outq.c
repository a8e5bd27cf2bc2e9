/* The output queue: order, sharing, back-pressure, few writes; all bytes are checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "net/internal.h"
#include "net/outq.h"
#include "peer.h"

static void push(struct net_outq *q, const void *bytes, size_t len)
{
    struct net_chunk *chunk = net_chunk_new(sioc_str_n(bytes, len));
    assert_non_null(chunk);
    assert_int_equal(net_outq_push(q, chunk), 0);
    net_chunk_unref(chunk);
}

static void test_small(void **state)
{
    (void)state;
    struct net_outq q;
    uint8_t bytes[4096];
    size_t len = 0;
    net_outq_init(&q, loop);
    assert_int_equal(net_outq_flush(&q, stream), 0);
    push(&q, "", 0); /* nothing is nothing */
    assert_int_equal(q.count, 0);
    for (int i = 0; i < 1000; i++)
        push(&q, "ab", 2);
    assert_int_equal(q.bytes, 2000);
    assert_int_equal(net_outq_flush(&q, stream), 0);
    assert_int_equal(q.bytes, 0);
    assert_int_equal(q.count, 0);
    assert_int_equal(q.cap, 1); /* an empty one has no ring */
    /* One write, one segment: all is there at once. */
    usleep(2000);
    assert_true(peer_read(bytes, sizeof bytes, &len));
    assert_int_equal(len, 2000);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], "ab"[i % 2]);
    net_outq_deinit(&q);
}

/* More spans than one system call takes: small chunks between large ones. */
static void test_many_spans(void **state)
{
    (void)state;
    static uint8_t large[600], bytes[200 * 602];
    struct net_outq q;
    size_t len = 0;
    net_outq_init(&q, loop);
    memset(large, 'L', sizeof large);
    for (int i = 0; i < 200; i++) {
        push(&q, large, sizeof large);
        push(&q, "ss", 2);
    }
    assert_int_equal(net_outq_flush(&q, stream), 0);
    usleep(2000);
    assert_true(peer_read(bytes, sizeof bytes, &len));
    assert_int_equal(len, sizeof bytes);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], i % 602 < 600 ? 'L' : 's');
    net_outq_deinit(&q);
}

/* Each byte says where in the stream it is. */
static uint8_t byte_at(size_t at)
{
    return (uint8_t)(at * 2654435761u >> 13);
}

/* Random sizes, a peer that reads now and then: every byte arrives once and in order. */
static void run_random(unsigned seed, size_t total)
{
    static uint8_t chunk[100000], received[1 << 16];
    struct net_outq q;
    size_t pushed = 0, checked = 0;
    bool blocked = false;
    int blocks = 0;
    srand(seed);
    net_outq_init(&q, loop);
    uint64_t end = clock_mono_ms() + 30000;
    while (checked < total) {
        assert_true(clock_mono_ms() < end);
        for (int k = rand() % 40; k > 0 && pushed < total; k--) {
            static const size_t ranges[] = {3, 100, 600, 5000, sizeof chunk};
            size_t len = 1 + (size_t)rand() % ranges[rand() % 5];
            len = len < total - pushed ? len : total - pushed;
            for (size_t i = 0; i < len; i++)
                chunk[i] = byte_at(pushed + i);
            uint8_t *small = rand() % 2 ? net_outq_reserve(&q, len) : NULL;
            if (small)
                memcpy(small, chunk, len);
            else
                push(&q, chunk, len);
            pushed += len;
        }
        if (!blocked || writable) { /* else nothing could go out */
            int result = net_outq_flush(&q, stream);
            assert_int_equal(result, q.count ? SIOC_EAGAIN : 0);
            blocked = result != 0;
            blocks += blocked;
            writable = 0;
        }
        turn(0, NULL);
        size_t len = 0;
        if (rand() % 3 || pushed == total)
            peer_read(received, 1 + (size_t)rand() % sizeof received, &len);
        for (size_t i = 0; i < len; i++)
            assert_int_equal(received[i], byte_at(checked + i));
        checked += len;
        assert_true(checked <= pushed);
    }
    assert_int_equal(q.bytes, 0);
    assert_true(blocks > 3);
    net_outq_deinit(&q);
}

static void test_random(void **state)
{
    (void)state;
    int small = 20000;
    setsockopt(stream->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    for (unsigned seed = 1; seed <= 5; seed++)
        run_random(seed, 500000);
}

static int freed;
static void count_free(struct net_chunk *chunk)
{
    (void)chunk;
    freed++;
}

static void test_shared(void **state)
{
    (void)state;
    static uint8_t text[4] = "abcd";
    struct net_chunk chunk = {.refs = 1, .len = 4, .bytes = text, .free = count_free};
    struct net_outq a, b;
    freed = 0;
    net_outq_init(&a, loop);
    net_outq_init(&b, loop);
    assert_int_equal(net_outq_push(&a, &chunk), 0);
    assert_int_equal(net_outq_push(&a, &chunk), 0);
    assert_int_equal(net_outq_push(&b, &chunk), 0);
    net_chunk_unref(&chunk);
    assert_int_equal(net_outq_flush(&a, stream), 0);
    assert_int_equal(freed, 0);
    net_outq_deinit(&b); /* drops what is pending */
    net_copied_forget(loop);
    assert_int_equal(freed, 1);
    net_outq_deinit(&a);
    net_chunk_unref(NULL);
}

static void put(struct net_outq *q, const char *text)
{
    uint8_t *at = net_outq_reserve(q, strlen(text));
    assert_non_null(at);
    memcpy(at, text, strlen(text));
}

/* Small bytes lie one behind the other; what is shared keeps its place between them. */
static void test_reserve(void **state)
{
    (void)state;
    struct net_outq q;
    uint8_t bytes[16] = {0};
    size_t len = 0;
    net_outq_init(&q, loop);
    put(&q, "ab");
    put(&q, "c");
    assert_int_equal(q.count, 1);
    push(&q, "D", 1);
    put(&q, "ef");
    assert_int_equal(q.count, 3);
    assert_int_equal(q.bytes, 6);
    assert_int_equal(net_outq_flush(&q, stream), 0);
    assert_int_equal(q.bytes, 0);
    usleep(2000);
    assert_true(peer_read(bytes, sizeof bytes, &len));
    assert_string_equal(bytes, "abcDef");
    assert_null(net_outq_reserve(&q, NET_OUTQ_SMALL + 1));
    assert_null(net_outq_reserve(&q, 0));
    assert_int_equal(q.count, 0);
    net_outq_deinit(&q);
}

/* Corks that are written are used again, and the loop keeps only a few of them. */
static void test_corks(void **state)
{
    (void)state;
    static struct net_outq q[100];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 100; i++) {
            net_outq_init(&q[i], loop);
            for (int k = 0; k < 5; k++)
                assert_non_null(net_outq_reserve(&q[i], NET_OUTQ_SMALL));
            assert_int_equal(q[i].count, 2);
        }
        for (size_t i = 0; i < 100; i++)
            net_outq_deinit(&q[i]);
        assert_int_equal(loop->spare_corks, 200);
    }
    for (int i = 0; i < 1000; i++)
        net_loop_step(loop, false);
    assert_int_equal(loop->spare_corks, 16);
}

static void test_dead_peer(void **state)
{
    (void)state;
    struct net_outq q;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(peer);
    peer = -1;
    usleep(2000);
    net_outq_init(&q, loop);
    push(&q, "a", 1);
    push(&q, "b", 1);
    assert_int_equal(net_outq_flush(&q, stream), SIOC_EIO);
    assert_int_equal(q.count, 2);
    net_outq_deinit(&q);
}

static void test_failing_memory(void **state)
{
    (void)state;
    struct net_outq q;
    struct net_chunk *chunk = net_chunk_new(sioc_str("abc"));
    assert_non_null(chunk);
    net_outq_init(&q, loop);
    mem_test_fail_at(1, true);
    assert_null(net_chunk_new(sioc_str("abc")));
    assert_null(net_outq_reserve(&q, 3));
    assert_int_equal(net_outq_push(&q, chunk), 0); /* one needs none */
    assert_int_equal(net_outq_push(&q, chunk), SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    for (int i = 0; i < 15; i++)
        assert_int_equal(net_outq_push(&q, chunk), 0);
    mem_test_fail_at(1, true);
    assert_int_equal(net_outq_push(&q, chunk), SIOC_ENOMEM); /* would have to grow */
    mem_test_fail_at(0, false);
    assert_int_equal(q.count, 16);
    assert_int_equal(q.bytes, 48);
    assert_int_equal(atomic_load(&chunk->refs), 17);
    net_outq_deinit(&q);
    net_chunk_unref(chunk);
}

/* What was copied together for one is used for the next, if that gets the same: never for one
 * that has other chunks, nor when somebody has used the scratch meanwhile. */
static void test_same_for_many(void **state)
{
    (void)state;
    static const char letters[] = "abcdefgh";
    struct net_chunk *chunks[8];
    uint8_t bytes[4096];
    char expected[4096];
    size_t len = 0, want = 0;
    for (int i = 0; i < 8; i++)
        chunks[i] = net_chunk_new(sioc_str_n(letters + i, 1));
    for (unsigned round = 0; round < 300; round++) {
        struct net_outq q;
        net_outq_init(&q, loop);
        /* As a rule the same as in the last round. */
        unsigned from = round / 3 % 5, count = 2 + round / 7 % 3;
        for (unsigned i = from; i < from + count; i++) {
            assert_int_equal(net_outq_push(&q, chunks[i]), 0);
            expected[want++] = letters[i];
        }
        assert_int_equal(net_outq_flush(&q, stream), 0);
        net_outq_deinit(&q);
        if (round % 11 == 0)
            memset(net_loop_scratch(loop), 'X', 100);
        if (round % 13 == 0) { /* one more at the same place in memory, most likely */
            net_chunk_unref(chunks[7]);
            chunks[7] = net_chunk_new(sioc_str_n(letters + 7, 1));
        }
    }
    usleep(2000);
    assert_true(peer_read(bytes, sizeof bytes, &len));
    assert_int_equal(len, want);
    assert_memory_equal(bytes, expected, want);
    net_copied_forget(loop);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(atomic_load(&chunks[i]->refs), 1);
        net_chunk_unref(chunks[i]);
    }
}

/* Of one whose first chunk is partly gone there is only the rest: the next, who has got nothing
 * of it yet, must not have that. */
static void test_same_but_begun(void **state)
{
    (void)state;
    static const char expected[] = "4567ab01234567ab";
    struct net_chunk *first = net_chunk_new(STR("01234567")), *then = net_chunk_new(STR("ab"));
    struct net_outq begun, whole;
    uint8_t bytes[64];
    size_t len = 0;
    net_outq_init(&begun, loop);
    net_outq_init(&whole, loop);
    for (int i = 0; i < 2; i++) {
        struct net_chunk *chunk = i ? then : first;
        assert_int_equal(net_outq_push(&begun, chunk), 0);
        assert_int_equal(net_outq_push(&whole, chunk), 0);
    }
    begun.sent = 4; /* as after a write of which the kernel took so much */
    begun.bytes -= 4;
    assert_int_equal(net_outq_flush(&begun, stream), 0);
    assert_int_equal(net_outq_flush(&whole, stream), 0);
    usleep(2000);
    assert_true(peer_read(bytes, sizeof bytes, &len));
    assert_int_equal(len, sizeof expected - 1);
    assert_memory_equal(bytes, expected, len);
    net_outq_deinit(&begun);
    net_outq_deinit(&whole);
    net_copied_forget(loop);
    net_chunk_unref(first);
    net_chunk_unref(then);
}

/* The kernel has taken nothing, and more is put behind the small bytes that wait: what was
 * copied before is not all any more. */
static void test_same_but_longer(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 16];
    struct net_chunk *shared = net_chunk_new(STR("shared"));
    struct net_outq q;
    uint8_t tail[16] = {0};
    size_t len;
    memset(bytes, 'f', sizeof bytes);
    while (send(stream->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        continue;
    net_outq_init(&q, loop);
    assert_int_equal(net_outq_push(&q, shared), 0);
    memcpy(net_outq_reserve(&q, 2), "ab", 2);
    assert_int_equal(net_outq_flush(&q, stream), SIOC_EAGAIN);
    assert_int_equal(q.bytes, 8);
    memcpy(net_outq_reserve(&q, 2), "cd", 2);
    assert_int_equal(q.count, 2);
    for (int round = 0; round < 1000 && q.count; round++) {
        len = 0;
        while (peer_read(bytes, sizeof bytes, &len) && len)
            len = 0;
        usleep(1000);
        net_outq_flush(&q, stream);
    }
    assert_int_equal(q.count, 0);
    for (int round = 0; round < 1000 && memcmp(tail, "sharedabcd", 10) != 0; round++) {
        len = 0;
        peer_read(bytes, sizeof bytes, &len);
        for (size_t i = 0; i < len; i++) {
            memmove(tail, tail + 1, 9);
            tail[9] = bytes[i];
        }
        usleep(1000);
    }
    assert_memory_equal(tail, "sharedabcd", 10);
    net_outq_deinit(&q);
    net_copied_forget(loop);
    net_chunk_unref(shared);
}

/* A chunk that is kept for its copy cannot be mistaken for a later one. */
static void test_copy_of_what_is_gone(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    size_t len = 0;
    for (char letter = 'a'; letter <= 'z'; letter++) {
        struct net_chunk *one = net_chunk_new(sioc_str_n(&letter, 1));
        struct net_chunk *two = net_chunk_new(sioc_str_n(&letter, 1));
        struct net_outq q;
        net_outq_init(&q, loop);
        assert_int_equal(net_outq_push(&q, one), 0);
        assert_int_equal(net_outq_push(&q, two), 0);
        assert_int_equal(net_outq_flush(&q, stream), 0);
        net_outq_deinit(&q);
        net_chunk_unref(one);
        net_chunk_unref(two);
    }
    usleep(2000);
    assert_true(peer_read(bytes, sizeof bytes, &len));
    assert_int_equal(len, 52);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(bytes[i], 'a' + i / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_small),          TEST(test_many_spans),      TEST(test_random),
        TEST(test_shared),         TEST(test_reserve),         TEST(test_corks),
        TEST(test_dead_peer),      TEST(test_failing_memory),  TEST(test_same_for_many),
        TEST(test_same_but_begun), TEST(test_same_but_longer), TEST(test_copy_of_what_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
