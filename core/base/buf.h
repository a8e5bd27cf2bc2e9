/* base/buf.h -- growable bytes with a sticky error: write many times, check once.
 *
 * Invariant: after any failure every further write is ignored and `error` stays, so a writer
 * needs one check at its end.  bytes[0..len) is always valid to read.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <sioc/base.h>
#include <stdarg.h>

struct buf {
    uint8_t *bytes;
    size_t len;
    size_t cap;
    size_t max; /* growth beyond this many bytes is SIOC_ETOOBIG; 0 = no limit of its own */
    int error;  /* 0 or the first SIOC_E* */
};

void buf_init(struct buf *b);
void buf_deinit(struct buf *b);
void buf_reset(struct buf *b); /* empty and without error; keeps the memory */
/* Makes room for `more` bytes behind len: returns where they go, or NULL (sticky). */
uint8_t *buf_reserve_slow_(struct buf *b, size_t more);
static inline uint8_t *buf_reserve(struct buf *b, size_t more)
{
    if (b->bytes && more <= b->cap - b->len && b->error == 0)
        return b->bytes + b->len;
    return buf_reserve_slow_(b, more);
}
static inline void buf_commit(struct buf *b, size_t more)
{
    b->len += more;
}
void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_put_slow_(struct buf *b, char c);
static inline void buf_putc(struct buf *b, char c)
{
    if (b->len < b->cap && b->error == 0)
        b->bytes[b->len++] = (uint8_t)c;
    else
        buf_put_slow_(b, c);
}
void buf_put_str(struct buf *b, struct sioc_str s);
void buf_put_u64(struct buf *b, uint64_t value); /* decimal */
void buf_put_i64(struct buf *b, int64_t value);
void buf_printf(struct buf *b, const char *format, ...) SIOC_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args) SIOC_PRINTF(2, 0);
void buf_consume(struct buf *b, size_t from_front); /* drops bytes at the front */
/* Gives the bytes away (taken by the caller, mem_free) and leaves the buffer empty and without
 * error.  NULL when nothing was written, and when a write failed: half a text is never given.
 */
uint8_t *buf_steal(struct buf *b, size_t *ret_len);
static inline struct sioc_str buf_str(const struct buf *b)
{
    return sioc_str_n(b->bytes, b->len);
}
/* Notes an error unless there is one; returns the first. */
static inline int buf_fail(struct buf *b, int error)
{
    if (b->error == 0)
        b->error = error;
    return b->error;
}

/* The same thing under its public name (<sioc/parser.h>). */
struct sioc_out;
static inline struct buf *buf_of(struct sioc_out *out)
{
    return (struct buf *)(void *)out;
}
static inline struct sioc_out *buf_out(struct buf *b)
{
    return (struct sioc_out *)(void *)b;
}

#endif
