/* socketio/packet.h -- the head of a Socket.IO v5 packet (protocol.md 3.1): slices, no copy.
 *
 *     type [attachments "-"] [namespace ","] [id] [json]
 */
#ifndef SOCKETIO_PACKET_H
#define SOCKETIO_PACKET_H

#include "base/buf.h"
#include "base/str.h"
#include <sioc/parser.h>

/* The types 5 and 6 are EVENT and ACK with attachments. */

/* Reads a packet from a text message; the shape of its data is checked, not its content.
 *   ret_error  on failure: a static text in the reference's words ("invalid payload", ...)
 * 0 or SIOC_EPROTO. */
int sio_packet_read(struct sioc_str text, uint32_t max_attachments,
                    struct sioc_packet *ret_packet, const char **ret_error);

/* Appends a head: type, "count-" when there are attachments, "nsp," unless it is "/", id. */
void sio_packet_write_head(struct buf *out, const struct sioc_packet_head *head);

/* Events that clients cannot send and servers cannot emit. */
bool sio_event_is_reserved(struct sioc_str name);

#endif
