/* codec/mpk_token.c -- see mpk_token.h.
 * Invariant: a length or count that the peer claims is compared with what is there before
 * anybody sees it. */
#include "codec/mpk_token.h"

#include "base/str.h"

#define EXT_NOTEPACK  0             /* undefined, dates and ArrayBuffers */
#define EXT_TIMESTAMP -1            /* of the specification */
#define SECONDS_MAX   8640000000000 /* what JavaScript's Date can hold */

/* Big-endian numbers off the front; `bad` is sticky. */
struct source {
    const unsigned char *at, *end;
    bool bad;
};

static uint64_t take_uint(struct source *s, unsigned bytes)
{
    uint64_t value = 0;
    if ((size_t)(s->end - s->at) < bytes) {
        s->bad = true;
        return 0;
    }
    while (bytes--)
        value = value << 8 | *s->at++;
    return value;
}

static int64_t take_int(struct source *s, unsigned bytes)
{
    unsigned unused = 64 - 8 * bytes;
    int64_t value;
    uint64_t bits = take_uint(s, bytes) << unused;
    memcpy(&value, &bits, sizeof value);
    return value / ((int64_t)1 << unused); /* exact: the low bits are zero */
}

static struct sioc_str take_bytes(struct source *s, uint64_t len)
{
    if (s->bad || (uint64_t)(s->end - s->at) < len) {
        s->bad = true;
        return sioc_str_n(NULL, 0);
    }
    struct sioc_str bytes = sioc_str_n(s->at, (size_t)len);
    s->at += len;
    return bytes;
}

static void take_unsigned(struct source *s, unsigned bytes, struct mpk_token *t)
{
    uint64_t value = take_uint(s, bytes);
    t->kind = value > INT64_MAX ? MPK_NUMBER : MPK_INTEGER;
    t->number = (double)value;
    t->integer = value > INT64_MAX ? 0 : (int64_t)value;
}

static void take_signed(struct source *s, unsigned bytes, struct mpk_token *t)
{
    t->kind = MPK_INTEGER;
    t->integer = take_int(s, bytes);
}

static void take_float(struct source *s, bool wide, struct mpk_token *t)
{
    uint64_t bits = take_uint(s, wide ? 8 : 4);
    uint32_t narrow = (uint32_t)bits;
    float f;
    t->kind = MPK_NUMBER;
    memcpy(&f, &narrow, sizeof f);
    t->number = (double)f;
    if (wide)
        memcpy(&t->number, &bits, sizeof t->number);
}

static void take_string(struct source *s, uint64_t len, struct mpk_token *t)
{
    t->kind = MPK_STRING;
    t->bytes = take_bytes(s, len);
}

static void take_binary(struct source *s, uint64_t len, struct mpk_token *t)
{
    t->kind = MPK_BINARY;
    t->bytes = take_bytes(s, len);
}

/* Every element is one byte at least, and a pair two. */
static void take_count(struct source *s, uint64_t count, bool map, struct mpk_token *t)
{
    uint64_t there = (uint64_t)(s->end - s->at);
    t->kind = map ? MPK_MAP : MPK_ARRAY;
    t->count = (size_t)count;
    if (count > (map ? there / 2 : there))
        s->bad = true;
}

/* ---- ext ---- */

static void set_date(struct source *s, int64_t seconds, uint64_t ns, struct mpk_token *t)
{
    t->kind = MPK_DATE;
    if (ns > 999999999)
        s->bad = true;
    else if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX)
        t->integer = INT64_MAX; /* beyond any calendar */
    else
        t->integer = seconds * 1000 + (int64_t)(ns / 1000000);
}

static void read_timestamp(struct source *s, struct sioc_str bytes, struct mpk_token *t)
{
    struct source in = {(const unsigned char *)bytes.ptr,
                        (const unsigned char *)bytes.ptr + bytes.len, false};
    if (bytes.len == 4) {
        set_date(s, (int64_t)take_uint(&in, 4), 0, t);
    } else if (bytes.len == 8) {
        uint64_t both = take_uint(&in, 8);
        set_date(s, (int64_t)(both & 0x3ffffffff), both >> 34, t);
    } else if (bytes.len == 12) {
        uint64_t ns = take_uint(&in, 4);
        set_date(s, take_int(&in, 8), ns, t);
    } else {
        s->bad = true;
    }
}

/* fixed: one of the five heads that have no length of their own. */
static void take_ext(struct source *s, uint64_t len, bool fixed, struct mpk_token *t)
{
    int64_t type = take_int(s, 1);
    struct source in = *s;
    struct sioc_str bytes = take_bytes(s, len);
    t->kind = MPK_EXT;
    t->integer = type;
    t->bytes = bytes;
    if (s->bad)
        return;
    if (type == EXT_TIMESTAMP) {
        read_timestamp(s, bytes, t);
    } else if (type == EXT_NOTEPACK && fixed && len == 1) {
        t->kind = MPK_UNDEFINED;
    } else if (type == EXT_NOTEPACK && fixed && len == 8) {
        t->kind = MPK_DATE;
        t->integer = take_int(&in, 8);
    } else if (type == EXT_NOTEPACK) {
        t->kind = MPK_BINARY;
    }
}

/* ---- heads ---- */

/* c0 to df. */
static void take_head(struct source *s, unsigned char head, struct mpk_token *t)
{
    switch (head) {
    case 0xc0:
        t->kind = MPK_NIL;
        break;
    case 0xc2:
    case 0xc3:
        t->kind = MPK_BOOL;
        t->boolean = head == 0xc3;
        break;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        take_binary(s, take_uint(s, 1u << (head - 0xc4)), t);
        break;
    case 0xc7:
    case 0xc8:
    case 0xc9:
        take_ext(s, take_uint(s, 1u << (head - 0xc7)), false, t);
        break;
    case 0xca:
    case 0xcb:
        take_float(s, head == 0xcb, t);
        break;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        take_unsigned(s, 1u << (head - 0xcc), t);
        break;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        take_signed(s, 1u << (head - 0xd0), t);
        break;
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        take_ext(s, 1u << (head - 0xd4), true, t);
        break;
    case 0xd9:
    case 0xda:
    case 0xdb:
        take_string(s, take_uint(s, 1u << (head - 0xd9)), t);
        break;
    case 0xdc:
    case 0xdd:
        take_count(s, take_uint(s, head == 0xdc ? 2 : 4), false, t);
        break;
    case 0xde:
    case 0xdf:
        take_count(s, take_uint(s, head == 0xde ? 2 : 4), true, t);
        break;
    default: /* c1: never used */
        s->bad = true;
        break;
    }
}

int mpk_take(struct sioc_str *rest, struct mpk_token *ret_token)
{
    struct mpk_token t = {.kind = MPK_NIL};
    if (rest->len == 0)
        return SIOC_ESYNTAX;
    const unsigned char *start = (const unsigned char *)rest->ptr;
    struct source s = {start + 1, start + rest->len, false};
    unsigned char head = *start;
    if (head < 0x80 || head >= 0xe0) {
        t.kind = MPK_INTEGER;
        t.integer = head < 0x80 ? head : (int)head - 256;
    } else if (head < 0x90) {
        take_count(&s, head & 15, true, &t);
    } else if (head < 0xa0) {
        take_count(&s, head & 15, false, &t);
    } else if (head < 0xc0) {
        take_string(&s, head & 31, &t);
    } else {
        take_head(&s, head, &t);
    }
    if (s.bad)
        return SIOC_ESYNTAX;
    *rest = str_from(*rest, (size_t)(s.at - start));
    *ret_token = t;
    return 0;
}
