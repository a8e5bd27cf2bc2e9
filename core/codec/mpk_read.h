/* codec/mpk_read.h -- msgpack drives a sink.  Knows nothing of Socket.IO.
 *
 * Linear in the input at any nesting; no recursion, and no heap but for the binary values that
 * the sink is given.  Integers above 2^63 - 1 and floats go to `number`; undefined and dates
 * that no calendar has are null; dates are ISO strings in UTC; ext types that mean nothing here
 * are [type, binary].  Keys of maps are strings, or integers (as decimal text).  Invalid UTF-8
 * is SIOC_EUTF8.
 */
#ifndef CODEC_MPK_READ_H
#define CODEC_MPK_READ_H

#include <sioc/sink.h>

#define MPK_DEPTH_MAX 1024

struct mpk_reader {
    unsigned max_depth; /* arrays and maps inside one another; deeper, or deeper than
                         * MPK_DEPTH_MAX, is SIOC_EDEPTH */
    size_t max_values;  /* arrays and maps included; more is SIOC_ELIMIT; 0: any number */
    size_t error_at;    /* byte offset of the value that is wrong, set on failure */
};

/* Reads the one value that fills `bytes` into `sink`; with a NULL sink it only checks.
 * 0, SIOC_ESYNTAX (also: cut off, something behind it), SIOC_EUTF8, SIOC_EDEPTH, SIOC_ENOMEM or
 * the sink's error. */
int mpk_read(struct mpk_reader *reader, struct sioc_str bytes, struct sioc_sink *sink);

/* Reads the *elements* [from, to) of the array that fills `bytes` (no array_begin/array_end),
 * and checks the others.  *ret_count = elements driven. */
int mpk_read_elements(struct mpk_reader *reader, struct sioc_str bytes, size_t from, size_t to,
                      struct sioc_sink *sink, size_t *ret_count);

/* Reads the value at the front of *rest and moves *rest behind it. */
int mpk_read_front(struct mpk_reader *reader, struct sioc_str *rest, struct sioc_sink *sink);

#endif
