/* sioc/parser.h -- how Socket.IO packets are written: a parser of your own, as `parser` is in
 * JavaScript.
 *
 * A server has one parser, the same as all of its clients.  The built-in ones ("json",
 * "msgpack") are made through nothing but this interface, so they are its examples
 * (core/socketio/parser_json.c, parser_msgpack.c); examples/parser is one outside of the
 * library, with its other half in JavaScript.
 *
 * What a packet is, the protocol says (revision 5):
 * https://socket.io/docs/v4/socket-io-protocol. It has a type, a namespace, perhaps an id, and
 * data:
 *
 *     type           id        data
 *     CONNECT        -         none, or a map: what the client sends as `auth`, what the server
 *                              answers ({"sid": ...})
 *     DISCONNECT     -         none
 *     EVENT          optional  an array: the event's name, then its arguments
 *     ACK            always    an array: the arguments of the answer
 *     CONNECT_ERROR  -         a map {"message": ..., "data": ...}
 *
 * A packet is one message, of text or of bytes; *attachments* may follow it, which are messages
 * of bytes, for parsers that cannot write binary data among other values.
 *
 * Values never stand in memory as a tree: decoders drive a sink (sink.h), and an encoder is
 * one. What is decoded is what a handler asks for, when it asks.
 *
 * A parser is a constant table of functions, used from several threads at once: it has no state
 * but what is given to it.  Everything that a client sends may be wrong on purpose; a parser
 * answers with an error, and the client's connection is closed ("parse error").
 */
#ifndef SIOC_PARSER_H
#define SIOC_PARSER_H

#include <sioc/sink.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIOC_PARSER_VERSION 1 /* of this interface */

/* ---- bytes on their way out ---- */

/* Bytes that grow.  The first error stays, and makes all that follows do nothing: write many
 * times, the one who sends looks once. */
struct sioc_out;

SIOC_API void sioc_out_put(struct sioc_out *out, const void *bytes, size_t len);
SIOC_API void sioc_out_put_str(struct sioc_out *out, struct sioc_str bytes);
/* Notes an error (SIOC_E*) unless there is one; returns the first. */
SIOC_API int sioc_out_fail(struct sioc_out *out, int error);
SIOC_API int sioc_out_error(const struct sioc_out *out); /* 0 or the first error */
/* What was written; borrowed until more is. */
SIOC_API struct sioc_str sioc_out_str(const struct sioc_out *out);

/* Binary data that is sent behind a packet, in this order. */
struct sioc_attachments;

/* Takes a reference.  Its number from 0 up, or SIOC_ENOMEM. */
SIOC_API int sioc_attachments_add(struct sioc_attachments *attachments,
                                  struct sioc_buffer *data);

/* ---- packets ---- */

enum sioc_packet_type {
    SIOC_PACKET_CONNECT = 0,
    SIOC_PACKET_DISCONNECT = 1,
    SIOC_PACKET_EVENT = 2,
    SIOC_PACKET_ACK = 3,
    SIOC_PACKET_CONNECT_ERROR = 4,
};

#define SIOC_PACKET_MAX_ID 9007199254740991u /* 2^53 - 1: what a JavaScript client can hold */

/* One that came in.  Its slices point into the message. */
struct sioc_packet {
    enum sioc_packet_type type;
    uint32_t attachments; /* how many follow it */
    struct sioc_str nsp;  /* "/" when none is given */
    bool has_id;
    uint64_t id;          /* up to SIOC_PACKET_MAX_ID */
    struct sioc_str data; /* as the parser has it; "" = none */
};

/* What a message may be at most. */
struct sioc_packet_limits {
    uint32_t max_attachments; /* option max_attachments */
    unsigned max_depth;       /* option max_depth: arrays and maps inside one another */
};

/* The data of a packet that was read, with all that it takes to decode it.  Borrowed. */
struct sioc_packet_data {
    struct sioc_str bytes;                  /* sioc_packet.data */
    struct sioc_buffer *const *attachments; /* that followed the packet */
    size_t attachment_count;
    unsigned max_depth;
    size_t max_values; /* option max_values: more of them, at all depths, are SIOC_ELIMIT */
    struct sioc_out *scratch; /* for the decoder alone; what it holds before means nothing */
};

/* The head of one that goes out. */
struct sioc_packet_head {
    enum sioc_packet_type type;
    struct sioc_str nsp;
    bool has_id;
    uint64_t id;
    size_t attachments;   /* sioc_attachments_add was called that often */
    struct sioc_str more; /* one more element of the data, a text; ptr NULL: none */
};

/* Where the encoder of one message writes.  Borrowed until the message is gone. */
struct sioc_encoding {
    struct sioc_out *out;
    struct sioc_attachments *attachments;
    unsigned max_depth; /* deeper: SIOC_EDEPTH */
};

/* ---- a parser ---- */

