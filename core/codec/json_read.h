/* codec/json_read.h -- JSON text (RFC 8259, strict) drives a sink.  Knows nothing of Socket.IO
 * but for one hook: objects that stand for attachments.
 *
 * Linear in the input at any nesting; no heap and no recursion.  Numbers: integers within 64
 * bits go to `integer`, all others to `number` (too large: infinity, which encoders write as
 * null); -0 is the number -0.0; a number token above 64 bytes is SIOC_ESYNTAX.  Strings are
 * unescaped; escaped lone surrogates (\ud800) become U+FFFD; invalid UTF-8 is SIOC_EUTF8.
 */
#ifndef CODEC_JSON_READ_H
#define CODEC_JSON_READ_H

#include "base/buf.h"
#include <sioc/sink.h>

struct json_reader {
    unsigned max_depth;  /* arrays and maps inside one another; deeper, or deeper than 1024, is
                          * SIOC_EDEPTH */
    size_t max_values;   /* of one text, arrays and maps included; more is SIOC_ELIMIT; 0: any
                            number */
    struct buf *scratch; /* where escaped strings are unescaped; kept by the caller for reuse;
                          * may be NULL when only checking */

    /* Attachments (protocol.md 3.1 step 7): when not NULL, an object that has `_placeholder:
     * true` among its members, before its first member that is itself an array or object, is
     * not driven as a map: its integer `num` is looked up here and goes to `sink->binary`.  A
     * num that is missing, no integer or not below count is SIOC_EPROTO. */
    struct sioc_buffer *const *attachments;
    size_t attachment_count;

    size_t error_at; /* byte offset of the first error, set on failure */
};

/* Reads the one value that fills `text` (white space around it is allowed) into `sink`; with a
 * NULL sink it only checks.  0, SIOC_ESYNTAX, SIOC_EUTF8, SIOC_EDEPTH, SIOC_EPROTO, SIOC_ENOMEM
 * or the sink's error. */
int json_read(struct json_reader *reader, struct sioc_str text, struct sioc_sink *sink);

/* Reads the *elements* [from, to) of the array that fills `text` into `sink` (no
 * array_begin/array_end), and checks the others: that is how the arguments of an event are
 * read.  *ret_count = elements driven.  Errors as above; SIOC_ESYNTAX when text is no array. */
int json_read_elements(struct json_reader *reader, struct sioc_str text, size_t from, size_t to,
                       struct sioc_sink *sink, size_t *ret_count);

/* What the first bytes of `text` are, without reading on: for shape checks. */
enum json_kind {
    JSON_KIND_NONE, /* empty or no JSON */
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_MAP,
};
enum json_kind json_peek(struct sioc_str text);

/* The first element of the array in `text`, as raw JSON (a slice of text); ret_raw is empty
 * (its kind is NONE) when the array is empty.  SIOC_ESYNTAX when text does not start with an
 * array whose first element is complete; SIOC_EUTF8 and SIOC_EDEPTH for what is in the element.
 * The rest of the text is not looked at.  A string element without escapes is given without its
 * quotes in ret_plain (ptr NULL otherwise). */
int json_first_element(struct sioc_str text, struct sioc_str *ret_raw,
                       struct sioc_str *ret_plain);

/* Building blocks of the readers, for this folder. */

/* Checks one value and moves *at behind it; on failure *at is the offending byte. */
int json_skip(const char **at, const char *end, unsigned max_depth);

#define JSON_NO_PLACEHOLDER 1
/* Does the object at *at stand for an attachment (see struct json_reader)?
 * 0: yes; *ret_data is borrowed from `attachments` and *at moves behind the object.
 * JSON_NO_PLACEHOLDER: no, or not decided before its first nested member; *at stays.
 * Negative: as json_read; *at is the offending byte. */
int json_placeholder(const char **at, const char *end, struct sioc_buffer *const *attachments,
                     size_t attachment_count, unsigned max_depth,
                     struct sioc_buffer **ret_data);

#endif
