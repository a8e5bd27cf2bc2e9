/* permessage-deflate against zlib on the other side (RFC 7692, 7.2): every window, with and
 * without context takeover, the examples of the RFC byte for byte, bombs, garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "helper_zlib.h"
#include "ws/frame.h"

struct rig {
    struct metrics metrics;
    struct ws_deflate_pool *pool;
    struct ws_deflate *deflate;
    struct buf in, out;
};

static void rig_open(struct rig *r, const struct ws_deflate_options *options,
                     struct ws_deflate_params params)
{
    memset(r, 0, sizeof *r);
    buf_init(&r->in);
    buf_init(&r->out);
    r->pool = ws_deflate_pool_new(options, &r->metrics);
    assert_non_null(r->pool);
    r->deflate = ws_deflate_new(r->pool, &params);
    assert_non_null(r->deflate);
}

static void rig_close(struct rig *r)
{
    ws_deflate_free(r->deflate);
    ws_deflate_pool_free(r->pool);
    buf_deinit(&r->in);
    buf_deinit(&r->out);
}

static void rig_open_default(struct rig *r)
{
    rig_open(r, &default_deflate, (struct ws_deflate_params){false, false, 15, 15});
}

static int inflate_to(struct rig *r, const void *payload, size_t len, size_t max)
{
    buf_reset(&r->out);
    return ws_deflate_inflate(r->deflate, sioc_str_n(payload, len), max, &r->out);
}

static void assert_out(struct rig *r, const void *bytes, size_t len)
{
    assert_int_equal(r->out.len, len);
    if (len)
        assert_memory_equal(r->out.bytes, bytes, len);
}

/* One frame through ws_deflate_frames, into r->out. */
static bool deflate_frame(struct rig *r, enum ws_opcode opcode, struct sioc_str payload)
{
    uint8_t head[WS_SERVER_HEAD_MAX];
    bool any;
    buf_reset(&r->in);
    buf_reset(&r->out);
    buf_put(&r->in, head, ws_frame_write_head(head, opcode, false, payload.len));
    buf_put_str(&r->in, payload);
    assert_int_equal(ws_deflate_frames(r->deflate, buf_str(&r->in), &r->out, &any), 0);
    return any;
}

/* The frame at the front of `frames`, taken off. */
static struct ws_frame next_frame(struct sioc_str *frames, struct sioc_str *ret_payload)
{
    struct ws_frame frame;
    int head = ws_frame_read(*frames, UINT32_MAX, &frame);
    assert_true(head > 0);
    *ret_payload = str_part(*frames, (size_t)head, (size_t)frame.payload_len);
    *frames = str_from(*frames, (size_t)head + (size_t)frame.payload_len);
    return frame;
}

/* RFC 7692, 7.2.3: all of these say "Hello". */
static void inflates_the_examples_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } examples[] = {
        {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7},                          /* one block */
        {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11},         /* not compressed */
        {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8},                      /* BFINAL */
        {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13}, /* two blocks */
    };
    struct rig r;
    rig_open_default(&r);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(inflate_to(&r, examples[i].bytes, examples[i].len, 100), 0);
        assert_out(&r, "Hello", 5);
    }
    rig_close(&r);

    /* 7.2.3.2: with context takeover the second one refers to the first. */
    rig_open(&r, &default_deflate, (struct ws_deflate_params){false, true, 15, 15});
    assert_int_equal(inflate_to(&r, examples[0].bytes, examples[0].len, 100), 0);
    assert_int_equal(inflate_to(&r, "\xf2\x00\x11\x00\x00", 5, 100), 0);
    assert_out(&r, "Hello", 5);
    rig_close(&r);
}

static void inflates_empty_messages(void **state)
{
    (void)state;
    struct rig r;
    rig_open_default(&r);
    assert_int_equal(inflate_to(&r, "\x00", 1, 0), 0); /* 7.2.3.6 */
    assert_out(&r, "", 0);
    assert_int_equal(inflate_to(&r, "", 0, 0), 0); /* what zlib makes of the second one */
    assert_out(&r, "", 0);
    assert_int_equal(inflate_to(&r, "\x02\x00", 2, 0), 0);
    assert_out(&r, "", 0);
    assert_int_equal(inflate_to(&r, "\x03\x00", 2, 0), 0); /* BFINAL, nothing behind */
    assert_out(&r, "", 0);
    rig_close(&r);
}

