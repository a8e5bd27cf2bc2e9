/* ws/deflate.c -- see deflate.h.  The only file of this floor that names zlib.
 *
 * Without takeover a stream is reset before each message, so that a failure leaves nothing
 * behind.  Invariant: a stream's memory comes from mem_alloc, and is counted in pool->windows
 * from the making of its connection on, whether it is there yet or not.
 */
#include "ws/deflate.h"
#include "base/mem.h"
#include "base/str.h"
#include "ws/frame.h"
#include <zlib.h>

enum {
    BAD_DATA = 1007,
    BAD_SIZE = 1009,
    NO_MEMORY = 1011,
};

#define STEP_BYTES    16384 /* inflated at a time */
#define KEPT_BYTES    65536 /* an idle pool keeps no larger buffer */
#define DEFLATE_SLACK 64    /* what a flush may need beyond zlib's own bound */
#define ZLIB_MIN_BITS 9

/* What a flush ends with; it is not sent (RFC 7692, 7.2.1). */
static const uint8_t tail[4] = {0x00, 0x00, 0xff, 0xff};

struct ws_deflate_pool {
    struct ws_deflate_options options;
    struct metrics *metrics;
    unsigned windows; /* of connections; see above */
    z_stream *inflater;
    z_stream *deflaters[WS_WINDOW_BITS_MAX + 1]; /* by window bits */
    struct buf packed;                           /* one compressed message */
    struct buf inflated;
};

struct ws_deflate {
    struct ws_deflate_pool *pool;
    struct ws_deflate_params params;
    z_stream *inflater, *deflater; /* its own, with context takeover */
};

/* ---- streams ---- */

static void *zlib_alloc(void *user, unsigned items, unsigned size)
{
    size_t bytes;
    (void)user;
    return mem_mul(items, size, &bytes) ? mem_alloc(bytes) : NULL;
}

static void zlib_free(void *user, void *ptr)
{
    (void)user;
    mem_free(ptr);
}

static z_stream *stream_alloc(void)
{
    z_stream *z = mem_zalloc(sizeof *z);
    if (z) {
        z->zalloc = zlib_alloc;
        z->zfree = zlib_free;
    }
    return z;
}

static z_stream *inflater_new(int bits)
{
    z_stream *z = stream_alloc();
    if (z && inflateInit2(z, -bits) != Z_OK) {
        mem_free(z);
        z = NULL;
    }
    return z;
}

/* zlib has no raw window of 256 bytes.  In its window of 512 no distance is above 250 (it keeps
 * MIN_LOOKAHEAD, 262 bytes, free), so that one serves both. */
static z_stream *deflater_new(const struct ws_deflate_options *o, int bits)
{
    z_stream *z = stream_alloc();
    if (bits < ZLIB_MIN_BITS)
        bits = ZLIB_MIN_BITS;
    if (z && deflateInit2(z, o->level, Z_DEFLATED, -bits, o->memory_level,
                          Z_DEFAULT_STRATEGY) != Z_OK) {
        mem_free(z);
        z = NULL;
    }
    return z;
}

static void inflater_free(z_stream *z)
{
    if (z)
        inflateEnd(z);
    mem_free(z);
}

static void deflater_free(z_stream *z)
{
    if (z)
        deflateEnd(z);
    mem_free(z);
}

/* ---- pools ---- */

struct ws_deflate_pool *ws_deflate_pool_new(const struct ws_deflate_options *options,
                                            struct metrics *metrics)
{
    struct ws_deflate_pool *pool = mem_zalloc(sizeof *pool);
    if (!pool)
        return NULL;
    pool->options = *options;
    pool->metrics = metrics;
    buf_init(&pool->packed);
    buf_init(&pool->inflated);
    return pool;
}

void ws_deflate_pool_free(struct ws_deflate_pool *pool)
{
    if (!pool)
        return;
    inflater_free(pool->inflater);
    for (size_t i = 0; i <= WS_WINDOW_BITS_MAX; i++)
        deflater_free(pool->deflaters[i]);
    buf_deinit(&pool->packed);
    buf_deinit(&pool->inflated);
    mem_free(pool);
}

const struct ws_deflate_options *ws_deflate_pool_options(const struct ws_deflate_pool *pool)
{
    return &pool->options;
}

