/* bindings/lua/walk.c -- Lua values drive a sink.
 *
 * Tables are read raw.  A table with the array tag, or with elements 1..n and nothing else, is
 * an array; any other is a map with text keys.  What has no form in JSON is refused with the
 * path of keys that leads to it.  Runs no code of the script, so nothing changes meanwhile.
 *
 * Invariant: each level leaves the stack as it found it, except after an error, when the caller
 * of the outermost cuts it back.
 */
#include "host.h"
#include <stdio.h>

/* The way from the outermost value to here, as a list on the C stack. */
struct step {
    const struct step *up;
    const char *key;   /* NULL: an element */
    lua_Integer index; /* of the element */
};

struct walker {
    lua_State *L;
    struct sioc_sink *sink;
    const struct slua_values *values;
    int depth;
    char error[400];
};

static int walk_value(struct walker *w, int index, const struct step *at);

/* ---- errors ---- */

static size_t append(char *text, size_t cap, size_t len, const char *more)
{
    for (; *more && len + 1 < cap; more++) {
        unsigned char c = (unsigned char)*more;

        text[len++] = c < 0x20 || c >= 0x7f ? '?' : (char)c; /* keys may be anything */
    }
    text[len] = '\0';
    return len;
}

static size_t write_path(char *text, size_t cap, const struct step *at)
{
    char number[32];
    size_t len;

    if (!at)
        return 0;
    len = write_path(text, cap, at->up);
    if (!at->key) {
        snprintf(number, sizeof number, "[%lld]", (long long)at->index);
        return append(text, cap, len, number);
    }
    if (len > 0)
        len = append(text, cap, len, ".");
    return append(text, cap, len, at->key);
}

static int refuse(struct walker *w, const struct step *at, int code, const char *why)
{
    char path[200] = "";

    write_path(path, sizeof path, at);
    if (at)
        snprintf(w->error, sizeof w->error, "field \"%s\": %s", path, why);
    else
        snprintf(w->error, sizeof w->error, "%s", why);
    return code;
}

/* The sink's own errors. */
static int check(struct walker *w, const struct step *at, int code)
{
    if (code >= 0 || w->error[0])
        return code;
    if (code == SIOC_EUTF8)
        return refuse(w, at, code, "not valid UTF-8; use sioc.binary() for raw bytes");
    if (code == SIOC_EDEPTH)
        return refuse(w, at, code, "nested deeper than 64 levels (or contains itself)");
    return refuse(w, at, code, sioc_strerror(code));
}

static int refuse_type(struct walker *w, int index, const struct step *at)
{
    char why[120];
    const char *name = luaL_typename(w->L, index);

    if (luaL_getmetafield(w->L, index, "__name") == LUA_TSTRING)
        name = lua_tostring(w->L, -1);
    snprintf(why, sizeof why, "a %.80s cannot be sent", name);
    return refuse(w, at, SIOC_EINVAL, why);
}

/* ---- tables ---- */

static int walk_element(struct walker *w, int table, lua_Integer i, bool holes,
                        const struct step *up)
{
    struct step at = {up, NULL, i};
    int code;

    if (lua_rawgeti(w->L, table, i) == LUA_TNIL && !holes)
        return refuse(w, up, SIOC_EINVAL, "a sparse array; use sioc.array() to send the holes");
    code = walk_value(w, lua_gettop(w->L), &at);
    lua_pop(w->L, 1);
    return code;
}

static int walk_array(struct walker *w, int table, lua_Integer n, bool holes,
                      const struct step *at)
{
    int code = check(w, at, w->sink->ops->array_begin(w->sink, (size_t)n));

    for (lua_Integer i = 1; i <= n && code >= 0; i++)
        code = walk_element(w, table, i, holes, at);
    return code < 0 ? code : check(w, at, w->sink->ops->array_end(w->sink));
}

/* What a full look at the keys says. */
struct shape {
    lua_Integer max; /* largest of the keys 1, 2, ... */
    size_t indices;  /* how many of those there are */
    size_t others;
};

static struct shape look(lua_State *L, int table)
{
    struct shape s = {0, 0, 0};

    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        lua_Integer i = lua_isinteger(L, -2) ? lua_tointeger(L, -2) : 0;

        if (i < 1) {
            s.others++;
            continue;
        }
        s.indices++;
        if (i > s.max)
            s.max = i;
    }
    return s;
}

/* Whether nothing follows element n in the table; false may also mean "not known". */
static bool nothing_after(lua_State *L, int table, lua_Integer n)
{
    if (n == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, n);
    if (!lua_next(L, table))
        return true;
    lua_pop(L, 2);
    return false;
}

static int walk_tagged(struct walker *w, int table, lua_Integer n, const struct step *at)
{
    struct shape s;

    if (nothing_after(w->L, table, n))
        return walk_array(w, table, n, true, at);
    s = look(w->L, table);
    if (s.others > 0)
        return refuse(w, at, SIOC_EINVAL, "an array with keys that are not 1, 2, 3, ...");
    if ((size_t)s.max / 8 > s.indices + 128) /* holes are null, but not a million of them */
        return refuse(w, at, SIOC_EINVAL, "an array with too many holes");
    return walk_array(w, table, s.max, true, at);
}

static int walk_pair(struct walker *w, int key, const struct step *up)
{
    struct step at = {up, NULL, 0};
    struct sioc_str name;
    int code;

    if (lua_isinteger(w->L, key))
        return refuse(w, up, SIOC_EINVAL,
                      "a sparse array, or one mixed with names; use sioc.array() for holes, or "
                      "tostring() the keys");
    if (lua_type(w->L, key) != LUA_TSTRING) {
        char why[80];

        snprintf(why, sizeof why, "a %s as key; keys are strings", luaL_typename(w->L, key));
        return refuse(w, up, SIOC_EINVAL, why);
    }
    name.ptr = at.key = lua_tolstring(w->L, key, &name.len);
    code = check(w, &at, w->sink->ops->map_key(w->sink, name));
    return code < 0 ? code : walk_value(w, key + 1, &at);
}

