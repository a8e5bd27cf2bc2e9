/* base/out.c -- growable bytes as the public API knows them (<sioc/parser.h>): a struct buf.
 *
 * Here, so that parsers outside of the library can write what those inside write with buf.h.
 */
#include "base/buf.h"
#include <sioc/parser.h>

void sioc_out_put(struct sioc_out *out, const void *bytes, size_t len)
{
    buf_put(buf_of(out), bytes, len);
}

void sioc_out_put_str(struct sioc_out *out, struct sioc_str bytes)
{
    buf_put_str(buf_of(out), bytes);
}

int sioc_out_fail(struct sioc_out *out, int error)
{
    return buf_fail(buf_of(out), error);
}

int sioc_out_error(const struct sioc_out *out)
{
    return ((const struct buf *)(const void *)out)->error;
}

struct sioc_str sioc_out_str(const struct sioc_out *out)
{
    return buf_str((const struct buf *)(const void *)out);
}