unsigned ws_deflate_pool_windows_left(const struct ws_deflate_pool *pool)
{
    return pool->windows < pool->options.max_windows ? pool->options.max_windows - pool->windows
                                                     : 0;
}

/* ---- connections ---- */

static unsigned own_windows(const struct ws_deflate_params *p)
{
    return (p->server_takeover ? 1u : 0u) + (p->client_takeover ? 1u : 0u);
}

struct ws_deflate *ws_deflate_new(struct ws_deflate_pool *pool,
                                  const struct ws_deflate_params *params)
{
    struct ws_deflate *d = mem_zalloc(sizeof *d);
    if (!d)
        return NULL;
    d->pool = pool;
    d->params = *params;
    pool->windows += own_windows(params);
    return d;
}

void ws_deflate_free(struct ws_deflate *d)
{
    if (!d)
        return;
    d->pool->windows -= own_windows(&d->params);
    inflater_free(d->inflater);
    deflater_free(d->deflater);
    mem_free(d);
}

const struct ws_deflate_params *ws_deflate_params(const struct ws_deflate *d)
{
    return &d->params;
}

const struct ws_deflate_options *ws_deflate_options(const struct ws_deflate *d)
{
    return &d->pool->options;
}

struct buf ws_deflate_take_buf(struct ws_deflate *d)
{
    struct buf buf = d->pool->inflated;
    buf_init(&d->pool->inflated);
    buf_reset(&buf);
    return buf;
}

void ws_deflate_give_buf(struct ws_deflate *d, struct buf buf)
{
    if (d->pool->inflated.cap || buf.cap > KEPT_BYTES)
        buf_deinit(&buf);
    else
        d->pool->inflated = buf;
}

/* ---- inflating ---- */

static z_stream *want_inflater(struct ws_deflate *d)
{
    z_stream **place = d->params.client_takeover ? &d->inflater : &d->pool->inflater;
    if (!*place) /* the shared one serves all windows */
        *place = inflater_new(d->params.client_takeover ? d->params.client_bits
                                                        : WS_WINDOW_BITS_MAX);
    else if (!d->params.client_takeover)
        inflateReset(*place);
    return *place;
}

/* How many bytes a message may become. */
static size_t inflate_budget(const struct ws_deflate *d, size_t packed, size_t max_bytes)
{
    size_t by_ratio;
    if (!mem_mul(packed, d->pool->options.max_ratio, &by_ratio))
        by_ratio = SIZE_MAX;
    if (by_ratio < WS_INFLATE_FREE_BYTES)
        by_ratio = WS_INFLATE_FREE_BYTES;
    return by_ratio < max_bytes ? by_ratio : max_bytes;
}

/* A peer may end a message with a final block, and begin another one (RFC 7692, 7.2.3.4); the
 * window goes on. */
static int next_deflate_stream(z_stream *z, bool *ret_final)
{
    *ret_final = true;
    return inflateResetKeep(z) == Z_OK ? 0 : BAD_DATA;
}

/* Feeds bytes until they are used up and nothing more comes out.
 *   ret_final  the last of them ended a deflate stream */
static int inflate_bytes(z_stream *z, const void *bytes, size_t len, int flush, size_t budget,
                         struct buf *out, bool *ret_final)
{
    z->next_in = (z_const Bytef *)bytes;
    z->avail_in = (uInt)len;
    *ret_final = false;
    for (;;) {
        size_t room = budget - out->len + 1; /* one more tells that it is too much */
        if (room > STEP_BYTES)
            room = STEP_BYTES;
        z->next_out = buf_reserve(out, room);
        if (!z->next_out)
            return NO_MEMORY;
        z->avail_out = (uInt)room;
        int result = inflate(z, flush);
        buf_commit(out, room - z->avail_out);
        if (out->len > budget)
            return BAD_SIZE;
        if (result == Z_MEM_ERROR)
            return NO_MEMORY;
        if (result == Z_STREAM_END)
            result = next_deflate_stream(z, ret_final) == 0 ? Z_OK : Z_DATA_ERROR;
        else if (result == Z_OK)
            *ret_final = false;
        if (result != Z_OK && result != Z_BUF_ERROR)
            return BAD_DATA;
        if (z->avail_in == 0 && z->avail_out > 0)
            return 0;
    }
}