static int walk_map(struct walker *w, int table, const struct step *at)
{
    int code = check(w, at, w->sink->ops->map_begin(w->sink, SIOC_COUNT_UNKNOWN));

    if (code < 0)
        return code;
    lua_pushnil(w->L);
    while (code >= 0 && lua_next(w->L, table)) {
        code = walk_pair(w, lua_gettop(w->L) - 1, at);
        lua_pop(w->L, 1);
    }
    return code < 0 ? code : check(w, at, w->sink->ops->map_end(w->sink));
}

static int walk_plain(struct walker *w, int table, lua_Integer n, const struct step *at)
{
    struct shape s;

    if (n == 0)
        return walk_map(w, table, at);
    if (nothing_after(w->L, table, n))
        return walk_array(w, table, n, false, at);
    s = look(w->L, table); /* elements may lie in the hash part, where order says nothing */
    if (s.others > 0)
        return refuse(w, at, SIOC_EINVAL, "elements 1, 2, ... mixed with other keys");
    if ((size_t)s.max != s.indices)
        return refuse(w, at, SIOC_EINVAL, "a sparse array; use sioc.array() to send the holes");
    return walk_array(w, table, s.max, false, at);
}

static const void *metatable_of(lua_State *L, int index)
{
    const void *meta = NULL;

    if (lua_getmetatable(L, index)) {
        meta = lua_topointer(L, -1);
        lua_pop(L, 1);
    }
    return meta;
}

static int walk_table(struct walker *w, int table, const struct step *at)
{
    lua_Integer n = (lua_Integer)lua_rawlen(w->L, table);
    int code;

    if (w->depth == SLUA_MAX_DEPTH)
        return check(w, at, SIOC_EDEPTH);
    if (!lua_checkstack(w->L, 8))
        return refuse(w, at, SIOC_ENOMEM, sioc_strerror(SIOC_ENOMEM));
    w->depth++;
    if (metatable_of(w->L, table) == w->values->array_meta)
        code = walk_tagged(w, table, n, at);
    else
        code = walk_plain(w, table, n, at);
    w->depth--;
    return code;
}

/* ---- single values ---- */

static int walk_number(struct walker *w, int index)
{
    if (lua_isinteger(w->L, index))
        return sioc_put_int(w->sink, lua_tointeger(w->L, index));
    return sioc_put_number(w->sink, lua_tonumber(w->L, index));
}

static int walk_string(struct walker *w, int index)
{
    struct sioc_str text;

    text.ptr = lua_tolstring(w->L, index, &text.len);
    return sioc_put_str(w->sink, text);
}

static int walk_userdata(struct walker *w, int index, const struct step *at)
{
    const void *meta = metatable_of(w->L, index);

    if (meta && meta == w->values->buffer_meta) {
        int code = sioc_put_binary(w->sink, slua_to_buffer(w->L, index));

        if (code == SIOC_EINVAL)
            return refuse(w, at, code, "binary data has no place in JSON text");
        return check(w, at, code);
    }
    if (meta && meta == w->values->raw_meta)
        return check(w, at,
                     w->sink->ops->raw_json(w->sink, sioc_str_n(lua_touserdata(w->L, index),
                                                                lua_rawlen(w->L, index))));
    return refuse_type(w, index, at);
}

static int walk_value(struct walker *w, int index, const struct step *at)
{
    switch (lua_type(w->L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
        return check(w, at, sioc_put_null(w->sink));
    case LUA_TBOOLEAN:
        return check(w, at, sioc_put_bool(w->sink, lua_toboolean(w->L, index)));
    case LUA_TNUMBER:
        return check(w, at, walk_number(w, index));
    case LUA_TSTRING:
        return check(w, at, walk_string(w, index));
    case LUA_TTABLE:
        return walk_table(w, index, at);
    case LUA_TUSERDATA:
        return walk_userdata(w, index, at);
    case LUA_TLIGHTUSERDATA:
        if (!lua_touserdata(w->L, index))
            return check(w, at, sioc_put_null(w->sink));
        return refuse_type(w, index, at);
    default:
        return refuse_type(w, index, at);
    }
}

/* What most arguments are, without the room and the path that the others need: 90 instructions
 * less for a text.  1: it is something else, or was refused. */
static int walk_simple(lua_State *L, int index, struct sioc_sink *sink)
{
    struct sioc_str text;
    int code;

    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        text.ptr = lua_tolstring(L, index, &text.len);
        code = sioc_put_str(sink, text);
        break;
    case LUA_TBOOLEAN:
        code = sioc_put_bool(sink, lua_toboolean(L, index));
        break;
    case LUA_TNIL:
        code = sioc_put_null(sink);
        break;
    default:
        return 1;
    }
    return code < 0 ? 1 : 0;
}

int slua_walk(lua_State *L, int index, struct sioc_sink *sink)
{
    struct walker w;
    int base, code;

    if (walk_simple(L, index, sink) == 0)
        return 0;
    base = lua_gettop(L);

    w.L = L;
    w.sink = sink;
    w.values = &slua_host_of(L)->values;
    w.depth = 0;
    w.error[0] = '\0'; /* the rest is written with the error */
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    code = walk_value(&w, lua_absindex(L, index), NULL);
    if (code < 0) {
        lua_settop(L, base);
        slua_host_of(L)->memory_grace++; /* the caller has something to give back first */
        lua_pushstring(L, w.error);
        slua_host_of(L)->memory_grace--;
    }
    return code;
}
