/* http/parser.c -- one pass over the head, line by line; then a look at what the headers mean.
 *
 * Knows no connection.  Bytes of an unfinished line are judged at once, too, so what can never
 * become HTTP is refused before a timeout has to do it.  Invariant: never reads beyond
 * limits.head_bytes.
 */
#include "http/parser.h"
#include "base/str.h"
#include "http/chars.h"

/* A reader over the bytes of the head. */
struct cursor {
    const char *at, *end;
    int status; /* what to refuse with; 0: only the end of the input was met */
};

static bool refuse(struct cursor *c, int status)
{
    c->status = status;
    return false;
}

static bool at_end(const struct cursor *c)
{
    return c->at == c->end;
}

/* One byte that must be `expected`. */
static bool take(struct cursor *c, char expected)
{
    if (at_end(c))
        return false;
    if (*c->at != expected)
        return refuse(c, 400);
    c->at++;
    return true;
}

static bool take_crlf(struct cursor *c)
{
    return take(c, '\r') && take(c, '\n');
}

/* ---- the request line ---- */

static enum http_method method_of(struct sioc_str name)
{
    static const struct {
        struct sioc_str name;
        enum http_method method;
    } known[] = {
        {{"GET", 3}, HTTP_GET},
        {{"POST", 4}, HTTP_POST},
        {{"HEAD", 4}, HTTP_HEAD},
        {{"OPTIONS", 7}, HTTP_OPTIONS},
        {{"PUT", 3}, HTTP_PUT},
        {{"DELETE", 6}, HTTP_DELETE},
        {{"PATCH", 5}, HTTP_PATCH},
        {{"CONNECT", 7}, HTTP_METHOD_OTHER},
        {{"TRACE", 5}, HTTP_METHOD_OTHER},
        {{"PROPFIND", 8}, HTTP_METHOD_OTHER},
        {{"PROPPATCH", 9}, HTTP_METHOD_OTHER},
        {{"MKCOL", 5}, HTTP_METHOD_OTHER},
        {{"COPY", 4}, HTTP_METHOD_OTHER},
        {{"MOVE", 4}, HTTP_METHOD_OTHER},
        {{"LOCK", 4}, HTTP_METHOD_OTHER},
        {{"UNLOCK", 6}, HTTP_METHOD_OTHER},
        {{"SEARCH", 6}, HTTP_METHOD_OTHER},
        {{"QUERY", 5}, HTTP_METHOD_OTHER},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_eq(name, known[i].name))
            return known[i].method;
    return 0;
}

#define METHOD_MAX 9

static bool take_method(struct cursor *c, struct http_head *head)
{
    const char *start = c->at;
    while (!at_end(c) && *c->at >= 'A' && *c->at <= 'Z')
        c->at++;
    size_t len = (size_t)(c->at - start);
    if (len > METHOD_MAX)
        return refuse(c, 400);
    if (!take(c, ' '))
        return false;
    head->method_name = sioc_str_n(start, len);
    head->method = method_of(head->method_name);
    return head->method ? true : refuse(c, 400);
}

/* Origin form, or one of the three other forms (RFC 9112, 3.2), which have no path for us. */
static bool split_target(struct http_head *head)
{
    struct sioc_str target = head->target;
    struct sioc_str none = {"", 0};
    head->path = head->query = none;
    if (target.len == 0)
        return false;
    if (target.ptr[0] != '/')
        return str_eq(target, STR("*")) || memmem(target.ptr, target.len, "://", 3) ||
               str_eq(head->method_name, STR("CONNECT"));
    struct sioc_str rest = str_part(target, 0, str_find(target, '#'));
    size_t mark = str_find(rest, '?');
    head->path = str_part(rest, 0, mark);
    if (mark < rest.len)
        head->query = str_from(rest, mark + 1);
    return true;
}

static bool take_target(struct cursor *c, size_t max_bytes, struct http_head *head)
{
    const char *start = c->at;
    while (!at_end(c) && http_is_target_char((uint8_t)*c->at))
        c->at++;
    size_t len = (size_t)(c->at - start);
    if (len > max_bytes)
        return refuse(c, 414);
    if (!take(c, ' '))
        return false;
    head->target = sioc_str_n(start, len);
    return split_target(head) ? true : refuse(c, 400);
}

static bool take_version(struct cursor *c, struct http_head *head)
{
    for (const char *expected = "HTTP/"; *expected; expected++)
        if (!take(c, *expected))
            return false;
    char version[3];
    for (int i = 0; i < 3; i++, c->at++) {
        if (at_end(c))
            return false;
        version[i] = *c->at;
        if (i == 1 ? version[i] != '.' : version[i] < '0' || version[i] > '9')
            return refuse(c, 400);
    }
    if (version[0] != '1' || version[2] > '1')
        return refuse(c, 505);
    head->minor = version[2] - '0';
    return take_crlf(c);
}

/* ---- header lines ---- */

static bool take_header(struct cursor *c, struct http_header *ret_header)
{
    const char *name = c->at;
    while (!at_end(c) && http_is_token_char((uint8_t)*c->at))
        c->at++;
    ret_header->name = sioc_str_n(name, (size_t)(c->at - name));
    if (!at_end(c) && ret_header->name.len == 0)
        return refuse(c, 400); /* folding, too, ends here */
    if (!take(c, ':'))
        return false;
    const char *value = c->at;
    while (!at_end(c) && http_is_value_char((uint8_t)*c->at))
        c->at++;
    ret_header->value = str_trim(sioc_str_n(value, (size_t)(c->at - value)));
    return take_crlf(c);
}

