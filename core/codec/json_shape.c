/* codec/json_shape.c -- questions about JSON text that need no sink: what begins here, what is
 * the first element, does this object stand for an attachment?
 *
 * Knows the shape of a placeholder, and nothing of packets.  Invariant: linear in what it looks
 * at; an object is looked at twice at most, because the look ahead ends at its first nested
 * member.
 */
#include "base/str.h"
#include "codec/json_read.h"
#include "codec/json_token.h"

enum json_kind json_peek(struct sioc_str text)
{
    const char *p = text.ptr, *end = text.len ? p + text.len : p;
    json_skip_space(&p, end);
    if (p == end)
        return JSON_KIND_NONE;
    switch (*p) {
    case 'n':
        return JSON_KIND_NULL;
    case 't':
    case 'f':
        return JSON_KIND_BOOL;
    case '"':
        return JSON_KIND_STRING;
    case '[':
        return JSON_KIND_ARRAY;
    case '{':
        return JSON_KIND_MAP;
    default:
        return *p == '-' || (*p >= '0' && *p <= '9') ? JSON_KIND_NUMBER : JSON_KIND_NONE;
    }
}

static bool take(const char **at, const char *end, char c)
{
    json_skip_space(at, end);
    if (*at == end || **at != c)
        return false;
    ++*at;
    return true;
}

/* What a client's event begins with: a string without escapes, and no white space around it. 70
 * instructions less than the long way. */
static bool plain_first(struct sioc_str text, struct sioc_str *ret_raw,
                        struct sioc_str *ret_plain)
{
    if (text.len < 4 || text.ptr[0] != '[' || text.ptr[1] != '"')
        return false;
    const char *start = text.ptr + 2, *end = text.ptr + text.len;
    const char *stop = json_plain_end(start, end);
    if (end - stop < 2 || *stop != '"' || (stop[1] != ',' && stop[1] != ']'))
        return false;
    *ret_plain = sioc_str_n(start, (size_t)(stop - start));
    *ret_raw = sioc_str_n(start - 1, (size_t)(stop - start) + 2);
    return true;
}

int json_first_element(struct sioc_str text, struct sioc_str *ret_raw,
                       struct sioc_str *ret_plain)
{
    const char *p = text.ptr, *end = text.len ? p + text.len : p;
    struct json_string string = {.escaped = true};
    if (plain_first(text, ret_raw, ret_plain))
        return 0;
    if (!take(&p, end, '['))
        return SIOC_ESYNTAX;
    if (take(&p, end, ']')) {
        *ret_raw = *ret_plain = sioc_str_n(NULL, 0);
        return 0;
    }
    const char *start = p;
    int rc;
    if (p < end && *p == '"') {
        p++;
        rc = json_scan_string(&p, end, &string);
    } else {
        rc = json_skip(&p, end, JSON_DEPTH_MAX);
    }
    if (rc < 0)
        return rc;
    /* A number is complete only when something else follows. */
    const char *behind = p;
    if (!take(&behind, end, ',') && !take(&behind, end, ']'))
        return SIOC_ESYNTAX;
    *ret_raw = sioc_str_n(start, (size_t)(p - start));
    *ret_plain = string.escaped ? sioc_str_n(NULL, 0) : string.raw;
    return 0;
}

/* What a walk over an object's members has found out. */
struct finding {
    bool is_placeholder; /* `_placeholder: true` was seen */
    bool nested;         /* the walk stopped at a member that is an array or an object */
    bool has_num;
    int64_t num;
};

static int look_at_member(const char **at, const char *end, unsigned max_depth,
                          struct finding *found)
{
    struct json_string key;
    if (!take(at, end, '"'))
        return SIOC_ESYNTAX;
    int rc = json_scan_string(at, end, &key);
    if (rc < 0)
        return rc;
    if (!take(at, end, ':'))
        return SIOC_ESYNTAX;
    json_skip_space(at, end);
    const char *value = *at;
    if (value < end && (*value == '[' || *value == '{') && !found->is_placeholder) {
        found->nested = true;
        return 0;
    }
    if (str_eq(key.raw, STR("num"))) {
        struct json_number number;
        const char *p = value;
        found->has_num = json_scan_number(&p, end, &number) == 0 && number.is_integer;
        found->num = found->has_num ? number.integer : 0;
    }
    rc = json_skip(at, end, max_depth);
    if (rc == 0 && str_eq(key.raw, STR("_placeholder")) && *value == 't')
        found->is_placeholder = true;
    return rc;
}

int json_placeholder(const char **at, const char *end, struct sioc_buffer *const *attachments,
                     size_t attachment_count, unsigned max_depth, struct sioc_buffer **ret_data)
{
    const char *p = *at;
    struct finding found = {0};
    if (!take(&p, end, '{'))
        return SIOC_ESYNTAX;
    if (take(&p, end, '}'))
        return JSON_NO_PLACEHOLDER;
    do {
        int rc = look_at_member(&p, end, max_depth - 1, &found);
        if (rc < 0) {
            *at = p;
            return rc;
        }
        if (found.nested)
            return JSON_NO_PLACEHOLDER;
    } while (take(&p, end, ','));
    if (!take(&p, end, '}')) {
        *at = p;
        return SIOC_ESYNTAX;
    }
    if (!found.is_placeholder)
        return JSON_NO_PLACEHOLDER;
    if (!found.has_num || found.num < 0 || (uint64_t)found.num >= attachment_count)
        return SIOC_EPROTO;
    *ret_data = attachments[found.num];
    *at = p;
    return 0;
}