static void keeps_the_window_over_a_final_block(void **state)
{
    (void)state;
    struct rig r;
    z_stream peer;
    struct buf packed;
    rig_open(&r, &default_deflate, (struct ws_deflate_params){false, true, 15, 15});
    buf_init(&packed);
    peer_deflate_init(&peer, 15);
    peer_deflate(&peer, "Hello", 5, Z_FINISH, &packed);
    assert_int_equal(inflate_to(&r, packed.bytes, packed.len, 100), 0);
    assert_out(&r, "Hello", 5);
    assert_int_equal(inflate_to(&r, "\xf2\x00\x11\x00\x00", 5, 100), 0);
    assert_out(&r, "Hello", 5);
    deflateEnd(&peer);
    buf_deinit(&packed);
    rig_close(&r);
}

/* What a peer with that window sends, message after message, with and without takeover. */
static void inflate_round_trip(int bits, bool takeover)
{
    static const size_t sizes[] = {1, 2, 5, 100, 1000, 0, 33000, 70000, 300, 100000};
    struct rig r;
    z_stream peer;
    struct buf plain, packed;
    rig_open(&r, &default_deflate,
             (struct ws_deflate_params){false, takeover, 15, (uint8_t)bits});
    peer_deflate_init(&peer, bits);
    buf_init(&plain);
    buf_init(&packed);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        buf_reset(&plain);
        buf_reset(&packed);
        put_prose(&plain, sizes[i], 7); /* the same beginning: there is something to refer to */
        if (sizes[i])                   /* twice nothing is no output, see above */
            peer_deflate(&peer, plain.bytes, plain.len, i == 3 ? Z_FULL_FLUSH : Z_SYNC_FLUSH,
                         &packed);
        assert_int_equal(inflate_to(&r, packed.bytes, packed.len, sizes[i]), 0);
        assert_out(&r, plain.bytes, plain.len);
        if (!takeover)
            deflateReset(&peer);
    }
    deflateEnd(&peer);
    buf_deinit(&plain);
    buf_deinit(&packed);
    rig_close(&r);
}

static void inflates_every_window(void **state)
{
    (void)state;
    for (int bits = 9; bits <= 15; bits++) {
        inflate_round_trip(bits, false);
        inflate_round_trip(bits, true);
    }
}

static void deflate_round_trip(int bits, bool takeover)
{
    static const size_t sizes[] = {1024, 1500, 5000, 40000, 1024, 70000};
    struct rig r;
    z_stream peer;
    struct buf plain, back;
    rig_open(&r, &default_deflate,
             (struct ws_deflate_params){takeover, false, (uint8_t)bits, 15});
    peer_inflate_init(&peer, bits);
    buf_init(&plain);
    buf_init(&back);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        buf_reset(&plain);
        buf_reset(&back);
        put_prose(&plain, sizes[i], 7);
        assert_true(deflate_frame(&r, i % 2 ? WS_BINARY : WS_TEXT, buf_str(&plain)));
        struct sioc_str frames = buf_str(&r.out), payload;
        struct ws_frame frame = next_frame(&frames, &payload);
        assert_true(frame.rsv1 && frame.fin && !frame.masked);
        assert_int_equal(frame.opcode, i % 2 ? WS_BINARY : WS_TEXT);
        assert_int_equal(frames.len, 0);
        assert_true(payload.len < plain.len);
        peer_inflate(&peer, payload, &back);
        assert_int_equal(back.len, plain.len);
        assert_memory_equal(back.bytes, plain.bytes, plain.len);
        if (!takeover)
            inflateReset(&peer);
    }
    assert_int_equal(r.metrics.deflated_frames, sizeof sizes / sizeof sizes[0]);
    inflateEnd(&peer);
    buf_deinit(&plain);
    buf_deinit(&back);
    rig_close(&r);
}

/* 8 is the one that zlib itself refuses. */
static void deflates_for_every_window(void **state)
{
    (void)state;
    for (int bits = 8; bits <= 15; bits++) {
        deflate_round_trip(bits, false);
        deflate_round_trip(bits, true);
    }
}

static void takeover_refers_to_earlier_messages(void **state)
{
    (void)state;
    struct rig r;
    struct sioc_str text = STR("a message without anything that would repeat: 0123456789");
    rig_open(&r, &default_deflate, (struct ws_deflate_params){true, false, 15, 15});
    assert_true(deflate_frame(&r, WS_TEXT, text)); /* also below the threshold */
    size_t first = r.out.len;
    assert_true(deflate_frame(&r, WS_TEXT, text));
    assert_true(r.out.len < first / 2);
    ws_deflate_forget(r.deflate);
    assert_true(deflate_frame(&r, WS_TEXT, text));
    assert_int_equal(r.out.len, first);
    rig_close(&r);
}

