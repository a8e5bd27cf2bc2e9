/* codec/json_read.c -- JSON text drives a sink, without recursion and without a heap.
 *
 * Knows the grammar; the words are json_token's business.  What is open at each depth (array or
 * map) is one bit, so the whole stack is 128 bytes.
 * Invariant: `at` never passes `end`; on failure it is the offending byte.
 */
#include "codec/json_read.h"

#include "base/str.h"
#include "codec/json_token.h"

/* Besides 0 (a value is complete) and errors: */
#define OPENED 1 /* a container was opened and is not empty: its first value comes next */
#define MORE   2 /* the container goes on: its next value comes next */

struct state {
    const char *start, *at, *end;
    struct sioc_sink *sink; /* NULL: only check */
    const struct json_reader *reader;
    unsigned max_depth, depth;
    size_t values_left;
    uint64_t maps[JSON_DEPTH_MAX / 64]; /* bit d: what is open at depth d is a map */
};

/* A sink's good answers may be any number; ours mean something. */
static inline int said(int rc)
{
    return rc < 0 ? rc : 0;
}

static void state_init(struct state *s, const struct json_reader *reader, struct sioc_str text,
                       struct sioc_sink *sink)
{
    s->start = s->at = text.len ? text.ptr : "";
    s->end = s->start + text.len;
    s->sink = sink;
    s->reader = reader;
    s->max_depth = reader->max_depth < JSON_DEPTH_MAX ? reader->max_depth : JSON_DEPTH_MAX;
    s->depth = 0;
    s->values_left = reader->max_values ? reader->max_values : SIZE_MAX;
}

static inline char next_char(struct state *s)
{
    json_skip_space(&s->at, s->end);
    return s->at < s->end ? *s->at : '\0'; /* a real NUL is as wrong as the end */
}

static bool in_map(const struct state *s)
{
    unsigned d = s->depth - 1;
    return s->maps[d / 64] >> (d % 64) & 1;
}

static int push(struct state *s, bool map)
{
    if (s->depth >= s->max_depth)
        return SIOC_EDEPTH;
    uint64_t bit = (uint64_t)1 << (s->depth % 64), *word = &s->maps[s->depth / 64];
    *word = map ? *word | bit : *word & ~bit;
    s->depth++;
    return 0;
}

/* The text of a string that was scanned: a slice of the input, or unescaped in the scratch. */
static int string_text(const struct state *s, const struct json_string *string,
                       struct sioc_str *ret_text)
{
    if (!string->escaped) {
        *ret_text = string->raw;
        return 0;
    }
    struct buf *scratch = s->reader->scratch;
    if (!scratch)
        return SIOC_EINVAL;
    buf_reset(scratch);
    char *to = (char *)buf_reserve(scratch, string->raw.len);
    if (!to)
        return scratch->error;
    size_t len;
    int rc = json_unescape(to, string->raw.len, string->raw, &len);
    if (rc < 0)
        return rc;
    buf_commit(scratch, len);
    *ret_text = buf_str(scratch);
    return 0;
}

static int read_string(struct state *s)
{
    struct json_string string;
    struct sioc_str text;
    s->at++;
    int rc = json_scan_string(&s->at, s->end, &string);
    if (rc < 0 || !s->sink)
        return rc;
    rc = string_text(s, &string, &text);
    return rc < 0 ? rc : said(s->sink->ops->string(s->sink, text));
}

static int read_key(struct state *s)
{
    struct json_string string;
    struct sioc_str text;
    if (next_char(s) != '"')
        return SIOC_ESYNTAX;
    s->at++;
    int rc = json_scan_string(&s->at, s->end, &string);
    if (rc < 0)
        return rc;
    if (s->sink) {
        rc = string_text(s, &string, &text);
        if (rc < 0)
            return rc;
        rc = s->sink->ops->map_key(s->sink, text);
        if (rc < 0)
            return rc;
    }
    if (next_char(s) != ':')
        return SIOC_ESYNTAX;
    s->at++;
    return 0;
}

