/* Compressed forms of a chunk: one per window, made once, shared by all receivers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "helper_zlib.h"
#include "ws/frame.h"
#include "ws/variants.h"

struct rig {
    struct metrics metrics;
    struct ws_deflate_pool *pool;
    struct net_chunk *plain;
    struct ws_variants variants;
};

static void rig_open(struct rig *r, size_t len, bool noise)
{
    struct buf frame;
    uint8_t head[WS_SERVER_HEAD_MAX];
    memset(r, 0, sizeof *r);
    buf_init(&frame);
    buf_put(&frame, head, ws_frame_write_head(head, WS_TEXT, false, len));
    if (noise)
        put_noise(&frame, len, 1);
    else
        put_prose(&frame, len, 1);
    r->plain = net_chunk_new(buf_str(&frame));
    r->pool = ws_deflate_pool_new(&default_deflate, &r->metrics);
    ws_variants_init(&r->variants);
    buf_deinit(&frame);
}

static void rig_close(struct rig *r)
{
    ws_variants_deinit(&r->variants);
    assert_int_equal(atomic_load(&r->plain->refs), 1);
    net_chunk_unref(r->plain);
    ws_deflate_pool_free(r->pool);
}

static struct ws_deflate *agree(struct rig *r, int bits)
{
    struct ws_deflate_params params = {false, false, (uint8_t)bits, 15};
    return ws_deflate_new(r->pool, &params);
}

static void a_thousand_receivers_compress_once(void **state)
{
    (void)state;
    struct rig r;
    struct net_chunk *first = NULL;
    rig_open(&r, 2000, false);
    for (int i = 0; i < 1000; i++) {
        struct ws_deflate *d = agree(&r, 15);
        struct net_chunk *chunk = ws_variants_get(&r.variants, d, r.plain);
        first = first ? first : chunk;
        assert_ptr_equal(chunk, first);
        ws_deflate_free(d);
    }
    assert_ptr_not_equal(first, r.plain);
    assert_true(first->len < r.plain->len);
    assert_int_equal(first->bytes[0], 0xc1);
    assert_int_equal(r.metrics.deflated_frames, 1);
    rig_close(&r);
}

static void each_window_has_its_own(void **state)
{
    (void)state;
    struct rig r;
    struct ws_deflate *d[16];
    struct net_chunk *chunks[16];
    rig_open(&r, 40000, false);
    for (int bits = 8; bits <= 15; bits++) {
        d[bits] = agree(&r, bits);
        chunks[bits] = ws_variants_get(&r.variants, d[bits], r.plain);
        for (int other = 8; other < bits; other++)
            assert_ptr_not_equal(chunks[bits], chunks[other]);
    }
    for (int bits = 8; bits <= 15; bits++) {
        assert_ptr_equal(ws_variants_get(&r.variants, d[bits], r.plain), chunks[bits]);
        ws_deflate_free(d[bits]);
    }
    assert_int_equal(r.metrics.deflated_frames, 8);
    rig_close(&r);
}

static void plain_stays_plain(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 1000, false); /* below the threshold: nothing is made, or kept */
    struct ws_deflate *d = agree(&r, 15);
    assert_ptr_equal(ws_variants_get(&r.variants, d, r.plain), r.plain);
    assert_ptr_equal(ws_variants_get(&r.variants, NULL, r.plain), r.plain);
    assert_null(atomic_load(&r.variants.first));
    ws_deflate_free(d);
    rig_close(&r);

    rig_open(&r, 3000, true); /* it does not get shorter: tried once */
    d = agree(&r, 15);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(ws_variants_get(&r.variants, d, r.plain), r.plain);
    assert_int_equal(r.metrics.deflated_frames, 1);
    ws_deflate_free(d);
    rig_close(&r);
}

static void makes_one_for_a_connection_alone(void **state)
{
    (void)state;
    struct rig r;
    rig_open(&r, 500, false);
    struct ws_deflate_params params = {true, false, 15, 15};
    struct ws_deflate *d = ws_deflate_new(r.pool, &params);
    struct net_chunk *one = ws_variants_make(d, r.plain), *two = ws_variants_make(d, r.plain);
    assert_int_equal(one->bytes[0], 0xc1);
    assert_true(two->len < one->len / 2);
    net_chunk_unref(one);
    net_chunk_unref(two);
    ws_deflate_free(d);
    rig_close(&r);
}

#ifdef SIOC_TESTING
/* Without memory the plain frames go out, and the next receiver may be luckier. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t n = 1; n < 50; n++) {
        struct rig r;
        rig_open(&r, 3000, false);
        struct ws_deflate *d = agree(&r, 15);
        mem_test_fail_at(n, false);
        struct net_chunk *chunk = ws_variants_get(&r.variants, d, r.plain);
        bool failed = mem_test_count() >= n;
        mem_test_fail_at(0, false);
        assert_true(failed == (chunk == r.plain));
        assert_ptr_not_equal(ws_variants_get(&r.variants, d, r.plain), r.plain);
        ws_deflate_free(d);
        rig_close(&r);
        if (!failed) {
            assert_true(n > 5);
            return;
        }
    }
    fail_msg("never came through");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_receivers_compress_once),
        cmocka_unit_test(each_window_has_its_own),
        cmocka_unit_test(plain_stays_plain),
        cmocka_unit_test(makes_one_for_a_connection_alone),
#ifdef SIOC_TESTING
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
