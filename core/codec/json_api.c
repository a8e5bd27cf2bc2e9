/* codec/json_api.c -- the public face of the JSON codec (<sioc/sink.h>).
 *
 * Knows no Socket.IO: no attachments here.  Invariant: an encoder that failed has no text.
 */
#include "base/mem.h"
#include "codec/json_read.h"
#include "codec/json_write.h"

#define ENCODER_MAX_DEPTH 128

int sioc_json_decode(struct sioc_str json, unsigned max_depth, struct sioc_sink *sink,
                     size_t *ret_error_at)
{
    struct buf scratch;
    buf_init(&scratch);
    struct json_reader reader = {.max_depth = max_depth, .scratch = &scratch};
    int rc = json_read(&reader, json, sink);
    buf_deinit(&scratch);
    if (rc < 0 && ret_error_at)
        *ret_error_at = reader.error_at;
    return rc;
}

struct sioc_json_encoder {
    struct json_writer writer;
    struct buf text;
};

struct sioc_json_encoder *sioc_json_encoder_new(void)
{
    struct sioc_json_encoder *encoder = mem_alloc(sizeof *encoder);
    if (!encoder)
        return NULL;
    buf_init(&encoder->text);
    sioc_json_encoder_reset(encoder);
    return encoder;
}

void sioc_json_encoder_free(struct sioc_json_encoder *encoder)
{
    if (!encoder)
        return;
    buf_deinit(&encoder->text);
    mem_free(encoder);
}

struct sioc_sink *sioc_json_encoder_sink(struct sioc_json_encoder *encoder)
{
    return &encoder->writer.sink;
}

struct sioc_str sioc_json_encoder_text(const struct sioc_json_encoder *encoder)
{
    return encoder->text.error ? sioc_str_n(NULL, 0) : buf_str(&encoder->text);
}

void sioc_json_encoder_reset(struct sioc_json_encoder *encoder)
{
    buf_reset(&encoder->text);
    json_writer_init(&encoder->writer, &encoder->text, NULL, ENCODER_MAX_DEPTH);
}