static bool is_whole(struct sioc_str digits)
{
    for (size_t i = 0; i < digits.len; i++)
        if (digits.ptr[i] == '.' || digits.ptr[i] == 'e' || digits.ptr[i] == 'E')
            return false;
    return true;
}

static int read_number(struct state *s)
{
    struct json_number number;
    const char *start = s->at;
    int rc = json_scan_number(&s->at, s->end, &number);
    if (rc < 0 || !s->sink)
        return rc;
    if (number.is_integer)
        return said(s->sink->ops->integer(s->sink, number.integer));
    struct sioc_str digits = sioc_str_n(start, (size_t)(s->at - start));
    if (s->sink->ops->big_integer && is_whole(digits))
        return said(s->sink->ops->big_integer(s->sink, digits));
    return said(s->sink->ops->number(s->sink, number.number));
}

static bool take_word(struct state *s, const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++, s->at++) {
        if (s->at == s->end || *s->at != word[i])
            return false;
    }
    return true;
}

static int read_bool(struct state *s, bool value)
{
    if (!(value ? take_word(s, "true", 4) : take_word(s, "false", 5)))
        return SIOC_ESYNTAX;
    return s->sink ? said(s->sink->ops->boolean(s->sink, value)) : 0;
}

static int read_null(struct state *s)
{
    if (!take_word(s, "null", 4))
        return SIOC_ESYNTAX;
    return s->sink ? said(s->sink->ops->null(s->sink)) : 0;
}

static int close_container(struct state *s)
{
    bool map = in_map(s);
    s->at++;
    s->depth--;
    if (!s->sink)
        return 0;
    return said(map ? s->sink->ops->map_end(s->sink) : s->sink->ops->array_end(s->sink));
}

static int open_array(struct state *s)
{
    int rc = push(s, false);
    if (rc == 0 && s->sink)
        rc = s->sink->ops->array_begin(s->sink, SIOC_COUNT_UNKNOWN);
    if (rc < 0)
        return rc;
    s->at++;
    return next_char(s) == ']' ? close_container(s) : OPENED;
}

/* 0 when the object at s->at stands for an attachment and was driven as one; OPENED when not.
 */
static int open_placeholder(struct state *s)
{
    const struct json_reader *r = s->reader;
    struct sioc_buffer *data;
    int rc = json_placeholder(&s->at, s->end, r->attachments, r->attachment_count,
                              s->max_depth - s->depth, &data);
    if (rc != 0)
        return rc < 0 ? rc : OPENED;
    return s->sink ? said(s->sink->ops->binary(s->sink, data)) : 0;
}

static int open_map(struct state *s)
{
    if (s->depth >= s->max_depth)
        return SIOC_EDEPTH;
    if (s->reader->attachments) {
        int rc = open_placeholder(s);
        if (rc != OPENED)
            return rc;
    }
    int rc = push(s, true);
    if (rc == 0 && s->sink)
        rc = s->sink->ops->map_begin(s->sink, SIOC_COUNT_UNKNOWN);
    if (rc < 0)
        return rc;
    s->at++;
    if (next_char(s) == '}')
        return close_container(s);
    rc = read_key(s);
    return rc < 0 ? rc : OPENED;
}

/* One scalar, one empty container, or the begin of any other: 0, OPENED or an error. */
static int begin_value(struct state *s)
{
    if (s->values_left-- == 0)
        return SIOC_ELIMIT;
    switch (next_char(s)) {
    case '"':
        return read_string(s);
    case '{':
        return open_map(s);
    case '[':
        return open_array(s);
    case 't':
        return read_bool(s, true);
    case 'f':
        return read_bool(s, false);
    case 'n':
        return read_null(s);
    default:
        return read_number(s);
    }
}

