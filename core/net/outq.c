/* net/outq.c -- a ring of chunks, written with as few system calls as can be.
 *
 * Invariants: cap is a power of two; `sent` is less than the length of the first chunk; `bytes`
 * is the sum of what is pending; an empty queue has no ring.
 */
#include "net/outq.h"
#include "base/pool.h"
#include "net/cork.h"
#include "net/internal.h"

#define FIRST_RING 16
#define COPY_BYTES 512 /* up to here copying is cheaper than another span */

void net_outq_init(struct net_outq *q, struct net_loop *loop)
{
    memset(q, 0, sizeof *q);
    q->loop = loop;
    q->cap = 1;
}

static struct net_chunk **slot(struct net_outq *q, uint32_t index)
{
    return q->cap == 1 ? &q->only : &q->ring[(q->head + index) & (q->cap - 1)];
}

static void drop_ring(struct net_outq *q)
{
    if (q->cap > 1)
        pool_free(net_loop_pool(q->loop), q->ring, q->cap * sizeof *q->ring);
    q->only = NULL;
    q->cap = 1;
    q->head = 0;
}

void net_outq_deinit(struct net_outq *q)
{
    for (uint32_t i = 0; i < q->count; i++)
        net_chunk_unref(*slot(q, i));
    drop_ring(q);
    net_outq_init(q, q->loop);
}

static int grow(struct net_outq *q)
{
    uint32_t cap = q->cap > 1 ? q->cap * 2 : FIRST_RING, count = q->count;
    if (cap > UINT32_MAX / 2)
        return SIOC_ENOMEM;
    struct net_chunk **ring = pool_zalloc(net_loop_pool(q->loop), cap * sizeof *ring);
    if (!ring)
        return SIOC_ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        ring[i] = *slot(q, i);
    drop_ring(q);
    q->ring = ring;
    q->cap = cap;
    return 0;
}

/* The reference is taken over, but not on failure. */
static int append(struct net_outq *q, struct net_chunk *chunk)
{
    if (q->count == q->cap) {
        int error = grow(q);
        if (error)
            return error;
    }
    *slot(q, q->count++) = chunk;
    q->bytes += chunk->len;
    return 0;
}

int net_outq_push(struct net_outq *q, struct net_chunk *chunk)
{
    if (chunk->len == 0)
        return 0;
    int error = append(q, chunk);
    if (error == 0)
        net_chunk_ref(chunk);
    return error;
}

uint8_t *net_outq_reserve(struct net_outq *q, size_t len)
{
    if (len == 0 || len > NET_OUTQ_SMALL)
        return NULL;
    uint8_t *at = q->count ? net_cork_extend(*slot(q, q->count - 1), len) : NULL;
    if (at) {
        q->bytes += len;
        return at;
    }
    struct net_chunk *cork = net_cork_new(q->loop);
    if (!cork)
        return NULL;
    at = net_cork_extend(cork, len);
    if (append(q, cork) == 0)
        return at;
    net_chunk_unref(cork);
    return NULL;
}

bool net_outq_is_own(const struct net_outq *q)
{
    return q->count == 1 && net_chunk_is_cork(q->cap == 1 ? q->only : q->ring[q->head]);
}

/* What one system call takes: spans, and how many bytes they are. */
struct batch {
    struct net_span spans[NET_MAX_SPANS];
    size_t count;
    size_t bytes;
    uint8_t *scratch; /* for copies of small chunks */
    size_t copied;
};

/* False when the batch is full. */
static bool batch_add(struct batch *b, const uint8_t *bytes, size_t len, bool copy)
{
    if (copy && len > NET_WRITE_BUFFER_BYTES - b->copied)
        return false;
    if (copy) {
        uint8_t *to = b->scratch + b->copied;
        struct net_span *last = b->count ? &b->spans[b->count - 1] : NULL;
        bool joins = last && (const uint8_t *)last->ptr + last->len == to;
        if (!joins && b->count == NET_MAX_SPANS)
            return false;
        memcpy(to, bytes, len);
        b->copied += len;
        b->bytes += len;
        if (joins) {
            last->len += len;
            return true;
        }
        bytes = to;
    } else {
        if (b->count == NET_MAX_SPANS)
            return false;
        b->bytes += len;
    }
    b->spans[b->count++] = (struct net_span){bytes, len};
    return true;
}

