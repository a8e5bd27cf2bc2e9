/* socketio/options.c -- values of options: set, checked against their table, and read.
 * Invariant: a value that is out of range never gets in, so nothing else checks them again. */
#include "base/mem.h"
#include "base/str.h"
#include "socketio/options_table.h"
#include "socketio/parser.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MEMBER(m) offsetof(struct sioc_options, m)

/* ---- lists ---- */

static void list_clear(struct sio_text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->items[i]);
    list->count = 0;
}

static int list_add(struct sio_text_list *list, struct sioc_str text)
{
    char *copy = mem_dup(text.ptr, text.len);
    if (!copy ||
        mem_grow((void **)&list->items, &list->cap, list->count + 1, sizeof(char *)) < 0) {
        mem_free(copy);
        return SIOC_ENOMEM;
    }
    list->items[list->count++] = copy;
    return 0;
}

bool sio_text_list_has(const struct sio_text_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

/* ---- life ---- */

static void *place(struct sioc_options *o, const struct sio_option *e)
{
    return (char *)o + e->offset;
}

static int set_default(struct sioc_options *o, const struct sio_option *e)
{
    char error[160];
    int result = 0;
    if (e->info.default_text[0])
        result = sioc_options_parse(o, e->info.name, e->info.default_text, error, sizeof error);
    if (e->info.type == SIOC_OPTION_LIST)
        ((struct sio_text_list *)place(o, e))->set = false;
    return result;
}

struct sioc_options *sioc_options_new(void)
{
    struct sioc_options *o = mem_zalloc(sizeof *o);
    if (!o)
        return NULL;
    o->cors_max_age = o->cookie_max_age = -1;
    o->max_conns = o->max_conns_per_ip = -1;
    o->max_memory = o->max_message_rate = o->max_byte_rate = -1;
    o->max_handshakes_per_ip = o->max_unknown_sids_per_ip = -1;
    for (size_t i = 0; i < sio_option_count; i++) {
        if (set_default(o, &sio_option_table[i]) < 0) {
            sioc_options_free(o);
            return NULL;
        }
    }
    return o;
}

void sioc_options_free(struct sioc_options *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < sio_option_count; i++) {
        if (sio_option_table[i].info.type == SIOC_OPTION_LIST) {
            struct sio_text_list *list = place(o, &sio_option_table[i]);
            list_clear(list);
            mem_free(list->items);
        } else if (sio_option_table[i].info.type == SIOC_OPTION_TEXT) {
            mem_free(*(char **)place(o, &sio_option_table[i]));
        }
    }
    mem_free(o->parsers);
    mem_free(o);
}

const struct sioc_option_info *sioc_option_at(size_t index)
{
    return index < sio_option_count ? &sio_option_table[index].info : NULL;
}

/* ---- finding, and what to say when there is nothing to find ---- */

static const char *nearest(const char *name)
{
    const char *best = NULL;
    size_t best_distance = strlen(name) / 2 + 1;
    for (size_t i = 0; i < sio_option_count; i++) {
        size_t d = sioc_edit_distance(sioc_str(name), sioc_str(sio_option_table[i].info.name));
        if (d < best_distance) {
            best_distance = d;
            best = sio_option_table[i].info.name;
        }
    }
    return best;
}

static const struct sio_option *find(const char *name, char *ret_error, size_t cap)
{
    for (size_t i = 0; i < sio_option_count; i++)
        if (strcmp(sio_option_table[i].info.name, name) == 0)
            return &sio_option_table[i];
    const char *hint = nearest(name);
    if (hint)
        snprintf(ret_error, cap, "unknown option \"%.64s\"; did you mean \"%s\"?", name, hint);
    else
        snprintf(ret_error, cap, "unknown option \"%.64s\"", name);
    return NULL;
}

static int wrong_type(const struct sio_option *e, char *ret_error, size_t cap)
{
    const char *name = e->info.name;
    switch (e->info.type) {
    case SIOC_OPTION_BOOL:
        snprintf(ret_error, cap, "option \"%s\" must be true or false", name);
        break;
    case SIOC_OPTION_SECONDS:
        snprintf(ret_error, cap, "option \"%s\" must be a number of seconds from %g to %g",
                 name, e->info.min, e->info.max);
        break;
    case SIOC_OPTION_COUNT:
        snprintf(ret_error, cap, "option \"%s\" must be a whole number from %.0f to %.0f", name,
                 e->info.min, e->info.max);
        break;
    case SIOC_OPTION_TEXT:
        snprintf(ret_error, cap, "option \"%s\" must be a text", name);
        break;
    case SIOC_OPTION_LIST:
        snprintf(ret_error, cap, "option \"%s\" must be a text or a list of texts", name);
        break;
    }
    return SIOC_EINVAL;
}

/* ---- setting ---- */

/* cors.origin as a truth value: every origin, or none as if it was not given. */
static int set_any_origin(struct sio_text_list *list, bool all)
{
    list_clear(list);
    list->set = all;
    return all ? list_add(list, STR("true")) : 0;
}

int sioc_options_set_bool(struct sioc_options *o, const char *name, bool value, char *ret_error,
                          size_t cap)
{
    const struct sio_option *e = find(name, ret_error, cap);
    if (!e)
        return SIOC_ENOTFOUND;
    if (e->offset == MEMBER(cors_origin))
        return set_any_origin(&o->cors_origin, value);
    if (e->info.type != SIOC_OPTION_BOOL)
        return wrong_type(e, ret_error, cap);
    *(bool *)place(o, e) = value;
    return 0;
}