static int inflate_message(struct ws_deflate *d, struct sioc_str payload, size_t budget,
                           struct buf *out)
{
    bool final;
    z_stream *z = want_inflater(d);
    if (!z)
        return NO_MEMORY;
    int status = inflate_bytes(z, payload.ptr, payload.len, Z_SYNC_FLUSH, budget, out, &final);
    if (status || final)
        return status;
    /* The tail must bring it to the end of a block, or the message was cut. */
    status = inflate_bytes(z, tail, sizeof tail, Z_BLOCK, budget, out, &final);
    return status ? status : z->data_type & 128 ? 0 : BAD_DATA;
}

int ws_deflate_inflate(struct ws_deflate *d, struct sioc_str payload, size_t max_bytes,
                       struct buf *out)
{
    /* No bytes at all: what some deflaters make of an empty message. */
    if (payload.len == 0)
        return 0;
    if (payload.len > UINT32_MAX)
        return BAD_SIZE;
    int status = inflate_message(d, payload, inflate_budget(d, payload.len, max_bytes), out);
    if (status && status != NO_MEMORY)
        d->pool->metrics->reject_inflate++;
    return status;
}

/* ---- deflating ---- */

static z_stream *want_deflater(struct ws_deflate *d)
{
    const struct ws_deflate_params *p = &d->params;
    z_stream **place = p->server_takeover ? &d->deflater : &d->pool->deflaters[p->server_bits];
    if (!*place)
        *place = deflater_new(&d->pool->options, p->server_bits);
    else if (!p->server_takeover)
        deflateReset(*place);
    return *place;
}

/* One message, without its tail. */
static int deflate_message(z_stream *z, struct sioc_str payload, struct buf *out)
{
    size_t room = deflateBound(z, (uLong)payload.len) + DEFLATE_SLACK;
    z->next_in = (z_const Bytef *)payload.ptr;
    z->avail_in = (uInt)payload.len;
    do {
        z->next_out = buf_reserve(out, room);
        if (!z->next_out)
            return SIOC_ENOMEM;
        z->avail_out = (uInt)room;
        int result = deflate(z, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_BUF_ERROR)
            return SIOC_ENOMEM;
        buf_commit(out, room - z->avail_out);
    } while (z->avail_out == 0);
    out->len -= sizeof tail;
    return 0;
}

static void put_frame(struct buf *out, const struct ws_frame *frame, bool packed,
                      struct sioc_str payload)
{
    uint8_t head[WS_SERVER_HEAD_MAX];
    buf_put(out, head, ws_frame_write_head(head, frame->opcode, packed, payload.len));
    buf_put_str(out, payload);
}

/* One frame, compressed or as it is. */
static int pack_frame(struct ws_deflate *d, const struct ws_frame *frame,
                      struct sioc_str payload, struct buf *out, bool *ret_any)
{
    bool takeover = d->params.server_takeover;
    struct buf *packed = &d->pool->packed;
    if (payload.len == 0 || (!takeover && payload.len < d->pool->options.threshold)) {
        put_frame(out, frame, false, payload);
        return out->error;
    }
    z_stream *z = want_deflater(d);
    buf_reset(packed);
    if (!z || deflate_message(z, payload, packed) < 0)
        return SIOC_ENOMEM;
    d->pool->metrics->deflated_frames++;
    /* With takeover the receiver's window must see all that ours has seen. */
    bool worth = takeover || packed->len < payload.len;
    put_frame(out, frame, worth, worth ? buf_str(packed) : payload);
    *ret_any = *ret_any || worth;
    return out->error;
}

int ws_deflate_frames(struct ws_deflate *d, struct sioc_str frames, struct buf *out,
                      bool *ret_any)
{
    int error = 0;
    bool any = false;
    while (frames.len && error == 0) {
        struct ws_frame frame;
        int head_len = ws_frame_read(frames, UINT32_MAX, &frame);
        if (head_len <= 0)
            return SIOC_EINVAL; /* cannot be: we wrote it */
        size_t len = (size_t)frame.payload_len;
        error = pack_frame(d, &frame, str_part(frames, (size_t)head_len, len), out, &any);
        frames = str_from(frames, (size_t)head_len + len);
    }
    if (d->pool->packed.cap > KEPT_BYTES)
        buf_deinit(&d->pool->packed);
    if (error)
        ws_deflate_forget(d);
    else
        *ret_any = any;
    return error;
}

void ws_deflate_forget(struct ws_deflate *d)
{
    if (d->deflater)
        deflateReset(d->deflater);
}