/* Behind a value in a container: MORE, 0 when the container ends here, or an error. */
static int next_value(struct state *s)
{
    bool map = in_map(s);
    char c = next_char(s);
    if (c == ',') {
        s->at++;
        int rc = map ? read_key(s) : 0;
        return rc < 0 ? rc : MORE;
    }
    return c == (map ? '}' : ']') ? close_container(s) : SIOC_ESYNTAX;
}

/* One value with all that is in it. */
static int read_value(struct state *s)
{
    const unsigned outer = s->depth;
    for (;;) {
        int rc = begin_value(s);
        while (rc == 0 && s->depth > outer)
            rc = next_value(s);
        if (rc <= 0)
            return rc;
    }
}

/* Nothing but white space may follow. */
static int read_end(struct state *s)
{
    json_skip_space(&s->at, s->end);
    return s->at == s->end ? 0 : SIOC_ESYNTAX;
}

static int finish(struct json_reader *reader, const struct state *s, int rc)
{
    if (rc < 0)
        reader->error_at = (size_t)(s->at - s->start);
    return rc;
}

int json_read(struct json_reader *reader, struct sioc_str text, struct sioc_sink *sink)
{
    struct state s;
    state_init(&s, reader, text, sink);
    int rc = read_value(&s);
    return finish(reader, &s, rc < 0 ? rc : read_end(&s));
}

/* The elements of an array that is open, as long as they are strings without escapes and
 * nothing stands between them: an event's name always, and most arguments of most events (one
 * of 128 bytes: 175 instructions less).  0: it was the whole array; MORE: `at` is where the
 * next element should be. */
static int read_plain_strings(struct state *s, size_t from, size_t to, size_t *count)
{
    struct sioc_sink *sink = s->sink;
    while (s->end - s->at > 2 && *s->at == '"' && s->values_left > 0) {
        const char *start = s->at + 1, *stop = json_plain_end(start, s->end);
        if (s->end - stop < 2 || *stop != '"' || (stop[1] != ',' && stop[1] != ']'))
            break;
        s->at = stop + 1;
        s->values_left--;
        size_t index = (*count)++;
        if (sink && index >= from && index < to) {
            int rc = sink->ops->string(sink, sioc_str_n(start, (size_t)(stop - start)));
            if (rc < 0)
                return rc;
        }
        if (*s->at++ == ']')
            return 0;
    }
    return MORE;
}

/* The others: whatever they are. */
static int read_others(struct state *s, size_t from, size_t to, size_t *count)
{
    struct sioc_sink *sink = s->sink;
    int rc;
    do {
        s->sink = *count >= from && *count < to ? sink : NULL;
        rc = read_value(s);
        s->sink = NULL; /* the array itself is only checked */
        if (rc < 0)
            return rc;
        (*count)++;
        rc = next_value(s);
    } while (rc == MORE);
    return rc;
}

static int read_elements(struct state *s, size_t from, size_t to, size_t *ret_count)
{
    struct sioc_sink *sink = s->sink;
    size_t count = 0;
    if (next_char(s) != '[')
        return SIOC_ESYNTAX;
    s->sink = NULL;
    int rc = open_array(s);
    s->sink = sink;
    if (rc == OPENED)
        rc = read_plain_strings(s, from, to, &count);
    if (rc == MORE)
        rc = read_others(s, from, to, &count);
    if (rc == 0)
        rc = read_end(s);
    size_t end = count < to ? count : to;
    if (rc == 0)
        *ret_count = end > from ? end - from : 0;
    return rc;
}

int json_read_elements(struct json_reader *reader, struct sioc_str text, size_t from, size_t to,
                       struct sioc_sink *sink, size_t *ret_count)
{
    struct state s;
    state_init(&s, reader, text, sink);
    return finish(reader, &s, read_elements(&s, from, to, ret_count));
}

int json_skip(const char **at, const char *end, unsigned max_depth)
{
    const struct json_reader reader = {.max_depth = max_depth};
    struct state s;
    state_init(&s, &reader, sioc_str_n(*at, (size_t)(end - *at)), NULL);
    int rc = read_value(&s);
    *at = s.at;
    return rc;
}
