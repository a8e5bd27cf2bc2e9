/* helper_zlib.h -- the peer's half of permessage-deflate, straight on zlib. */
#ifndef TEST_WS_HELPER_ZLIB_H
#define TEST_WS_HELPER_ZLIB_H

#include "base/buf.h"
#include "ws/deflate.h"
#include <zlib.h>

extern const struct ws_deflate_options default_deflate; /* as sioc has them */

/* Compresses one message, without its tail.  flush: Z_SYNC_FLUSH, or Z_FINISH for a final block
 * (with the 0x00 behind it that RFC 7692, 7.2.3.4 asks for). */
void peer_deflate(z_stream *z, const void *bytes, size_t len, int flush, struct buf *out);
void peer_deflate_init(z_stream *z, int bits);
/* The same with a fresh stream. */
void deflate_once(const void *bytes, size_t len, struct buf *out);
/* Inflates one message in steps of one byte, so that every distance is held against the window;
 * fails the test when it does not end at the end of a block. */
void peer_inflate(z_stream *z, struct sioc_str payload, struct buf *out);
void peer_inflate_init(z_stream *z, int bits);

/* `len` bytes that compress, but not too well; different for each seed. */
void put_prose(struct buf *out, size_t len, unsigned seed);
void put_noise(struct buf *out, size_t len, unsigned seed);

#endif
