/* base/buf.c -- growable bytes with a sticky error.
 *
 * Knows mem only.  Invariant: cap never exceeds max (when there is one), so the inline fast
 * paths need not look at max at all.
 */
#include "base/buf.h"

#include "base/mem.h"
#include <stdarg.h>
#include <stdio.h>

#define BUF_FIRST_BYTES 64

void buf_init(struct buf *b)
{
    memset(b, 0, sizeof *b);
}

void buf_deinit(struct buf *b)
{
    mem_free(b->bytes);
    buf_init(b);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->error = 0;
}

/* Doubles, but neither below `need` nor above the limit. */
static size_t next_cap(const struct buf *b, size_t need)
{
    size_t cap = b->cap > SIZE_MAX / 2 ? SIZE_MAX : b->cap * 2;
    if (cap < BUF_FIRST_BYTES)
        cap = BUF_FIRST_BYTES;
    /* A little more, or what stands behind a long text, a bracket as a rule, would move it. */
    if (cap < need && !mem_add(need, BUF_FIRST_BYTES, &cap))
        cap = need;
    return b->max && cap > b->max ? b->max : cap;
}

uint8_t *buf_reserve_slow_(struct buf *b, size_t more)
{
    if (b->error)
        return NULL;
    if (b->bytes && more <= b->cap - b->len)
        return b->bytes + b->len;
    size_t need;
    if (!mem_add(b->len, more, &need) || (b->max && need > b->max)) {
        b->error = SIOC_ETOOBIG;
        return NULL;
    }
    size_t cap = next_cap(b, need);
    uint8_t *moved = mem_realloc(b->bytes, cap);
    if (!moved) {
        b->error = SIOC_ENOMEM;
        return NULL;
    }
    b->bytes = moved;
    b->cap = cap;
    return b->bytes + b->len;
}

void buf_put(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    uint8_t *to = buf_reserve(b, len);
    if (!to)
        return;
    memcpy(to, bytes, len);
    b->len += len;
}

void buf_put_slow_(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_put_str(struct buf *b, struct sioc_str s)
{
    buf_put(b, s.ptr, s.len);
}

void buf_put_u64(struct buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_put(b, digits + at, sizeof digits - at);
}

void buf_put_i64(struct buf *b, int64_t value)
{
    if (value < 0)
        buf_putc(b, '-');
    /* Negating as unsigned is right for INT64_MIN as well. */
    buf_put_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    if (len < 0) {
        if (!b->error)
            b->error = SIOC_EINVAL;
    } else {
        /* vsnprintf wants room for a NUL, which is not part of the text. */
        uint8_t *to = buf_reserve(b, (size_t)len + 1);
        if (to) {
            vsnprintf((char *)to, (size_t)len + 1, format, again);
            b->len += (size_t)len;
        }
    }
    va_end(again);
}

void buf_consume(struct buf *b, size_t from_front)
{
    if (from_front >= b->len) {
        b->len = 0;
        return;
    }
    if (from_front == 0)
        return;
    b->len -= from_front;
    memmove(b->bytes, b->bytes + from_front, b->len);
}

uint8_t *buf_steal(struct buf *b, size_t *ret_len)
{
    size_t max = b->max;
    if (b->error) {
        mem_free(b->bytes);
        b->bytes = NULL;
        b->len = 0;
    }
    uint8_t *bytes = b->bytes;
    *ret_len = b->len;
    buf_init(b);
    b->max = max;
    return bytes;
}
