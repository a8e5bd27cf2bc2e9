/* codec/cursor.c -- pull reader over JSON text, for handlers that are written in C.
 *
 * Knows where it is by the text alone: in a map, the byte before `at` is a colon exactly when
 * the key was read and its value is due.  The text is said to be checked; if it is not, answers
 * are wrong but nothing is read outside of it. Invariant: `at` is at a member, an element, the
 * closing bracket or the end; a call that fails leaves it there.
 */
#include "codec/cursor.h"

#include "base/str.h"
#include "codec/json_read.h"
#include "codec/json_token.h"
#include <limits.h>

/* The text from the cursor on, as the scanners want it. */
struct view {
    const char *at, *end;
};

static void skip_space(struct view *v)
{
    json_skip_space(&v->at, v->end);
}

static bool take(struct view *v, char c)
{
    skip_space(v);
    if (v->at == v->end || *v->at != c)
        return false;
    v->at++;
    return true;
}

static bool at_end(const struct view *v)
{
    return v->at == v->end || *v->at == ']' || *v->at == '}';
}

/* Reads `"key":` at the view. */
static int take_key(struct view *v, struct json_string *ret)
{
    if (!take(v, '"') || json_scan_string(&v->at, v->end, ret) < 0 || !take(v, ':'))
        return SIOC_EINVAL;
    return 0;
}

static bool key_is_due(const struct sioc_cursor *c)
{
    return c->in_map && (c->at == 0 || c->text.ptr[c->at - 1] != ':');
}

/* The view at the next value, behind its key; SIOC_ENOTFOUND at the end. */
static int view_value(const struct sioc_cursor *c, struct view *ret)
{
    struct json_string key;
    struct view v = {c->text.ptr + c->at, c->text.ptr + c->text.len};
    skip_space(&v);
    if (at_end(&v))
        return SIOC_ENOTFOUND;
    if (key_is_due(c) && take_key(&v, &key) < 0)
        return SIOC_EINVAL;
    skip_space(&v);
    *ret = v;
    return v.at == v.end ? SIOC_ENOTFOUND : 0;
}

/* The value that ends at the view was read. */
static int move_on(struct sioc_cursor *c, struct view v)
{
    (void)take(&v, ',');
    c->at = (size_t)(v.at - c->text.ptr);
    return 0;
}

/* JSON_NO_PLACEHOLDER when the value is no attachment. */
static int view_binary(const struct sioc_cursor *c, struct view *v, struct sioc_buffer **ret)
{
    if (!c->attachments || *v->at != '{')
        return JSON_NO_PLACEHOLDER;
    return json_placeholder(&v->at, v->end, c->attachments, c->attachment_count, JSON_DEPTH_MAX,
                            ret);
}

int sioc_cursor_init(struct sioc_cursor *cursor, struct sioc_str json_array)
{
    struct view v = {json_array.ptr, json_array.len ? json_array.ptr + json_array.len : NULL};
    if (!json_array.len || !take(&v, '['))
        return SIOC_EINVAL;
    *cursor = (struct sioc_cursor){.text = json_array, .at = (size_t)(v.at - json_array.ptr)};
    return 0;
}

int json_cursor_map(struct sioc_cursor *cursor, struct sioc_str text)
{
    struct view v = {text.ptr, text.len ? text.ptr + text.len : NULL};
    if (!text.len || !take(&v, '{'))
        return SIOC_EINVAL;
    *cursor =
        (struct sioc_cursor){.text = text, .at = (size_t)(v.at - text.ptr), .in_map = true};
    return 0;
}

static enum sioc_kind kind_at(struct view v)
{
    switch (json_peek(sioc_str_n(v.at, (size_t)(v.end - v.at)))) {
    case JSON_KIND_NULL:
        return SIOC_KIND_NULL;
    case JSON_KIND_BOOL:
        return SIOC_KIND_BOOL;
    case JSON_KIND_NUMBER:
        return SIOC_KIND_NUMBER;
    case JSON_KIND_STRING:
        return SIOC_KIND_STRING;
    case JSON_KIND_ARRAY:
        return SIOC_KIND_ARRAY;
    case JSON_KIND_MAP:
        return SIOC_KIND_MAP;
    case JSON_KIND_NONE:
    default:
        return SIOC_KIND_END;
    }
}

enum sioc_kind sioc_cursor_peek(const struct sioc_cursor *cursor)
{
    struct view v;
    struct sioc_buffer *data;
    if (view_value(cursor, &v) < 0)
        return SIOC_KIND_END;
    enum sioc_kind kind = kind_at(v);
    if (kind == SIOC_KIND_MAP && view_binary(cursor, &v, &data) == 0)
        return SIOC_KIND_BINARY;
    return kind;
}

int sioc_cursor_skip(struct sioc_cursor *cursor)
{
    struct sioc_str json;
    return sioc_cursor_raw(cursor, &json);
}

