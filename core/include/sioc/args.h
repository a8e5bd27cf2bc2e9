/* sioc/args.h -- reading arguments in C, by asking for them.
 *
 * Hosts of scripts drive a sink instead (sioc_event_read); a handler in C rather says "the
 * second argument, as a string".  A cursor walks values one after the other without building
 * anything:
 *
 *     struct sioc_cursor c;
 *     sioc_event_cursor(event, &c);
 *     struct sioc_str room, text;
 *     if (sioc_cursor_str(&c, &room) < 0 || sioc_cursor_str(&c, &text) < 0)
 *         return;                                // not what we expect: ignore the event
 *
 * Each function reads the next value of the current array or map and moves on; on a mismatch it
 * returns SIOC_EINVAL and stays where it was; at the end SIOC_ENOTFOUND.
 */
#ifndef SIOC_ARGS_H
#define SIOC_ARGS_H

#include <sioc/sink.h>

#ifdef __cplusplus
extern "C" {
#endif

enum sioc_kind {
    SIOC_KIND_END, /* no further value here */
    SIOC_KIND_NULL,
    SIOC_KIND_BOOL,
    SIOC_KIND_NUMBER,
    SIOC_KIND_STRING,
    SIOC_KIND_ARRAY,
    SIOC_KIND_MAP,
    SIOC_KIND_BINARY,
};

/* Plain data, no destructor; all members are private. */
struct sioc_cursor {
    struct sioc_str text; /* JSON, complete and checked */
    size_t at;
    struct sioc_buffer *const *attachments;
    size_t attachment_count;
    bool in_map;
};

/* Starts before the first element of the JSON array in `text`, which must be valid JSON (as
 * what an event carries is); borrowed as long as the cursor is used. */
SIOC_API int sioc_cursor_init(struct sioc_cursor *cursor, struct sioc_str json_array);

SIOC_API enum sioc_kind sioc_cursor_peek(const struct sioc_cursor *cursor);
SIOC_API int sioc_cursor_skip(struct sioc_cursor *cursor);
SIOC_API int sioc_cursor_bool(struct sioc_cursor *cursor, bool *ret_value);
SIOC_API int sioc_cursor_int(struct sioc_cursor *cursor, int64_t *ret_value);
SIOC_API int sioc_cursor_number(struct sioc_cursor *cursor, double *ret_value);
/* The string as it stands in the text: borrowed, and SIOC_EINVAL when it holds escapes. */
SIOC_API int sioc_cursor_str(struct sioc_cursor *cursor, struct sioc_str *ret_utf8);
/* The string unescaped into `out` (room for `cap` bytes, no NUL added): its length, or
 * SIOC_ETOOBIG. */
SIOC_API int sioc_cursor_copy_str(struct sioc_cursor *cursor, char *out, size_t cap);
/* Borrowed from the event; take a reference to keep it. */
SIOC_API int sioc_cursor_binary(struct sioc_cursor *cursor, struct sioc_buffer **ret_data);
/* Any value as its JSON text (borrowed). */
SIOC_API int sioc_cursor_raw(struct sioc_cursor *cursor, struct sioc_str *ret_json);
/* Makes *ret_inner walk the elements of the array, or the values of the map, that comes next;
 * the outer cursor moves behind it. */
SIOC_API int sioc_cursor_enter(struct sioc_cursor *cursor, struct sioc_cursor *ret_inner);
/* In a map: the key of the next value (borrowed, as it stands in the text); the value is read
 * next. */
SIOC_API int sioc_cursor_key(struct sioc_cursor *cursor, struct sioc_str *ret_key);

#ifdef __cplusplus
}
#endif

#endif
