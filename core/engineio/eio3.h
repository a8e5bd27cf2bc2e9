/* engineio/eio3.h -- Engine.IO v3 (protocol.md 2): packets, payloads and frames in its forms.
 *
 * What differs from v4: the client pings; a polling payload is a row of "length:packet",
 * lengths in UTF-16 code units, or (XHR2) a binary form; a binary message carries its type, as
 * the byte 0x04 or as "b4" before base64.  Sans I/O: knows no session (engineio/eio3_polling.h
 * does). Stricter than the reference, as protocol.md advises: lengths are decimal digits only,
 * and nothing may be missing at the end.
 */
#ifndef ENGINEIO_EIO3_H
#define ENGINEIO_EIO3_H

#include "engineio/frame.h"
#include "engineio/packet.h"

/* ---- packets ---- */

/* Splits a text packet, as eio_packet_split.  EIO_BINARY: ret_data is the base64 of a message;
 * "b" before any other type changes nothing. */
enum eio_packet_type eio_v3_packet_split(struct sioc_str packet, struct sioc_str *ret_data);
/* Splits a binary packet: type byte, bytes.  EIO_BINARY: ret_data is a message as it stands. */
enum eio_packet_type eio_v3_binary_split(struct sioc_str packet, struct sioc_str *ret_data);

/* ---- payloads ---- */

/* Take one packet off the front of *rest.  1; 0 at the end; SIOC_EPROTO.  Linear in what they
 * take, which is a slice of *rest.
 *   text    *rest is valid UTF-8; the packet may be empty ("0:")
 *   binary  ret_binary: it has a type byte; otherwise it is text, valid UTF-8 */
int eio_v3_text_next(struct sioc_str *rest, struct sioc_str *ret_packet);
int eio_v3_binary_next(struct sioc_str *rest, bool *ret_binary, struct sioc_str *ret_packet);

/* Whether a packet of the frame is binary. */
bool eio_v3_has_binary(const struct eio_frame *frame);
/* Appends one text packet, or the packets of a frame, to a payload of that form.  In the text
 * form binary messages are base64. */
void eio_v3_put_packet(struct buf *out, bool binary_form, struct sioc_str packet);
void eio_v3_put_frame(struct buf *out, bool binary_form, const struct eio_frame *frame);

/* ---- JSONP ---- */

/* Appends `text` without the escapes that a JSONP client puts before newlines: a backslash and
 * an n are a newline; of more backslashes before an n, one goes. */
void eio_v3_jsonp_unescape(struct buf *out, struct sioc_str text);
/* Appends the script that hands `payload` (valid UTF-8) to the page: ___eio[index]("...");
 * Only the digits of `index` are used. */
void eio_v3_jsonp_put(struct buf *out, struct sioc_str index, struct sioc_str payload);

/* ---- frames ---- */

/* The frame as a v3 client gets it on a WebSocket: the same one when it holds no binary, else
 * one that is made at the first call and kept.  Borrowed, valid as long as `frame`; NULL when
 * out of memory. */
struct eio_frame *eio_v3_frame(struct eio_frame *frame, bool base64);

#endif