int sioc_cursor_bool(struct sioc_cursor *cursor, bool *ret_value)
{
    struct view v;
    int rc = view_value(cursor, &v);
    if (rc < 0)
        return rc;
    struct sioc_str rest = sioc_str_n(v.at, (size_t)(v.end - v.at));
    bool value = str_starts(rest, STR("true"));
    if (!value && !str_starts(rest, STR("false")))
        return SIOC_EINVAL;
    v.at += value ? 4 : 5;
    *ret_value = value;
    return move_on(cursor, v);
}

static int read_number(struct sioc_cursor *c, struct view *ret_behind, struct json_number *ret)
{
    int rc = view_value(c, ret_behind);
    if (rc < 0)
        return rc;
    return json_scan_number(&ret_behind->at, ret_behind->end, ret) < 0 ? SIOC_EINVAL : 0;
}

int sioc_cursor_int(struct sioc_cursor *cursor, int64_t *ret_value)
{
    struct view v;
    struct json_number n;
    int rc = read_number(cursor, &v, &n);
    if (rc < 0)
        return rc;
    if (!n.is_integer) {
        /* 3.0 and 1e3 are integers, too, as long as a double counts in ones. */
        const double limit = 9007199254740992.0;
        if (!(n.number >= -limit && n.number <= limit) || n.number != (double)(int64_t)n.number)
            return SIOC_EINVAL;
        n.integer = (int64_t)n.number;
    }
    *ret_value = n.integer;
    return move_on(cursor, v);
}

int sioc_cursor_number(struct sioc_cursor *cursor, double *ret_value)
{
    struct view v;
    struct json_number n;
    int rc = read_number(cursor, &v, &n);
    if (rc < 0)
        return rc;
    *ret_value = n.number;
    return move_on(cursor, v);
}

static int read_string(const struct sioc_cursor *c, struct view *ret_behind,
                       struct json_string *ret)
{
    int rc = view_value(c, ret_behind);
    if (rc < 0)
        return rc;
    if (!take(ret_behind, '"'))
        return SIOC_EINVAL;
    return json_scan_string(&ret_behind->at, ret_behind->end, ret) < 0 ? SIOC_EINVAL : 0;
}

int sioc_cursor_str(struct sioc_cursor *cursor, struct sioc_str *ret_utf8)
{
    struct view v;
    struct json_string string;
    int rc = read_string(cursor, &v, &string);
    if (rc < 0)
        return rc;
    if (string.escaped)
        return SIOC_EINVAL;
    *ret_utf8 = string.raw;
    return move_on(cursor, v);
}

int sioc_cursor_copy_str(struct sioc_cursor *cursor, char *out, size_t cap)
{
    struct view v;
    struct json_string string;
    int rc = read_string(cursor, &v, &string);
    if (rc < 0)
        return rc;
    size_t len;
    if (cap > INT_MAX)
        cap = INT_MAX; /* the length is our answer */
    rc = json_unescape(out, cap, string.raw, &len);
    if (rc < 0)
        return rc;
    move_on(cursor, v);
    return (int)len;
}

int sioc_cursor_binary(struct sioc_cursor *cursor, struct sioc_buffer **ret_data)
{
    struct view v;
    int rc = view_value(cursor, &v);
    if (rc < 0)
        return rc;
    struct sioc_buffer *data;
    if (view_binary(cursor, &v, &data) != 0)
        return SIOC_EINVAL;
    *ret_data = data;
    return move_on(cursor, v);
}

int sioc_cursor_raw(struct sioc_cursor *cursor, struct sioc_str *ret_json)
{
    struct view v;
    int rc = view_value(cursor, &v);
    if (rc < 0)
        return rc;
    const char *start = v.at;
    if (json_skip(&v.at, v.end, JSON_DEPTH_MAX) < 0)
        return SIOC_EINVAL;
    *ret_json = sioc_str_n(start, (size_t)(v.at - start));
    return move_on(cursor, v);
}

int sioc_cursor_enter(struct sioc_cursor *cursor, struct sioc_cursor *ret_inner)
{
    enum sioc_kind kind = sioc_cursor_peek(cursor);
    if (kind == SIOC_KIND_END)
        return SIOC_ENOTFOUND;
    if (kind != SIOC_KIND_ARRAY && kind != SIOC_KIND_MAP)
        return SIOC_EINVAL;
    struct sioc_cursor inner = {.at = 1,
                                .attachments = cursor->attachments,
                                .attachment_count = cursor->attachment_count,
                                .in_map = kind == SIOC_KIND_MAP};
    int rc = sioc_cursor_raw(cursor, &inner.text);
    if (rc == 0)
        *ret_inner = inner;
    return rc;
}

int sioc_cursor_key(struct sioc_cursor *cursor, struct sioc_str *ret_key)
{
    struct json_string key;
    struct view v = {cursor->text.ptr + cursor->at, cursor->text.ptr + cursor->text.len};
    skip_space(&v);
    if (at_end(&v))
        return SIOC_ENOTFOUND;
    if (!key_is_due(cursor) || take_key(&v, &key) < 0)
        return SIOC_EINVAL;
    *ret_key = key.raw;
    cursor->at = (size_t)(v.at - cursor->text.ptr);
    return 0;
}
