/* socketio/packet.h -- the head of a Socket.IO v5 packet (protocol.md 3.1): slices, no copy.
 *
 *     type [attachments "-"] [namespace ","] [id] [json]
 */
#ifndef SOCKETIO_PACKET_H
#define SOCKETIO_PACKET_H

#include "base/buf.h"
#include "base/str.h"

enum sio_packet_type {
    SIO_CONNECT = 0,
    SIO_DISCONNECT = 1,
    SIO_EVENT = 2,
    SIO_ACK = 3,
    SIO_CONNECT_ERROR = 4,
    SIO_BINARY_EVENT = 5,
    SIO_BINARY_ACK = 6,
};

#define SIO_MAX_ACK_ID 9007199254740991u /* 2^53 - 1: what a JavaScript client can hold */

struct sio_packet {
    enum sio_packet_type type;
    uint32_t attachments; /* 0 for types without */
    struct sioc_str nsp;  /* "/" when none is given */
    bool has_id;
    uint64_t id;
    struct sioc_str data; /* JSON text, "" = absent; its shape is checked, not its content */
};

/* Reads a packet from a text message.
 *   ret_error  on failure: a static text in the reference's words ("invalid payload", ...)
 * 0 or SIOC_EPROTO. */
int sio_packet_read(struct sioc_str text, uint32_t max_attachments,
                    struct sio_packet *ret_packet, const char **ret_error);

/* Appends a head: type, "count-" when there are attachments, "nsp," unless it is "/", id. */
void sio_packet_write_head(struct buf *out, enum sio_packet_type type, size_t attachments,
                           struct sioc_str nsp, const uint64_t *id);

/* Events that clients cannot send and servers cannot emit. */
bool sio_event_is_reserved(struct sioc_str name);

#endif