int sioc_options_set_number(struct sioc_options *o, const char *name, double value,
                            char *ret_error, size_t cap)
{
    const struct sio_option *e = find(name, ret_error, cap);
    if (!e)
        return SIOC_ENOTFOUND;
    bool is_count = e->info.type == SIOC_OPTION_COUNT;
    if (!is_count && e->info.type != SIOC_OPTION_SECONDS)
        return wrong_type(e, ret_error, cap);
    if (!(value >= e->info.min && value <= e->info.max) || (is_count && value != floor(value)))
        return wrong_type(e, ret_error, cap);
    *(double *)place(o, e) = value;
    return 0;
}

/* "/socket.io", "socket.io/" and "/socket.io/" mean the same. */
static char *normal_path(const char *path)
{
    struct sioc_str s = sioc_str(path);
    while (s.len && s.ptr[0] == '/')
        s = str_from(s, 1);
    while (s.len && s.ptr[s.len - 1] == '/')
        s.len--;
    size_t size = s.len + 3;
    char *copy = mem_alloc(size);
    if (copy)
        snprintf(copy, size, "/%.*s%s", (int)s.len, s.ptr, s.len ? "/" : "");
    return copy;
}

/* copy: taken; NULL = out of memory. */
static int replace_text(char **place_of_text, char *copy)
{
    if (!copy)
        return SIOC_ENOMEM;
    mem_free(*place_of_text);
    *place_of_text = copy;
    return 0;
}

static int set_path(char **place_of_text, const char *value, char *ret_error, size_t cap)
{
    for (const char *c = value; *c; c++) {
        if (*c <= ' ' || *c > '~' || *c == '?' || *c == '#' || *c == '%') {
            snprintf(ret_error, cap,
                     "option \"path\" must be a plain URL path such as \"/socket.io/\"");
            return SIOC_EINVAL;
        }
    }
    return replace_text(place_of_text, normal_path(value));
}

static int set_list(struct sio_text_list *list, const struct sio_option *e, const char *value,
                    char *ret_error, size_t cap)
{
    bool is_transports = e->offset == MEMBER(transports);
    if (is_transports && strcmp(value, "polling") != 0 && strcmp(value, "websocket") != 0) {
        snprintf(ret_error, cap,
                 "option \"transports\" knows \"polling\" and \"websocket\", not \"%.32s\"",
                 value);
        return SIOC_EINVAL;
    }
    if (!list->set)
        list_clear(list);
    list->set = true;
    return list_add(list, sioc_str(value));
}

int sioc_options_set_text(struct sioc_options *o, const char *name, const char *value,
                          char *ret_error, size_t cap)
{
    const struct sio_option *e = find(name, ret_error, cap);
    if (!e)
        return SIOC_ENOTFOUND;
    bool is_text = e->info.type == SIOC_OPTION_TEXT;
    if (!is_text && e->info.type != SIOC_OPTION_LIST)
        return wrong_type(e, ret_error, cap);
    int error = sio_option_check(name, value, ret_error, cap);
    if (error < 0)
        return error;
    if (e->offset == MEMBER(path))
        return set_path(place(o, e), value, ret_error, cap);
    if (e->offset == MEMBER(parser))
        error = sio_parser_choose(o, value, &value, ret_error, cap);
    if (error < 0)
        return error;
    if (is_text)
        return replace_text(place(o, e), mem_dup(value, strlen(value)));
    return set_list(place(o, e), e, value, ret_error, cap);
}

static int parse_list(struct sioc_options *o, const struct sio_option *e, const char *value,
                      char *ret_error, size_t cap)
{
    struct sioc_str rest = sioc_str(value), part;
    int result = 0;
    while (result == 0 && str_next(&rest, ',', &part)) {
        part = str_trim(part);
        char *text = mem_dup(part.ptr, part.len);
        result = text ? set_list(place(o, e), e, text, ret_error, cap) : SIOC_ENOMEM;
        mem_free(text);
    }
    return result;
}

int sioc_options_parse(struct sioc_options *o, const char *name, const char *value,
                       char *ret_error, size_t cap)
{
    const struct sio_option *e = find(name, ret_error, cap);
    if (!e)
        return SIOC_ENOTFOUND;
    char *end = NULL;
    switch (e->info.type) {
    case SIOC_OPTION_BOOL:
        if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
            return sioc_options_set_bool(o, name, value[0] == 't', ret_error, cap);
        break;
    case SIOC_OPTION_SECONDS:
    case SIOC_OPTION_COUNT: {
        double number = strtod(value, &end);
        if (end != value && *end == '\0')
            return sioc_options_set_number(o, name, number, ret_error, cap);
        break;
    }
    case SIOC_OPTION_TEXT:
        return sioc_options_set_text(o, name, value, ret_error, cap);
    case SIOC_OPTION_LIST:
        if (e->offset == MEMBER(cors_origin) && strcmp(value, "false") == 0)
            return sioc_options_set_bool(o, name, false, ret_error, cap);
        return parse_list(o, e, value, ret_error, cap);
    }
    return wrong_type(e, ret_error, cap);
}

int sioc_options_get(const struct sioc_options *o, const char *name, double *ret_value)
{
    char error[160];
    const struct sio_option *e = find(name, error, sizeof error);
    if (!e)
        return SIOC_ENOTFOUND;
    const char *at = (const char *)o + e->offset;
    if (e->info.type == SIOC_OPTION_BOOL)
        *ret_value = *(const bool *)(const void *)at;
    else if (e->info.type == SIOC_OPTION_SECONDS || e->info.type == SIOC_OPTION_COUNT)
        *ret_value = *(const double *)(const void *)at;
    else
        return SIOC_EINVAL;
    return 0;
}
