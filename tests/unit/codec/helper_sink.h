/* A sink that writes down how it is driven, as one line of text, and fails on demand.
 *
 *   n t f        null, true, false         i5 d0.5 d-0 dinf   integer, number (17 digits)
 *   "a%0a"       string                    b<666f>            binary data, in hex
 *   [ ]  { }     containers                k"key"             map_key      r<[1]>  raw_json
 *
 * Separated by spaces; bytes outside of printable ASCII, `"` and `%` are %XX.  It also watches
 * the contract: a key before every value of a map, strings of valid UTF-8, ends that match.
 * What is wrong becomes the word !wrong.
 */
#ifndef HELPER_SINK_H
#define HELPER_SINK_H

#include "base/buf.h"
#include <sioc/sink.h>

#define HELPER_MAX_DEPTH 2048

struct helper_sink {
    struct sioc_sink sink;
    struct buf text;
    size_t calls;
    size_t fail_at; /* this call (1 = the first) answers fail_with; 0 = none */
    int fail_with;
    int answer; /* what all other calls return: any number >= 0 is good */
    unsigned depth;
    char open[HELPER_MAX_DEPTH]; /* '[', '{' before a key, ':' behind one */
};

void helper_sink_init(struct helper_sink *h);
void helper_sink_reset(struct helper_sink *h);
void helper_sink_deinit(struct helper_sink *h);
/* The transcript as a C string, valid until the next call. */
const char *helper_sink_text(struct helper_sink *h);

#endif