static void without_takeover_the_threshold_counts(void **state)
{
    (void)state;
    struct rig r;
    struct buf text;
    rig_open_default(&r);
    buf_init(&text);
    put_prose(&text, 1024, 1);
    assert_false(deflate_frame(&r, WS_TEXT, str_part(buf_str(&text), 0, 1023)));
    assert_int_equal(r.out.len, r.in.len);
    assert_memory_equal(r.out.bytes, r.in.bytes, r.in.len);
    assert_int_equal(r.metrics.deflated_frames, 0);
    assert_true(deflate_frame(&r, WS_TEXT, buf_str(&text)));
    assert_int_equal(r.metrics.deflated_frames, 1);
    buf_deinit(&text);
    rig_close(&r);
}

static void what_does_not_get_shorter_stays(void **state)
{
    (void)state;
    struct rig r;
    struct buf noise;
    rig_open_default(&r);
    buf_init(&noise);
    put_noise(&noise, 5000, 3);
    assert_false(deflate_frame(&r, WS_BINARY, buf_str(&noise)));
    assert_int_equal(r.out.len, r.in.len);
    assert_memory_equal(r.out.bytes, r.in.bytes, r.in.len);
    buf_deinit(&noise);
    rig_close(&r);
    rig_open(&r, &default_deflate, (struct ws_deflate_params){true, false, 15, 15});
    assert_false(deflate_frame(&r, WS_TEXT, STR(""))); /* nothing, even with takeover */
    rig_close(&r);
}

/* A packet and its attachments: each message by itself. */
static void several_frames_go_one_by_one(void **state)
{
    (void)state;
    struct rig r;
    struct buf plain;
    uint8_t head[WS_SERVER_HEAD_MAX];
    bool any;
    rig_open_default(&r);
    buf_init(&plain);
    put_prose(&plain, 2000, 5);
    buf_put(&r.in, head, ws_frame_write_head(head, WS_TEXT, false, 3));
    buf_put_str(&r.in, STR("451"));
    buf_put(&r.in, head, ws_frame_write_head(head, WS_BINARY, false, plain.len));
    buf_put_str(&r.in, buf_str(&plain));
    buf_put(&r.in, head, ws_frame_write_head(head, WS_BINARY, false, 0));
    assert_int_equal(ws_deflate_frames(r.deflate, buf_str(&r.in), &r.out, &any), 0);
    assert_true(any);
    struct sioc_str frames = buf_str(&r.out), payload;
    struct ws_frame frame = next_frame(&frames, &payload);
    assert_false(frame.rsv1);
    assert_true(str_eq(payload, STR("451")));
    frame = next_frame(&frames, &payload);
    assert_true(frame.rsv1);
    assert_int_equal(frame.opcode, WS_BINARY);
    frame = next_frame(&frames, &payload);
    assert_false(frame.rsv1);
    assert_int_equal(frame.payload_len, 0);
    assert_int_equal(frames.len, 0);
    assert_int_equal(r.metrics.deflated_frames, 1);
    buf_deinit(&plain);
    rig_close(&r);
}

static void refuses_garbage(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"\xff\xff\xff\xff", 4},                              /* reserved block type */
        {"\xf2\x48\xcd\xc9\xc9", 5},                          /* cut inside a block */
        {"\xf2\x48\xcd\xc9\xc9\x07", 6},                      /* cut before the empty block */
        {"\x00\x05\x00\xfa\xff\x48\x65", 7},                  /* cut inside a stored block */
        {"\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00", 11}, /* lengths disagree */
        {"\xf2\x00\x11\x00\x00", 5}, /* refers to what was never there */
        {"\xf3\x48\xcd\xc9\xc9\x07\x00\xff\xff", 9},
        {"hello, this is not compressed", 29},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int takeover = 0; takeover < 2; takeover++) {
            struct rig r;
            rig_open(&r, &default_deflate, (struct ws_deflate_params){false, takeover, 15, 15});
            assert_int_equal(inflate_to(&r, bad[i].bytes, bad[i].len, 1000), 1007);
            assert_int_equal(r.metrics.reject_inflate, 1);
            rig_close(&r);
        }
    }
}

