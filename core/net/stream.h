/* net/stream.h -- a connected byte stream.  One vtable per transport (TCP, Unix; TLS later), so
 * that all floors above see the same thing.
 *
 * Reading: bytes come in the loop's one shared buffer and may be changed in place; they are
 * valid until the callback returns.  Writing never blocks and never queues: net_stream_write
 * takes what the kernel takes; net/outq.h keeps the rest.  EOF of the peer is a close: there is
 * no half-open mode. Invariant: after net_stream_close no callback comes, and the stream is
 * freed at the end of the turn or later.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <sioc/base.h>

struct net_loop;
struct net_stream;

struct net_stream_ops {
    /* bytes: writable, borrowed for the call.  The stream may be closed inside. */
    void (*data)(void *owner, uint8_t *bytes, size_t len);
    /* The kernel takes bytes again, after net_stream_want_write. */
    void (*writable)(void *owner);
    /* The peer is gone (error 0: orderly FIN; else SIOC_EIO).  The owner must call
     * net_stream_close. */
    void (*gone)(void *owner, int error);
};

/* Hands the stream to another owner; ops and owner are borrowed as long as the stream lives. */
void net_stream_set_owner(struct net_stream *stream, const struct net_stream_ops *ops,
                          void *owner);

/* Reading is on when a stream is handed over by a listener. */
void net_stream_read_start(struct net_stream *stream);
void net_stream_read_stop(struct net_stream *stream);

struct net_span {
    const void *ptr;
    size_t len;
};
#define NET_MAX_SPANS 64
/* Bytes taken (0 when the kernel takes none now), or SIOC_EIO when the peer is gone. */
int64_t net_stream_write(struct net_stream *stream, const struct net_span *spans, size_t count);
void net_stream_want_write(
    struct net_stream *stream); /* one `writable` callback, then off again */

/* Closes at once (unread input may cause a reset).  Accepts NULL. */
void net_stream_close(struct net_stream *stream);
/* Sends FIN, then reads and throws away until the peer closes or 2 s are over, then closes:
 * lets an answer arrive although the peer is still sending.  No callback comes any more. */
void net_stream_close_gently(struct net_stream *stream);

/* fn(user) once, when the stream is closed (gently: when that begins). */
void net_stream_on_close(struct net_stream *stream, void (*fn)(void *user), void *user);

struct net_loop *net_stream_loop(const struct net_stream *stream);
bool net_stream_secure(const struct net_stream *stream); /* TLS */
/* The peer's numeric address ("127.0.0.1", "::1"; "" for Unix sockets) and port,
 * NUL-terminated. */
#define NET_ADDRESS_MAX 64
/* The peer's address as limits count it: an IPv4 address, or the /64 of an IPv6 one; all zero
 * when there is none. */
#define NET_ADDRESS_KEY 16
void net_stream_peer_key(const struct net_stream *stream, uint8_t ret_key[NET_ADDRESS_KEY]);
void net_stream_peer(const struct net_stream *stream, char ret_address[NET_ADDRESS_MAX],
                     uint16_t *ret_port);

#endif
