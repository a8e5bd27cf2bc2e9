/* codec/mpk_token.h -- the words of msgpack: one head with its bytes, without what is nested in
 * it. Knows the dialect of socket.io-msgpack-parser (notepack 2.2, protocol.md 7) besides the
 * specification; allocates nothing.
 */
#ifndef CODEC_MPK_TOKEN_H
#define CODEC_MPK_TOKEN_H

#include <sioc/base.h>

enum mpk_kind {
    MPK_NIL,
    MPK_UNDEFINED, /* d4 00 xx */
    MPK_BOOL,
    MPK_INTEGER,
    MPK_NUMBER, /* floats, and integers above 2^63 - 1 */
    MPK_STRING, /* bytes: not checked for UTF-8 */
    MPK_BINARY, /* bin, and ext type 0 (ArrayBuffer) */
    MPK_DATE,   /* d7 00 and the standard's timestamps: integer = ms since 1970 */
    MPK_EXT,    /* any other ext: integer = its type, bytes */
    MPK_ARRAY,  /* count elements follow */
    MPK_MAP,    /* count pairs follow */
};

struct mpk_token {
    enum mpk_kind kind;
    bool boolean;
    int64_t integer;
    double number;
    struct sioc_str bytes; /* a slice of the input */
    size_t count;          /* never more than the bytes behind the head can hold */
};

/* Takes one token off the front of *rest.  0, or SIOC_ESYNTAX (cut off, the byte c1, a count
 * that cannot be true); *rest is as it was then. */
int mpk_take(struct sioc_str *rest, struct mpk_token *ret_token);

#endif
