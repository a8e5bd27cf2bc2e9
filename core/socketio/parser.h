/* socketio/parser.h -- how Socket.IO packets are written: as text (JSON) or as msgpack.
 *
 * The one place where this floor knows an encoding.  A parser reads the head of a message into
 * a struct sio_packet whose data stays encoded, drives sinks with it when somebody asks, and
 * makes frames.  A server has one parser, the same as its clients.
 */
#ifndef SOCKETIO_PARSER_H
#define SOCKETIO_PARSER_H

#include "socketio/internal.h"

struct sio_parser {
    const char *name; /* of the option "parser" */
    bool binary;      /* its packets are binary messages, attachments within */
    bool checks_all;  /* `read` has checked the data whole: nothing in it can be malformed */

    /* ---- in ---- */

    /* Reads a packet.  *ret_packet points into the message; *ret_error as sio_packet_read.
     * 0 or SIOC_EPROTO. */
    int (*read)(const struct sioc_server *server, struct sioc_str message,
                struct sio_packet *ret_packet, const char **ret_error);
    /* The name of an event: the first of its args, borrowed from them or from `unescaped`. */
    int (*event_name)(struct sioc_str args, struct buf *unescaped, struct sioc_str *ret_name);
    /* Drives `sink` (NULL: only checks) with the event's args behind event->skip. */
    int (*read_args)(const struct sioc_event *event, struct sioc_sink *sink, size_t *ret_count);
    /* The same with the first of the args only, or null when there is none. */
    int (*read_first)(const struct sioc_event *event, struct sioc_sink *sink);
    /* The data of a CONNECT packet as JSON; borrowed from it or from `out`. */
    int (*auth)(struct sioc_server *server, struct sioc_str data, struct buf *out,
                struct sioc_str *ret_json);

    /* ---- out ---- */

    /* Makes the message's writer ready for its first value. */
    void (*begin)(struct sioc_message *message, unsigned max_depth);
    /* As sio_message_frame; more than once for several namespaces. */
    struct eio_frame *(*message_frame)(struct sioc_message *message, enum sio_packet_type type,
                                       const uint64_t *id, int *ret_error);
    /* The args of a message that has been made a frame of, as read_args and event_name want
     * them (skip 1): borrowed from it or from `out`.  0 or SIOC_ENOMEM. */
    int (*sent_args)(const struct sioc_message *message, struct buf *out,
                     struct sioc_str *ret_args);
    /* As sio_packet_frame. */
    struct eio_frame *(*packet_frame)(struct sioc_server *server, enum sio_packet_type type,
                                      struct sioc_str nsp, struct sioc_str json);
};

extern const struct sio_parser sio_parser_json, sio_parser_msgpack;

#endif
