/* net/outq.c -- a ring of chunks, written with as few system calls as can be.
 *
 * Invariants: cap is 0 or a power of two; `sent` is less than the length of the first chunk;
 * `bytes` is the sum of what is pending.
 */
#include "net/outq.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/stream.h"

#define FIRST_CAP  4
#define KEPT_CAP   16  /* an empty queue keeps no more slots than this */
#define COPY_BYTES 512 /* up to here copying is cheaper than another span */

void net_outq_init(struct net_outq *q)
{
    memset(q, 0, sizeof *q);
}

static struct net_chunk **slot(const struct net_outq *q, uint32_t index)
{
    return &q->items[(q->head + index) & (q->cap - 1)];
}

void net_outq_deinit(struct net_outq *q)
{
    for (uint32_t i = 0; i < q->count; i++)
        net_chunk_unref(*slot(q, i));
    mem_free(q->items);
    net_outq_init(q);
}

static int grow(struct net_outq *q)
{
    uint32_t cap = q->cap ? q->cap * 2 : FIRST_CAP;
    if (cap > UINT32_MAX / 2)
        return SIOC_ENOMEM;
    struct net_chunk **items = mem_alloc(cap * sizeof(struct net_chunk *));
    if (!items)
        return SIOC_ENOMEM;
    for (uint32_t i = 0; i < q->count; i++)
        items[i] = *slot(q, i);
    mem_free(q->items);
    q->items = items;
    q->cap = cap;
    q->head = 0;
    return 0;
}

int net_outq_push(struct net_outq *q, struct net_chunk *chunk)
{
    if (chunk->len == 0)
        return 0;
    if (q->count == q->cap) {
        int error = grow(q);
        if (error)
            return error;
    }
    *slot(q, q->count++) = net_chunk_ref(chunk);
    q->bytes += chunk->len;
    return 0;
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

static void fill(struct batch *b, const struct net_outq *q)
{
    b->count = b->bytes = b->copied = 0;
    for (uint32_t i = 0; i < q->count; i++) {
        const struct net_chunk *chunk = *slot(q, i);
        uint32_t from = i == 0 ? q->sent : 0;
        uint32_t len = chunk->len - from;
        if (!batch_add(b, chunk->bytes + from, len, q->count > 1 && len <= COPY_BYTES))
            return;
    }
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
    b.scratch = net_loop_scratch(net_stream_loop(stream));
    while (q->count) {
        fill(&b, q);
        int64_t taken = net_stream_write(stream, b.spans, b.count);
        if (taken < 0)
            return (int)taken;
        consume(q, (size_t)taken);
        if ((size_t)taken < b.bytes) {
            net_stream_want_write(stream);
            return SIOC_EAGAIN;
        }
    }
    if (q->cap > KEPT_CAP)
        net_outq_deinit(q);
    return 0;
}
