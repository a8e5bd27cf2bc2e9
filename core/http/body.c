/* http/body.c -- see body.h.  A state machine that takes runs of payload at once and all else
 * byte by byte. */
#include "http/body.h"
#include "http/chars.h"

#define MAX_DIGITS    16
#define MAX_DISCARDED 4096

enum body_state {
    COMPLETE,
    COUNTED,    /* payload of known length */
    SIZE,       /* hex digits */
    EXTENSION,  /* behind the size, up to CR */
    SIZE_LF,    /* LF behind the size */
    CHUNK,      /* payload of a chunk */
    CHUNK_CR,   /* CRLF behind it */
    CHUNK_LF,   /* */
    LINE,       /* start of a trailer line, or the end */
    TRAILER,    /* within a trailer line */
    TRAILER_LF, /* its LF */
    LAST_LF,    /* LF of the empty line */
};

void http_body_init_length(struct http_body *b, uint64_t length, size_t max_bytes)
{
    *b = (struct http_body){.left = length, .max_bytes = max_bytes};
    b->state = length ? COUNTED : COMPLETE;
}

void http_body_init_chunked(struct http_body *b, size_t max_bytes)
{
    *b = (struct http_body){.max_bytes = max_bytes, .state = SIZE};
}

bool http_body_complete(const struct http_body *b)
{
    return b->state == COMPLETE;
}

static int64_t take_payload(struct http_body *b, struct sioc_str in, struct buf *out)
{
    size_t len = b->left < in.len ? (size_t)b->left : in.len;
    buf_put(out, in.ptr, len);
    if (out->error)
        return out->error;
    b->left -= len;
    if (b->left == 0)
        b->state = b->state == COUNTED ? COMPLETE : CHUNK_CR;
    return (int64_t)len;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int see_size(struct http_body *b, uint8_t c)
{
    int value = hex_value(c);
    if (value >= 0) {
        b->left = b->left << 4 | (uint64_t)value;
        return ++b->digits > MAX_DIGITS ? SIOC_EPROTO : 0;
    }
    if (b->digits == 0 || (c != '\r' && c != ';' && c != ' ' && c != '\t'))
        return SIOC_EPROTO;
    b->state = c == '\r' ? SIZE_LF : EXTENSION;
    return 0;
}

/* A size is complete. */
static int begin_chunk(struct http_body *b, size_t have)
{
    b->digits = 0;
    if (b->left == 0) {
        b->state = LINE;
        return 0;
    }
    b->state = CHUNK;
    return have > b->max_bytes || b->left > b->max_bytes - have ? SIOC_ETOOBIG : 0;
}

/* A byte of an extension or a trailer: `line_end` follows the CR. */
static int discard(struct http_body *b, uint8_t c, enum body_state line_end)
{
    if (c == '\r') {
        b->state = (uint8_t)line_end;
        return 0;
    }
    return http_is_value_char(c) && ++b->discarded <= MAX_DISCARDED ? 0 : SIOC_EPROTO;
}

static int expect(struct http_body *b, uint8_t c, char expected, enum body_state next)
{
    b->state = (uint8_t)next;
    return c == (uint8_t)expected ? 0 : SIOC_EPROTO;
}

static int see_byte(struct http_body *b, uint8_t c, size_t have)
{
    switch ((enum body_state)b->state) {
    case SIZE:
        return see_size(b, c);
    case EXTENSION:
        return discard(b, c, SIZE_LF);
    case SIZE_LF:
        return c == '\n' ? begin_chunk(b, have) : SIOC_EPROTO;
    case CHUNK_CR:
        return expect(b, c, '\r', CHUNK_LF);
    case CHUNK_LF:
        return expect(b, c, '\n', SIZE);
    case LINE:
        b->state = TRAILER;
        return discard(b, c, LAST_LF);
    case TRAILER:
        return discard(b, c, TRAILER_LF);
    case TRAILER_LF:
        return expect(b, c, '\n', LINE);
    case LAST_LF:
        return expect(b, c, '\n', COMPLETE);
    case COUNTED:
    case CHUNK:
    case COMPLETE:
        break;
    }
    return SIOC_EPROTO;
}

int64_t http_body_read(struct http_body *b, struct sioc_str in, struct buf *out)
{
    size_t at = 0;
    while (at < in.len && b->state != COMPLETE) {
        int64_t n = 1;
        if (b->state == COUNTED || b->state == CHUNK)
            n = take_payload(b, sioc_str_n(in.ptr + at, in.len - at), out);
        else {
            int error = see_byte(b, (uint8_t)in.ptr[at], out->len);
            if (error)
                return error;
        }
        if (n < 0)
            return n;
        at += (size_t)n;
    }
    return (int64_t)at;
}
