#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "helper_zlib.h"

const struct ws_deflate_options default_deflate = {
    .threshold = 1024,
    .server_no_context_takeover = true,
    .client_no_context_takeover = true,
    .server_max_window_bits = 15,
    .client_max_window_bits = 15,
    .level = 6,
    .memory_level = 8,
    .max_ratio = 200,
    .max_windows = 1000,
};

void peer_deflate_init(z_stream *z, int bits)
{
    memset(z, 0, sizeof *z);
    assert_int_equal(deflateInit2(z, 6, Z_DEFLATED, -bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
}

void peer_inflate_init(z_stream *z, int bits)
{
    memset(z, 0, sizeof *z);
    assert_int_equal(inflateInit2(z, -bits), Z_OK);
}

void peer_deflate(z_stream *z, const void *bytes, size_t len, int flush, struct buf *out)
{
    size_t room = deflateBound(z, (uLong)len) + 64;
    z->next_in = (z_const Bytef *)bytes;
    z->avail_in = (uInt)len;
    z->next_out = buf_reserve(out, room);
    z->avail_out = (uInt)room;
    int result = deflate(z, flush);
    assert_int_equal(result, flush == Z_FINISH ? Z_STREAM_END : Z_OK);
    buf_commit(out, room - z->avail_out);
    if (flush == Z_FINISH) {
        buf_putc(out, '\0');
        deflateReset(z);
    } else {
        assert_true(out->len >= 4);
        assert_memory_equal(out->bytes + out->len - 4, "\x00\x00\xff\xff", 4);
        out->len -= 4;
    }
}

void deflate_once(const void *bytes, size_t len, struct buf *out)
{
    z_stream z;
    peer_deflate_init(&z, 15);
    peer_deflate(&z, bytes, len, Z_SYNC_FLUSH, out);
    deflateEnd(&z);
}

static void inflate_bytes(z_stream *z, const void *bytes, size_t len, struct buf *out)
{
    int result;
    z->next_in = (z_const Bytef *)bytes;
    z->avail_in = (uInt)len;
    do {
        z->next_out = buf_reserve(out, 1);
        z->avail_out = 1;
        result = inflate(z, Z_BLOCK);
        buf_commit(out, 1 - z->avail_out);
        assert_true(result == Z_OK || result == Z_BUF_ERROR);
    } while (z->avail_in || z->avail_out == 0);
}

void peer_inflate(z_stream *z, struct sioc_str payload, struct buf *out)
{
    inflate_bytes(z, payload.ptr, payload.len, out);
    inflate_bytes(z, "\x00\x00\xff\xff", 4, out);
    assert_true(z->data_type & 128);
}

static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

void put_prose(struct buf *out, size_t len, unsigned seed)
{
    static const char *const words[] = {
        "the ",  "quick ", "brown ",    "fox ",  "jumps ",  "over ", "a ",    "lazy ",
        "dog, ", "and ",   "\xc3\xa4 ", "then ", "nobody ", "says ", "what ", "it was."};
    size_t end = out->len + len;
    while (out->len < end) {
        const char *word = words[next_random(&seed) % 16];
        size_t room = end - out->len;
        buf_put(out, word, strlen(word) < room ? strlen(word) : room);
    }
}

void put_noise(struct buf *out, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        buf_putc(out, (char)next_random(&seed));
}
