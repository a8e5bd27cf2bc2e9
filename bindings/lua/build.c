/* bindings/lua/build.c -- a sink that builds Lua values on a stack.
 *
 * Values of an array or a map are first staged on the stack; when it ends they go into a table
 * of exactly their number.  After STAGE of them the table is made all the same, so that the
 * stack stays small.  Knows no text format.
 *
 * Invariant: the open containers lie on the stack one behind the other, each from its base up;
 * there is always room for one more value.  A decoder may not be left by longjmp, so while a
 * value is added the memory limit is off; whether it was passed is looked at afterwards.
 */
#include "host.h"

#define STAGE 32
#define ROOM  16 /* so many values are pushed before there is made more room for them */

static struct slua_builder *self(struct sioc_sink *sink)
{
    return (struct slua_builder *)sink;
}

static struct slua_builder_frame *top(struct slua_builder *b)
{
    return &b->frames[b->depth - 1];
}

/* Moves the staged values of an array into its table. */
static void flush_array(struct slua_builder *b, struct slua_builder_frame *f, bool last)
{
    lua_State *L = b->L;

    if (!f->made) {
        lua_createtable(L, last ? f->staged : 2 * STAGE, 0);
        lua_insert(L, f->base);
        f->made = true;
    }
    for (lua_Integer i = f->n + f->staged; i > f->n; i--)
        lua_rawseti(L, f->base, i);
    f->n += f->staged;
    f->staged = 0;
}

/* The same for a map; in order, so that of a doubled key the last one wins. */
static void flush_map(struct slua_builder *b, struct slua_builder_frame *f, bool last)
{
    lua_State *L = b->L;

    if (!f->made) {
        lua_createtable(L, 0, last ? f->staged / 2 : STAGE);
        lua_insert(L, f->base);
        f->made = true;
    }
    for (int i = 1; i <= f->staged; i += 2) {
        lua_pushvalue(L, f->base + i);
        lua_pushvalue(L, f->base + i + 1);
        lua_rawset(L, f->base);
    }
    lua_settop(L, f->base);
    f->staged = 0;
}

/* Between these two Lua may take what it needs. */
static lua_State *relax(struct sioc_sink *sink)
{
    self(sink)->host->memory_grace++;
    return self(sink)->L;
}

static int restrain(struct slua_builder *b)
{
    struct slua_host *host = b->host;

    host->memory_grace--;
    if (host->memory_used <= host->config->memory_limit_bytes)
        return 0;
    lua_gc(b->L, LUA_GCCOLLECT);
    return host->memory_used <= host->config->memory_limit_bytes ? 0 : SIOC_ENOMEM;
}

/* A value has been pushed. */
static int added(struct slua_builder *b)
{
    struct slua_builder_frame *f;

    if (b->depth == 0) {
        if (++b->pushed % ROOM == 0 && !lua_checkstack(b->L, ROOM + LUA_MINSTACK))
            return restrain(b), SIOC_ENOMEM;
        return restrain(b);
    }
    f = top(b);
    if (f->n >= 0) {
        if (++f->staged == STAGE)
            flush_array(b, f, false);
    } else if (++f->staged == 2 * STAGE) {
        flush_map(b, f, false);
    }
    return restrain(b);
}

static int begin(struct slua_builder *b, lua_Integer n)
{
    struct slua_builder_frame *f;

    if (b->depth == SLUA_MAX_DEPTH)
        return SIOC_EDEPTH;
    if (!lua_checkstack(b->L, 2 * STAGE + LUA_MINSTACK))
        return SIOC_ENOMEM;
    f = &b->frames[b->depth++];
    f->base = lua_gettop(b->L) + 1;
    f->staged = 0;
    f->n = n;
    f->made = false;
    return 0;
}

static int put_null(struct sioc_sink *sink)
{
    lua_State *L = relax(sink);

    if (self(sink)->depth == 0)
        lua_pushnil(L);
    else
        slua_push_null(L);
    return added(self(sink));
}

static int put_boolean(struct sioc_sink *sink, bool value)
{
    lua_pushboolean(relax(sink), value);
    return added(self(sink));
}

static int put_integer(struct sioc_sink *sink, int64_t value)
{
    lua_pushinteger(relax(sink), value);
    return added(self(sink));
}

static int put_number(struct sioc_sink *sink, double value)
{
    lua_pushnumber(relax(sink), value);
    return added(self(sink));
}

static int put_string(struct sioc_sink *sink, struct sioc_str utf8)
{
    lua_pushlstring(relax(sink), utf8.ptr, utf8.len);
    return added(self(sink));
}

static int put_binary(struct sioc_sink *sink, struct sioc_buffer *data)
{
    slua_push_buffer(relax(sink), data);
    return added(self(sink));
}

static int array_begin(struct sioc_sink *sink, size_t count)
{
    (void)count;
    return begin(self(sink), 0);
}

static int array_end(struct sioc_sink *sink)
{
    struct slua_builder *b = self(sink);

    relax(sink);
    flush_array(b, top(b), true);
    b->depth--;
    slua_tag_array(b->L);
    return added(b);
}

static int map_begin(struct sioc_sink *sink, size_t count)
{
    (void)count;
    return begin(self(sink), -1);
}

static int map_key(struct sioc_sink *sink, struct sioc_str utf8)
{
    lua_pushlstring(relax(sink), utf8.ptr, utf8.len);
    top(self(sink))->staged++;
    return restrain(self(sink));
}

static int map_end(struct sioc_sink *sink)
{
    struct slua_builder *b = self(sink);

    relax(sink);
    flush_map(b, top(b), true);
    b->depth--;
    return added(b);
}

static int put_raw_json(struct sioc_sink *sink, struct sioc_str json)
{
    return sioc_json_decode(json, SLUA_MAX_DEPTH, sink, NULL);
}

void slua_builder_init(struct slua_builder *b, lua_State *L)
{
    static const struct sioc_sink_ops ops = {
        .null = put_null,
        .boolean = put_boolean,
        .integer = put_integer,
        .number = put_number,
        .string = put_string,
        .binary = put_binary,
        .array_begin = array_begin,
        .array_end = array_end,
        .map_begin = map_begin,
        .map_key = map_key,
        .map_end = map_end,
        .raw_json = put_raw_json,
    };

    b->sink.ops = &ops;
    b->L = L;
    b->host = slua_host_of(L);
    b->depth = 0;
    b->pushed = 0;
    if (!lua_checkstack(L, ROOM + LUA_MINSTACK))
        luaL_error(L, "stack overflow");
}

int slua_push_json(lua_State *L, struct sioc_str json)
{
    struct slua_builder b;
    int base = lua_gettop(L), code;

    slua_builder_init(&b, L);
    code = sioc_json_decode(json, SLUA_MAX_DEPTH, &b.sink, NULL);
    if (code < 0)
        lua_settop(L, base);
    if (code == SIOC_ENOMEM) /* what was built is garbage now */
        lua_gc(L, LUA_GCCOLLECT);
    return code;
}