/* A failure leaves nothing behind in the stream that all share. */
static void shares_a_clean_inflater(void **state)
{
    (void)state;
    struct rig r;
    rig_open_default(&r);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(inflate_to(&r, "\xf2\x48\xcd\xc9\xc9", 5, 100), 1007);
        assert_int_equal(inflate_to(&r, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, 4), 1009);
        assert_int_equal(inflate_to(&r, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, 5), 0);
        assert_out(&r, "Hello", 5);
    }
    rig_close(&r);
}

static void holds_the_limit_to_the_byte(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 100, 16383, 16384, 16385, 32768, 65536, 100001};
    struct rig r;
    struct buf plain, packed;
    rig_open_default(&r);
    buf_init(&plain);
    buf_init(&packed);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        buf_reset(&plain);
        buf_reset(&packed);
        put_prose(&plain, sizes[i], 11);
        deflate_once(plain.bytes, plain.len, &packed);
        assert_int_equal(inflate_to(&r, packed.bytes, packed.len, sizes[i] - 1), 1009);
        assert_true(r.out.len <= sizes[i]);
        assert_int_equal(inflate_to(&r, packed.bytes, packed.len, sizes[i]), 0);
        assert_out(&r, plain.bytes, plain.len);
        assert_int_equal(inflate_to(&r, packed.bytes, packed.len, sizes[i] + 1), 0);
    }
    buf_deinit(&plain);
    buf_deinit(&packed);
    rig_close(&r);
}

/* R25: 6 MB of zeros in 6 KB.  Neither the size nor the ratio lets it unfold. */
static void bombs_do_not_unfold(void **state)
{
    (void)state;
    struct rig r;
    struct buf plain, packed;
    buf_init(&plain);
    buf_init(&packed);
    memset(buf_reserve(&plain, 6000000), 0, 6000000);
    deflate_once(plain.bytes, 6000000, &packed);
    assert_true(packed.len < 7000);
    rig_open_default(&r);
    assert_int_equal(inflate_to(&r, packed.bytes, packed.len, 1000000), 1009);
    assert_true(r.out.len <= 1000001);
    assert_true(r.out.cap < 2100000);
    assert_int_equal(inflate_to(&r, packed.bytes, packed.len, 100000000), 1009);
    assert_true(r.out.len <= packed.len * 200 + 1);
    assert_int_equal(r.metrics.reject_inflate, 2);
    rig_close(&r);

    /* The ratio to the byte: another option lets the same message pass. */
    struct ws_deflate_options lax = default_deflate;
    lax.max_ratio = (unsigned)(6000000 / packed.len) + 1;
    rig_open(&r, &lax, (struct ws_deflate_params){false, false, 15, 15});
    assert_int_equal(inflate_to(&r, packed.bytes, packed.len, 100000000), 0);
    assert_out(&r, plain.bytes, 6000000);
    rig_close(&r);
    buf_deinit(&plain);
    buf_deinit(&packed);
}

static void short_messages_may_have_any_ratio(void **state)
{
    (void)state;
    struct rig r;
    struct buf plain, packed;
    rig_open_default(&r);
    buf_init(&plain);
    buf_init(&packed);
    memset(buf_reserve(&plain, 65537), 'a', 65537);
    deflate_once(plain.bytes, 65536, &packed);
    assert_true(packed.len * 200 < 65536);
    assert_int_equal(inflate_to(&r, packed.bytes, packed.len, 1000000), 0);
    assert_out(&r, plain.bytes, 65536);
    buf_reset(&packed);
    deflate_once(plain.bytes, 65537, &packed);
    assert_int_equal(inflate_to(&r, packed.bytes, packed.len, 1000000), 1009);
    buf_deinit(&plain);
    buf_deinit(&packed);
    rig_close(&r);
}

/* Whatever the bytes are, there is an answer, and never more output than allowed. */
static void survives_noise(void **state)
{
    (void)state;
    struct rig r;
    struct buf packed;
    rig_open_default(&r);
    buf_init(&packed);
    for (unsigned seed = 0; seed < 3000; seed++) {
        buf_reset(&packed);
        if (seed % 2) {
            put_noise(&packed, seed % 97, seed);
        } else { /* good data with one bad byte */
            struct buf plain;
            buf_init(&plain);
            put_prose(&plain, 500, seed);
            deflate_once(plain.bytes, plain.len, &packed);
            packed.bytes[seed % packed.len] ^= (uint8_t)(1 + seed % 255);
            buf_deinit(&plain);
        }
        int status = inflate_to(&r, packed.bytes, packed.len, 2000);
        assert_true(status == 0 || status == 1007 || status == 1009);
        assert_true(r.out.len <= 2001);
    }
    buf_deinit(&packed);
    rig_close(&r);
}

