/* socketio/parser.c -- parsers by name: the built-in ones, those that the program has added to
 * the options, and those that come in a shared library.
 *
 * Knows no encoding.  A library stays loaded for good, because sockets outlive the options that
 * have named it (a reload).
 */
#include "socketio/parser.h"
#include "base/mem.h"
#include "base/str.h"
#include <dlfcn.h>
#include <stdio.h>

static const struct sioc_parser *const built_in[] = {&sio_parser_json, &sio_parser_msgpack};

#define BUILT_IN (sizeof built_in / sizeof built_in[0])

const struct sioc_parser *sio_parser_find(const struct sioc_options *o, const char *name)
{
    for (size_t i = 0; i < BUILT_IN; i++)
        if (strcmp(built_in[i]->name, name) == 0)
            return built_in[i];
    for (size_t i = 0; i < o->parser_count; i++)
        if (strcmp(o->parsers[i]->name, name) == 0)
            return o->parsers[i];
    return NULL;
}

/* ---- adding ---- */

static bool is_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') ||
              (*c >= 'A' && *c <= 'Z') || *c == '-' || *c == '_'))
            return false;
    return *name != '\0';
}

static bool is_whole(const struct sioc_parser *p)
{
    return p->version == SIOC_PARSER_VERSION &&
           (p->flags & (SIOC_PARSER_TEXT | SIOC_PARSER_BINARY)) != 0 && p->name &&
           is_name(p->name) && p->read && p->event_name && p->read_elements && p->read_value &&
           p->begin && p->finish && p->reread && p->write;
}

int sioc_options_add_parser(struct sioc_options *o, const struct sioc_parser *parser)
{
    if (!is_whole(parser))
        return SIOC_EINVAL;
    if (sio_parser_find(o, parser->name))
        return SIOC_EEXIST;
    if (mem_grow((void **)&o->parsers, &o->parser_cap, o->parser_count + 1,
                 sizeof(struct sioc_parser *)) < 0)
        return SIOC_ENOMEM;
    o->parsers[o->parser_count++] = parser;
    return 0;
}

/* ---- libraries ---- */

typedef const struct sioc_parser *(*parser_fn)(void);

static int load(const char *path, parser_fn *ret_fn, char *ret_error, size_t cap)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *symbol = library ? dlsym(library, "sioc_parser") : NULL;
    if (!symbol) {
        const char *why = dlerror();
        snprintf(ret_error, cap, "option \"parser\": %s", why ? why : "no parser in there");
        return SIOC_EINVAL;
    }
    memcpy(ret_fn, &symbol, sizeof symbol); /* ISO C has no cast from data to functions */
    return 0;
}

static int load_and_add(struct sioc_options *o, const char *path, const char **ret_name,
                        char *ret_error, size_t cap)
{
    parser_fn fn;
    int error = load(path, &fn, ret_error, cap);
    if (error < 0)
        return error;
    const struct sioc_parser *parser = fn();
    error = parser ? sioc_options_add_parser(o, parser) : SIOC_EINVAL;
    if (error == SIOC_EEXIST && sio_parser_find(o, parser->name) == parser)
        error = 0; /* the same library once more */
    if (error == 0)
        *ret_name = parser->name;
    else if (error == SIOC_EINVAL)
        snprintf(
            ret_error, cap,
            "option \"parser\": what is in %.200s is not whole, or made for another version "
            "of sioc",
            path);
    else
        snprintf(ret_error, cap, "option \"parser\": %.200s: %s", path, sioc_strerror(error));
    return error == SIOC_EEXIST ? SIOC_EINVAL : error;
}

int sio_parser_choose(struct sioc_options *o, const char *value, const char **ret_name,
                      char *ret_error, size_t cap)
{
    if (strchr(value, '/'))
        return load_and_add(o, value, ret_name, ret_error, cap);
    const struct sioc_parser *parser = sio_parser_find(o, value);
    if (!parser) {
        snprintf(ret_error, cap,
                 "option \"parser\" must be \"json\" or \"msgpack\", the name of a parser that "
                 "was added, or the path of a library with one");
        return SIOC_EINVAL;
    }
    *ret_name = parser->name;
    return 0;
}
