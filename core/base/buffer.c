/* base/buffer.c -- counted, immutable binary data (<sioc/sink.h>).
 *
 * Knows no codec.  Invariant: the bytes never change after sioc_buffer_new, so that threads may
 * share them; only the count is written, atomically.
 */
#include "base/mem.h"
#include <sioc/sink.h>
#include <stdatomic.h>

struct sioc_buffer {
    atomic_size_t refs;
    size_t len;
    uint8_t bytes[];
};

struct sioc_buffer *sioc_buffer_new(struct sioc_str bytes)
{
    size_t size;
    if (!mem_add(sizeof(struct sioc_buffer), bytes.len, &size))
        return NULL;
    struct sioc_buffer *buffer = mem_alloc(size);
    if (!buffer)
        return NULL;
    atomic_init(&buffer->refs, 1);
    buffer->len = bytes.len;
    if (bytes.len)
        memcpy(buffer->bytes, bytes.ptr, bytes.len);
    return buffer;
}

struct sioc_buffer *sioc_buffer_ref(struct sioc_buffer *buffer)
{
    atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
    return buffer;
}

void sioc_buffer_unref(struct sioc_buffer *buffer)
{
    /* Acquire and release: whoever frees must see the last use of every other thread. */
    if (buffer && atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) == 1)
        mem_free(buffer);
}

struct sioc_str sioc_buffer_bytes(const struct sioc_buffer *buffer)
{
    return sioc_str_n(buffer->bytes, buffer->len);
}
