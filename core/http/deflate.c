/* http/deflate.c -- see deflate.h.  The only file of this floor that names zlib. */
#include "http/deflate.h"
#include "base/mem.h"
#include "base/str.h"
#include "http/accept.h"
#include <limits.h>
#define ZLIB_CONST
#include <zlib.h>

#define LEVEL        6 /* zlib's own middle */
#define MEMORY_LEVEL 8
#define GZIP_BITS    (15 + 16) /* zlib's way of saying "with a gzip head" */
#define ZLIB_BITS    15

struct http_compressor {
    z_stream streams[HTTP_CODINGS];
    bool made[HTTP_CODINGS];
};

static const struct sioc_str names[HTTP_CODINGS] = {
    [HTTP_GZIP] = {"gzip", 4}, [HTTP_DEFLATE] = {"deflate", 7}};

enum http_coding http_coding_wanted(struct sioc_str header)
{
    return (enum http_coding)http_accept_encoding(header, names, HTTP_CODINGS);
}

struct sioc_str http_coding_name(enum http_coding coding)
{
    return names[coding];
}

struct http_compressor *http_compressor_new(void)
{
    return mem_zalloc(sizeof(struct http_compressor));
}

void http_compressor_free(struct http_compressor *c)
{
    if (!c)
        return;
    for (int i = 0; i < HTTP_CODINGS; i++)
        if (c->made[i])
            deflateEnd(&c->streams[i]);
    mem_free(c);
}

/* zlib's allocations fail where ours would. */
static void *zlib_alloc(void *user, unsigned count, unsigned size)
{
    size_t bytes;
    (void)user;
    return mem_mul(count, size, &bytes) ? mem_alloc(bytes) : NULL;
}

static void zlib_free(void *user, void *ptr)
{
    (void)user;
    mem_free(ptr);
}

static z_stream *begin(struct http_compressor *c, enum http_coding coding)
{
    z_stream *z = &c->streams[coding];
    if (c->made[coding])
        return deflateReset(z) == Z_OK ? z : NULL;
    *z = (z_stream){.zalloc = zlib_alloc, .zfree = zlib_free};
    if (deflateInit2(z, LEVEL, Z_DEFLATED, coding == HTTP_GZIP ? GZIP_BITS : ZLIB_BITS,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return NULL;
    c->made[coding] = true;
    return z;
}

int http_compress(struct http_compressor *c, enum http_coding coding, struct sioc_str body,
                  struct buf *out)
{
    z_stream *z = begin(c, coding);
    if (!z || body.len > UINT_MAX)
        return SIOC_ENOMEM;
    size_t bound = deflateBound(z, (uLong)body.len);
    uint8_t *to = bound <= UINT_MAX ? buf_reserve(out, bound) : NULL;
    if (!to)
        return SIOC_ENOMEM;
    z->next_in = (const Bytef *)(const void *)body.ptr;
    z->avail_in = (uInt)body.len;
    z->next_out = to;
    z->avail_out = (uInt)bound;
    if (deflate(z, Z_FINISH) != Z_STREAM_END) /* the bound says that it fits */
        return SIOC_ENOMEM;
    buf_commit(out, bound - z->avail_out);
    return 0;
}
