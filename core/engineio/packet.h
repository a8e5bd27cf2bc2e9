/* engineio/packet.h -- Engine.IO v4 packets: a type digit and data (protocol.md 1.8).
 * Knows the letters of the wire, and nothing of sessions.
 */
#ifndef ENGINEIO_PACKET_H
#define ENGINEIO_PACKET_H

#include "base/str.h"

enum eio_packet_type {
    EIO_OPEN = '0',
    EIO_CLOSE = '1',
    EIO_PING = '2',
    EIO_PONG = '3',
    EIO_MESSAGE = '4',
    EIO_UPGRADE = '5',
    EIO_NOOP = '6',
    EIO_BINARY = 'b', /* text form of a binary message: base64 behind the letter */
    EIO_INVALID = 0,
};

#define EIO_SEPARATOR '\x1e' /* between the packets of a polling payload */

/* Splits one packet: its type, and what stands behind the letter.  EIO_INVALID for an empty
 * packet or an unknown letter. */
static inline enum eio_packet_type eio_packet_split(struct sioc_str packet,
                                                    struct sioc_str *ret_data)
{
    if (packet.len == 0)
        return EIO_INVALID;
    *ret_data = str_from(packet, 1);
    char type = packet.ptr[0];
    if ((type >= EIO_OPEN && type <= EIO_NOOP) || type == EIO_BINARY)
        return (enum eio_packet_type)type;
    return EIO_INVALID;
}

#endif