static bool take_headers(struct cursor *c, size_t max_headers, struct http_head *head)
{
    if (max_headers > HTTP_MAX_HEADERS)
        max_headers = HTTP_MAX_HEADERS;
    head->header_count = 0;
    for (;;) {
        if (at_end(c))
            return false;
        if (*c->at == '\r')
            return take_crlf(c);
        if (head->header_count == max_headers)
            return refuse(c, 431);
        if (!take_header(c, &head->headers[head->header_count]))
            return false;
        head->header_count++;
    }
}

/* ---- what the headers mean ---- */

/* Each returns 0 or the status to refuse with. */

static int see_length(struct http_head *head, struct sioc_str value)
{
    if (head->has_length || value.len > 18 ||
        !str_to_u64(value, INT64_MAX, &head->content_length))
        return 400;
    head->has_length = true;
    return 0;
}

static int see_coding(struct http_head *head, struct sioc_str value)
{
    if (head->chunked || head->minor == 0 || !str_eq_nocase(value, STR("chunked")))
        return 400;
    head->chunked = true;
    return 0;
}

static int see_host(struct http_head *head, struct sioc_str value)
{
    if (head->host.ptr)
        return 400;
    for (size_t i = 0; i < value.len; i++)
        if (!http_is_target_char((uint8_t)value.ptr[i]))
            return 400;
    head->host = sioc_str_n(value.ptr ? value.ptr : "", value.len);
    return 0;
}

static int see_expect(struct http_head *head, struct sioc_str value)
{
    if (!str_eq_nocase(value, STR("100-continue")))
        return 417;
    head->expect_continue = head->minor > 0;
    return 0;
}

static int see_header(struct http_head *head, const struct http_header *header)
{
    static const struct {
        struct sioc_str name;
        int (*see)(struct http_head *head, struct sioc_str value);
    } seers[] = {
        {{"content-length", 14}, see_length},
        {{"transfer-encoding", 17}, see_coding},
        {{"host", 4}, see_host},
        {{"expect", 6}, see_expect},
    };
    for (size_t i = 0; i < sizeof seers / sizeof *seers; i++)
        if (str_eq_nocase(header->name, seers[i].name))
            return seers[i].see(head, header->value);
    return 0;
}

static int understand(struct http_head *head)
{
    head->has_length = head->chunked = head->expect_continue = false;
    head->content_length = 0;
    head->host = sioc_str_n(NULL, 0);
    for (size_t i = 0; i < head->header_count; i++) {
        int status = see_header(head, &head->headers[i]);
        if (status)
            return status;
    }
    if ((head->chunked && head->has_length) || (head->minor > 0 && !head->host.ptr))
        return 400;
    if (!head->host.ptr)
        head->host.ptr = "";
    struct sioc_str connection = STR("connection");
    bool close = http_header_has_token(head, connection, STR("close"));
    head->keep_alive = !close && (head->minor > 0 ||
                                  http_header_has_token(head, connection, STR("keep-alive")));
    head->upgrade = head->minor > 0 && http_header_get(head, STR("upgrade")).ptr &&
                    http_header_has_token(head, connection, STR("upgrade"));
    /* A proxy in front could see the body as the next request. */
    return head->upgrade && (head->chunked || head->content_length) ? 400 : 0;
}

/* ---- the whole ---- */

static bool skip_empty_lines(struct cursor *c)
{
    while (!at_end(c) && *c->at == '\r')
        if (!take_crlf(c))
            return false;
    return true;
}

int http_parse_head(struct sioc_str in, const struct http_limits *limits,
                    struct http_header *room, struct http_head *ret_head, int *ret_status)
{
    bool all = in.len < limits->head_bytes;
    struct cursor c = {.at = in.ptr};
    c.end = in.ptr + (all ? in.len : limits->head_bytes);
    if (in.len == 0)
        return 0;
    ret_head->headers = room;
    bool complete = skip_empty_lines(&c) && take_method(&c, ret_head) &&
                    take_target(&c, limits->url_bytes, ret_head) &&
                    take_version(&c, ret_head) && take_headers(&c, limits->headers, ret_head);
    if (complete)
        c.status = understand(ret_head);
    else if (c.status == 0 && !all)
        c.status = 431;
    if (c.status) {
        *ret_status = c.status;
        return SIOC_EPROTO;
    }
    return complete ? (int)(c.at - in.ptr) : 0;
}

struct sioc_str http_header_get(const struct http_head *head, struct sioc_str name)
{
    for (size_t i = 0; i < head->header_count; i++)
        if (str_eq_nocase(head->headers[i].name, name))
            return head->headers[i].value;
    return sioc_str_n(NULL, 0);
}

bool http_header_has_token(const struct http_head *head, struct sioc_str name,
                           struct sioc_str token)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (!str_eq_nocase(head->headers[i].name, name))
            continue;
        struct sioc_str rest = head->headers[i].value, part;
        while (str_next(&rest, ',', &part))
            if (str_eq_nocase(str_trim(part), token))
                return true;
    }
    return false;
}
