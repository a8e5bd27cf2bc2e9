/* fake_request.h -- requests without a connection, for the handlers of this floor: whatever
 * they respond is kept.  Stands in for http/conn.c: the linker takes these functions and leaves
 * that file in the archive.  Included once per program.
 */
#ifndef TEST_HTTP_FAKE_REQUEST_H
#define TEST_HTTP_FAKE_REQUEST_H

#include "base/str.h"
#include "http/conn.h"
#include "net/chunk.h"
#include <unistd.h>

struct fake {
    struct http_request request;
    struct http_header room[HTTP_MAX_HEADERS];
    struct buf text; /* the request as sent */
    bool secure;
    int answers; /* must be 1 in the end */
    int status;
    struct buf headers; /* "Name: value\n" for each, those of extra_headers behind */
    struct buf body;
};

/* Parses `text`, header lines ended by "\n"; the empty line is added. */
static void fake_init(struct fake *f, const char *text)
{
    static const struct http_limits limits = {
        .head_bytes = 16384, .url_bytes = 4096, .headers = HTTP_MAX_HEADERS};
    int status = 0;
    memset(f, 0, sizeof *f);
    buf_init(&f->text);
    buf_init(&f->headers);
    buf_init(&f->body);
    buf_init(&f->request.body);
    buf_init(&f->request.extra_headers);
    for (; *text; text++) {
        if (*text == '\n')
            buf_putc(&f->text, '\r');
        buf_putc(&f->text, *text);
    }
    buf_put_str(&f->text, STR("\r\n"));
    int len = http_parse_head(buf_str(&f->text), &limits, f->room, &f->request.head, &status);
    if (len != (int)f->text.len)
        fail_msg("test request refused with %d: %s", status, (char *)f->text.bytes);
}

static void fake_deinit(struct fake *f)
{
    buf_deinit(&f->text);
    buf_deinit(&f->headers);
    buf_deinit(&f->body);
    buf_deinit(&f->request.body);
    buf_deinit(&f->request.extra_headers);
}

/* A header of the response; ptr NULL when it has none. */
static inline struct sioc_str fake_header(const struct fake *f, const char *name)
{
    struct sioc_str rest = buf_str(&f->headers), line;
    while (str_next(&rest, '\n', &line)) {
        size_t colon = str_find(line, ':');
        if (colon < line.len && str_eq_nocase(str_part(line, 0, colon), sioc_str(name)))
            return str_trim(str_from(line, colon + 1));
    }
    return (struct sioc_str){NULL, 0};
}

#define assert_header(fake, name, expected)                                               \
    do {                                                                                  \
        struct sioc_str value_ = fake_header(fake, name);                                 \
        if (!value_.ptr || !str_eq(value_, sioc_str(expected)))                           \
            fail_msg("%s is \"%.*s\", not \"%s\"", name, SIOC_STR_ARG(value_), expected); \
    } while (0)
#define assert_no_header(fake, name) assert_null(fake_header(fake, name).ptr)

/* ---- what handlers call ---- */

int http_respond(struct http_request *request, int status, const struct http_field *fields,
                 size_t field_count, struct sioc_str body)
{
    struct fake *f = (struct fake *)(void *)request; /* the first member */
    f->answers++;
    f->status = status;
    for (size_t i = 0; i < field_count; i++)
        buf_printf(&f->headers, "%s: %.*s\n", fields[i].name, SIOC_STR_ARG(fields[i].value));
    for (size_t i = 0; i < request->extra_headers.len; i++)
        if (request->extra_headers.bytes[i] != '\r')
            buf_putc(&f->headers, (char)request->extra_headers.bytes[i]);
    buf_put_str(&f->body, body);
    return 0;
}

int http_respond_chunk(struct http_request *request, int status,
                       const struct http_field *fields, size_t field_count,
                       struct net_chunk *body)
{
    return http_respond(request, status, fields, field_count,
                        sioc_str_n(body->bytes, body->len));
}

int http_respond_file(struct http_request *request, int status, const struct http_field *fields,
                      size_t field_count, int fd, uint64_t len)
{
    struct fake *f = (struct fake *)(void *)request;
    http_respond(request, status, fields, field_count, STR(""));
    uint8_t *to = buf_reserve(&f->body, len);
    if (!to || read(fd, to, len) != (ssize_t)len)
        f->status = -1;
    else
        buf_commit(&f->body, len);
    close(fd);
    return 0;
}

struct net_stream *http_request_stream(struct http_request *request)
{
    return (struct net_stream *)(void *)request;
}

bool net_stream_secure(const struct net_stream *stream)
{
    return ((const struct fake *)(const void *)stream)->secure;
}

#endif