static void fill(struct batch *b, struct net_outq *q)
{
    b->count = b->bytes = b->copied = 0;
    if (q->count == 1) { /* as in most broadcasts: 50 instructions less */
        const struct net_chunk *only = *slot(q, 0);
        b->spans[0] = (struct net_span){only->bytes + q->sent, only->len - q->sent};
        b->bytes = b->spans[0].len;
        b->count = 1;
        return;
    }
    for (uint32_t i = 0; i < q->count; i++) {
        const struct net_chunk *chunk = *slot(q, i);
        uint32_t from = i == 0 ? q->sent : 0;
        uint32_t len = chunk->len - from;
        if (!batch_add(b, chunk->bytes + from, len, len <= COPY_BYTES))
            return;
    }
}

/* ---- the same for many ---- */

void net_copied_forget(struct net_loop *loop)
{
    struct net_copied *c = &loop->copied;
    for (uint32_t i = 0; i < c->count; i++)
        net_chunk_unref(c->chunks[i]);
    c->count = 0;
}

/* What was copied together for one is what the next one of a room gets; unless the first chunk
 * had begun to leave, since then only its rest was copied. */
static void remember(struct net_loop *loop, struct net_outq *q, const struct batch *b)
{
    struct net_copied *c = &loop->copied;
    bool shared = !q->sent && q->count <= NET_COPIED_MAX && b->copied == q->bytes &&
                  atomic_load_explicit(&(*slot(q, 0))->refs, memory_order_relaxed) > 1;
    if (!shared)
        return;
    for (uint32_t i = 0; i < q->count; i++)
        c->chunks[i] = net_chunk_ref(*slot(q, i));
    c->count = q->count;
    c->bytes = q->bytes;
}

/* The chunks are kept by reference, so one at the same place is the same one; but a cork may
 * have grown, and then all together are longer than the copy. */
static bool is_remembered(const struct net_loop *loop, struct net_outq *q)
{
    const struct net_copied *c = &loop->copied;
    if (q->count != c->count || q->bytes != c->bytes || q->sent)
        return false;
    for (uint32_t i = 0; i < c->count; i++)
        if (*slot(q, i) != c->chunks[i])
            return false;
    return true;
}

/* The next batch: as a rule all that waits. */
static void gather(struct batch *b, struct net_outq *q)
{
    struct net_loop *loop = q->loop;
    if (q->count > 1 && is_remembered(loop, q)) {
        b->spans[0] = (struct net_span){loop->scratch, q->bytes};
        b->count = 1;
        b->bytes = q->bytes;
        return;
    }
    if (q->count > 1)
        net_copied_forget(loop);
    fill(b, q);
    if (q->count > 1)
        remember(loop, q, b);
}

static void consume(struct net_outq *q, size_t taken)
{
    q->bytes -= taken;
    while (taken) {
        struct net_chunk *first = *slot(q, 0);
        uint32_t left = first->len - q->sent;
        if (taken < left) {
            q->sent += (uint32_t)taken;
            return;
        }
        taken -= left;
        q->sent = 0;
        q->head = (q->head + 1) & (q->cap - 1);
        q->count--;
        net_chunk_unref(first);
    }
}

int net_outq_flush(struct net_outq *q, struct net_stream *stream)
{
    struct batch b;
    b.scratch = q->loop->scratch;
    while (q->count) {
        gather(&b, q);
        int64_t taken = net_stream_write(stream, b.spans, b.count);
        if (taken < 0)
            return (int)taken;
        consume(q, (size_t)taken);
        if ((size_t)taken < b.bytes) {
            net_stream_want_write(stream);
            return SIOC_EAGAIN;
        }
    }
    drop_ring(q);
    return 0;
}