enum sioc_parser_flags {
    SIOC_PARSER_TEXT = 1,   /* messages of text are packets */
    SIOC_PARSER_BINARY = 2, /* messages of bytes are packets, unless an attachment is due */
    SIOC_PARSER_CHECKS = 4, /* `read` has looked at the data whole: it cannot be malformed */
    SIOC_PARSER_JSON = 8,   /* data of EVENT and ACK is JSON text, an attachment
                             * {"_placeholder": true, "num": N}: handlers in C may walk it as it
                             * is (args.h) */
};

struct sioc_parser {
    unsigned version; /* SIOC_PARSER_VERSION */
    unsigned flags;   /* enum sioc_parser_flags; TEXT or BINARY or both */
    const char *name; /* of the option "parser": letters, digits, '-' and '_' */

    /* ---- in ---- */

    /* Reads a packet from a message (binary: of bytes, only with SIOC_PARSER_BINARY).
     *   ret_packet  written on success, and in part on failure; its type must be one of the
     *               five, the namespace begin with "/" (whether there is such a one is not the
     *               parser's business), and the data be of the shape that the table above
     *               says: at least that it begins so, for what is in it may be looked at when
     *               it is decoded
     *   ret_error   written on failure: a static text for logs and "error" handlers
     * 0 or SIOC_EPROTO. */
    int (*read)(struct sioc_str message, bool binary, const struct sioc_packet_limits *limits,
                struct sioc_packet *ret_packet, const char **ret_error);
    /* The first element of an EVENT's data: a string, or a number as JSON writes it.
     *   ret_name  borrowed from the data, or from `out` (empty) when it stands there in another
     *             form; valid UTF-8
     * 0, or SIOC_EPROTO (another type, or no element), SIOC_ESYNTAX, SIOC_EUTF8, SIOC_ENOMEM */
    int (*event_name)(const struct sioc_packet_data *data, struct sioc_out *out,
                      struct sioc_str *ret_name);
    /* Reads the data of an EVENT or ACK: drives the sink with the elements [from, to), each as
     * one value (no array_begin, no array_end), and checks the others.
     *   sink       NULL: only checks
     *   ret_count  how many elements were driven
     * 0, SIOC_ESYNTAX, SIOC_EUTF8, SIOC_EDEPTH, SIOC_ELIMIT, SIOC_EPROTO (no such attachment),
     * SIOC_ENOMEM, or the sink's error: the reader stops there. */
    int (*read_elements)(const struct sioc_packet_data *data, size_t from, size_t to,
                         struct sioc_sink *sink, size_t *ret_count);
    /* The same for the data of CONNECT, which is one value. */
    int (*read_value)(const struct sioc_packet_data *data, struct sioc_sink *sink);

    /* ---- out ---- */

    /* The memory that one message needs for its encoder; aligned for any type, all zero at
     * first, and then as the last message has left it. */
    size_t encoder_bytes;
    /* Begins a message: returns the sink that gets one value after the other, to lie in
     * `encoder`.  It is left alone after the first error that it returns.  The elements go to
     * `out`; what else stands there is the encoder's business. */
    struct sioc_sink *(*begin)(void *encoder, const struct sioc_encoding *encoding);
    /* Makes it a packet, EVENT or ACK: `before` (empty) gets what stands before the elements,
     * `out` what stands behind them.  A message may be sent in several namespaces: `finish` is
     * called again then with another head, and finds `out` as it was before the first time, so
     * it changes nothing in `encoder`.
     * SIOC_PARSER_TEXT or SIOC_PARSER_BINARY: what kind of message it is; or an error. */
    int (*finish)(void *encoder, const struct sioc_packet_head *head, struct sioc_out *before,
                  struct sioc_out *out);
    /* What was written, as the data of a packet that came in: for those who listen to what is
     * sent.
     *   elements  what lay in `out` before the first `finish`
     *   ret_data  borrowed from `elements` or from `room` (empty)
     * 0 or an error. */
    int (*reread)(void *encoder, struct sioc_str elements, struct sioc_out *room,
                  struct sioc_str *ret_data);
    /* Frees what the encoder has allocated; NULL: nothing ever. */
    void (*release)(void *encoder);
    /* Writes a whole packet, CONNECT, DISCONNECT or CONNECT_ERROR.
     *   json  its data as JSON text, "" = none
     * As finish. */
    int (*write)(const struct sioc_packet_head *head, struct sioc_str json, unsigned max_depth,
                 struct sioc_out *out);
};

/* ---- making it known ---- */

struct sioc_options;

/* From here on, the option "parser" knows it by its name.  parser: borrowed, as long as these
 * options and their server live.  0, SIOC_EINVAL (not whole, another version, a bad name),
 * SIOC_EEXIST, SIOC_ENOMEM. */
SIOC_API int sioc_options_add_parser(struct sioc_options *options,
                                     const struct sioc_parser *parser);

/* A parser may come in a shared library: the option "parser" with a slash in it is the path of
 * one (parser = "./mine.so"), which has a function
 *
 *     const struct sioc_parser *sioc_parser(void);
 *
 * It stays loaded for good, and finds what it calls of this API in the program that loads it.
 */

#ifdef __cplusplus
}
#endif

#endif
