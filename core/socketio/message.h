/* socketio/message.h -- an event or answer on its way out: its arguments are encoded here,
 * once. */
#ifndef SOCKETIO_MESSAGE_H
#define SOCKETIO_MESSAGE_H

#include "socketio/internal.h"
#include <stddef.h>

struct sioc_message {
    struct sioc_server *server;
    struct sioc_namespace *nsp;
    struct buf text;        /* the elements so far, as the server's parser writes them */
    bool complete;          /* no element can come any more: a frame was made */
    size_t data_len;        /* of text, then: what belongs to the elements */
    struct sioc_str offset; /* one more element of the frame (recovery.h); ptr NULL = none */
    struct json_binaries binaries;
    struct sioc_sink *sink; /* the encoder's */
    _Alignas(max_align_t) unsigned char encoder[];
};

/* The finished packet as a frame: of the event, or (answer) of an ACK; id NULL = none.  One
 * reference; NULL when out of memory or when the encoding had failed (*ret_error says which).
 */
struct eio_frame *sio_message_frame(struct sioc_message *message, enum sioc_packet_type type,
                                    const uint64_t *id, int *ret_error);

/* Nothing more comes into its sink.  0, or the error that it was filled with. */
int sio_message_complete(struct sioc_message *message);
/* Finishes it and sends it to the session, which alone gets it; no ack, no recovery, nobody who
 * listens. 0, what is wrong with the encoding, or as eio_session_send. */
int sio_message_send(struct sioc_message *message, enum sioc_packet_type type,
                     const uint64_t *id, struct eio_session *session, bool no_compress);

/* The arguments of a message that is complete, as the parser wants them (skip 1):
 * borrowed from it or from `room`.  0 or an error. */
int sio_message_reread(const struct sioc_message *message, struct buf *room,
                       struct sioc_str *ret_args);

/* A packet without arguments or with a ready JSON text: CONNECT, DISCONNECT, CONNECT_ERROR. */
struct eio_frame *sio_packet_frame(struct sioc_server *server, enum sioc_packet_type type,
                                   struct sioc_str nsp, struct sioc_str json);

/* Frees the message that the server keeps for reuse. */
void sio_message_drop_spare(struct sioc_server *server);

#endif