static void counts_windows(void **state)
{
    (void)state;
    struct ws_deflate_options options = default_deflate;
    struct metrics metrics = {0};
    options.max_windows = 3;
    struct ws_deflate_pool *pool = ws_deflate_pool_new(&options, &metrics);
    struct ws_deflate_params both = {true, true, 15, 15}, none = {false, false, 15, 15};
    assert_int_equal(ws_deflate_pool_windows_left(pool), 3);
    struct ws_deflate *a = ws_deflate_new(pool, &both), *b = ws_deflate_new(pool, &none);
    assert_int_equal(ws_deflate_pool_windows_left(pool), 1);
    ws_deflate_free(a);
    ws_deflate_free(b);
    assert_int_equal(ws_deflate_pool_windows_left(pool), 3);
    ws_deflate_free(NULL);
    ws_deflate_pool_free(pool);
    ws_deflate_pool_free(NULL);
}

#ifdef SIOC_TESTING
static void idle_connections_hold_no_zlib_state(void **state)
{
    (void)state;
    struct rig r;
    rig_open_default(&r);
    assert_int_equal(inflate_to(&r, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, 100), 0);
    mem_test_fail_at(0, false);
    struct ws_deflate_params none = {false, false, 15, 15}, own = {true, true, 15, 15};
    struct ws_deflate *a = ws_deflate_new(r.pool, &none), *b = ws_deflate_new(r.pool, &own);
    assert_int_equal(mem_test_count(), 2);
    struct buf out;
    buf_init(&out);
    out.cap = 0;
    buf_reserve(&out, 20000);
    mem_test_fail_at(0, false);
    assert_int_equal(ws_deflate_inflate(a, STR("\xf2\x48\xcd\xc9\xc9\x07\x00"), 100, &out), 0);
    assert_int_equal(mem_test_count(), 0); /* the shared one did it */
    buf_deinit(&out);
    ws_deflate_free(a);
    ws_deflate_free(b);
    rig_close(&r);
}

/* Each allocation of both directions fails once: 1011 or plain frames, and then it works. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text);
    put_prose(&text, 3000, 2);
    for (size_t n = 1; n < 50; n++) {
        struct rig r;
        bool any;
        uint8_t head[WS_SERVER_HEAD_MAX];
        rig_open(&r, &default_deflate, (struct ws_deflate_params){true, true, 15, 15});
        buf_put(&r.in, head, ws_frame_write_head(head, WS_TEXT, false, text.len));
        buf_put_str(&r.in, buf_str(&text));
        mem_test_fail_at(n, false);
        int in =
            ws_deflate_inflate(r.deflate, STR("\xf2\x48\xcd\xc9\xc9\x07\x00"), 100, &r.out);
        buf_reset(&r.out);
        int out = ws_deflate_frames(r.deflate, buf_str(&r.in), &r.out, &any);
        bool failed = mem_test_count() >= n;
        mem_test_fail_at(0, false);
        assert_true(in == 0 || in == 1011);
        assert_true(out == 0 || out == SIOC_ENOMEM);
        assert_true(failed == (in != 0 || out != 0));
        assert_int_equal(r.metrics.reject_inflate, 0);
        rig_close(&r);
        if (!failed) {
            assert_true(n > 5);
            buf_deinit(&text);
            return;
        }
    }
    fail_msg("never came through");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inflates_the_examples_of_the_rfc),
        cmocka_unit_test(inflates_empty_messages),
        cmocka_unit_test(keeps_the_window_over_a_final_block),
        cmocka_unit_test(inflates_every_window),
        cmocka_unit_test(deflates_for_every_window),
        cmocka_unit_test(takeover_refers_to_earlier_messages),
        cmocka_unit_test(without_takeover_the_threshold_counts),
        cmocka_unit_test(what_does_not_get_shorter_stays),
        cmocka_unit_test(several_frames_go_one_by_one),
        cmocka_unit_test(refuses_garbage),
        cmocka_unit_test(shares_a_clean_inflater),
        cmocka_unit_test(holds_the_limit_to_the_byte),
        cmocka_unit_test(bombs_do_not_unfold),
        cmocka_unit_test(short_messages_may_have_any_ratio),
        cmocka_unit_test(survives_noise),
        cmocka_unit_test(counts_windows),
#ifdef SIOC_TESTING
        cmocka_unit_test(idle_connections_hold_no_zlib_state),
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
