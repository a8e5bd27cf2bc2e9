/* bindings/lua/values.c -- the values that Lua does not have: sioc.null, arrays, binary data,
 * raw JSON; and sioc.json.
 *
 * Their metatables are known by registry reference and by address (struct slua_values), so that
 * neither builder nor walker looks up a name.  Invariant: a Buffer userdata holds one reference
 * of its sioc_buffer from the moment it has its metatable.
 */
#include "host.h"

/* ---- arrays ---- */

void slua_tag_array(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, slua_host_of(L)->values.array_ref);
    lua_setmetatable(L, -2);
}

static int array(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    slua_tag_array(L);
    return 1;
}

/* ---- binary data ---- */

int slua_push_buffer(lua_State *L, struct sioc_buffer *data)
{
    struct sioc_buffer **box = lua_newuserdatauv(L, sizeof(struct sioc_buffer *), 0);

    *box = sioc_buffer_ref(data);
    lua_rawgeti(L, LUA_REGISTRYINDEX, slua_host_of(L)->values.buffer_ref);
    lua_setmetatable(L, -2);
    return 0;
}

struct sioc_buffer *slua_to_buffer(lua_State *L, int index)
{
    const void *meta;

    if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index))
        return NULL;
    meta = lua_topointer(L, -1);
    lua_pop(L, 1);
    if (meta != slua_host_of(L)->values.buffer_meta)
        return NULL;
    return *(struct sioc_buffer **)lua_touserdata(L, index);
}

static struct sioc_str check_buffer(lua_State *L, int index)
{
    struct sioc_buffer *data = slua_to_buffer(L, index);

    luaL_argexpected(L, data, index, "sioc.Buffer");
    return sioc_buffer_bytes(data);
}

static int binary(lua_State *L)
{
    struct sioc_buffer **box, *data;
    struct sioc_str bytes;

    if (slua_to_buffer(L, 1)) {
        lua_settop(L, 1);
        return 1;
    }
    bytes.ptr = luaL_checklstring(L, 1, &bytes.len);
    box =
        lua_newuserdatauv(L, sizeof(struct sioc_buffer *), 0); /* may raise: before the data */
    data = sioc_buffer_new(bytes);
    if (!data)
        return luaL_error(L, "not enough memory");
    *box = data;
    lua_rawgeti(L, LUA_REGISTRYINDEX, slua_host_of(L)->values.buffer_ref);
    lua_setmetatable(L, -2);
    return 1;
}

static int buffer_len(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)check_buffer(L, 1).len);
    return 1;
}

static int buffer_str(lua_State *L)
{
    struct sioc_str bytes = check_buffer(L, 1);

    lua_pushlstring(L, bytes.ptr, bytes.len);
    return 1;
}

/* A position as string.sub counts it, kept within [low, high]. */
static lua_Integer position(lua_Integer at, lua_Integer len, lua_Integer low, lua_Integer high)
{
    if (at < 0)
        at = at < -len ? 0 : len + at + 1;
    return at < low ? low : at > high ? high : at;
}

static int buffer_sub(lua_State *L)
{
    struct sioc_str bytes = check_buffer(L, 1);
    lua_Integer len = (lua_Integer)bytes.len;
    lua_Integer from = position(luaL_optinteger(L, 2, 1), len, 1, len + 1);
    lua_Integer to = position(luaL_optinteger(L, 3, -1), len, 0, len);

    lua_pushlstring(L, to < from ? "" : bytes.ptr + from - 1,
                    to < from ? 0 : (size_t)(to - from + 1));
    return 1;
}

static int buffer_eq(lua_State *L)
{
    struct sioc_buffer *a = slua_to_buffer(L, 1), *b = slua_to_buffer(L, 2);
    struct sioc_str x, y;

    if (a && b) {
        x = sioc_buffer_bytes(a);
        y = sioc_buffer_bytes(b);
    }
    lua_pushboolean(L, a && b && x.len == y.len &&
                           (x.len == 0 || memcmp(x.ptr, y.ptr, x.len) == 0));
    return 1;
}

static int buffer_tostring(lua_State *L)
{
    lua_pushfstring(L, "sioc.Buffer (%I bytes)", (LUAI_UACINT)check_buffer(L, 1).len);
    return 1;
}

static int buffer_gc(lua_State *L)
{
    struct sioc_buffer **box = lua_touserdata(L, 1);

    sioc_buffer_unref(*box);
    *box = NULL;
    return 0;
}

static const luaL_Reg buffer_methods[] = {
    {"str", buffer_str},
    {"sub", buffer_sub},
    {NULL, NULL},
};
static const luaL_Reg buffer_meta[] = {
    {"__len", buffer_len},           {"__eq", buffer_eq}, {"__gc", buffer_gc},
    {"__tostring", buffer_tostring}, {NULL, NULL},
};

/* ---- JSON ---- */

static int ignore(struct sioc_sink *sink)
{
    (void)sink;
    return 0;
}
static int ignore_bool(struct sioc_sink *sink, bool value)
{
    (void)sink, (void)value;
    return 0;
}
static int ignore_int(struct sioc_sink *sink, int64_t value)
{
    (void)sink, (void)value;
    return 0;
}
static int ignore_number(struct sioc_sink *sink, double value)
{
    (void)sink, (void)value;
    return 0;
}
static int ignore_str(struct sioc_sink *sink, struct sioc_str value)
{
    (void)sink, (void)value;
    return 0;
}
static int ignore_count(struct sioc_sink *sink, size_t count)
{
    (void)sink, (void)count;
    return 0;
}

/* Raw JSON goes out as it is, so it is checked where it comes in. */
static int check_json(struct sioc_str json, size_t *ret_error_at)
{
    static const struct sioc_sink_ops ops = {
        .null = ignore,
        .boolean = ignore_bool,
        .integer = ignore_int,
        .number = ignore_number,
        .string = ignore_str,
        .array_begin = ignore_count,
        .array_end = ignore,
        .map_begin = ignore_count,
        .map_key = ignore_str,
        .map_end = ignore,
    };
    struct sioc_sink sink = {&ops};

    return sioc_json_decode(json, SLUA_MAX_DEPTH, &sink, ret_error_at);
}

static int raw(lua_State *L)
{
    struct sioc_str json;
    size_t at = 0;
    int code;

    json.ptr = luaL_checklstring(L, 1, &json.len);
    code = check_json(json, &at);
    if (code < 0)
        return luaL_error(L, "sioc.raw: %s at byte %I", sioc_strerror(code),
                          (LUAI_UACINT)at + 1);
    memcpy(lua_newuserdatauv(L, json.len, 0), json.ptr, json.len);
    lua_rawgeti(L, LUA_REGISTRYINDEX, slua_host_of(L)->values.raw_ref);
    lua_setmetatable(L, -2);
    return 1;
}

static int raw_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TUSERDATA);
    lua_pushlstring(L, lua_touserdata(L, 1), lua_rawlen(L, 1));
    return 1;
}

static int json_encode(lua_State *L)
{
    struct sioc_json_encoder *encoder = slua_host_of(L)->values.encoder;
    struct sioc_str text;

    luaL_checkany(L, 1);
    sioc_json_encoder_reset(encoder);
    if (slua_walk(L, 1, sioc_json_encoder_sink(encoder)) < 0)
        return luaL_error(L, "%s", lua_tostring(L, -1));
    text = sioc_json_encoder_text(encoder);
    lua_pushlstring(L, text.ptr, text.len);
    return 1;
}

static int json_decode(lua_State *L)
{
    struct slua_builder b;
    struct sioc_str json;
    size_t at = 0;
    int code;

    json.ptr = luaL_checklstring(L, 1, &json.len);
    lua_settop(L, 1);
    slua_builder_init(&b, L);
    code = sioc_json_decode(json, SLUA_MAX_DEPTH, &b.sink, &at);
    if (code < 0) {
        lua_settop(L, 1);
        if (code == SIOC_ENOMEM) /* what was built is garbage now */
            lua_gc(L, LUA_GCCOLLECT);
        lua_pushnil(L);
        lua_pushfstring(L, "%s at byte %I", sioc_strerror(code), (LUAI_UACINT)at + 1);
        return 2;
    }
    if (lua_isnil(L, -1))
        slua_push_null(L); /* nil means failure here */
    return 1;
}

/* ---- */

/* Keeps the metatable at the top in the registry. */
static const void *keep(lua_State *L, int *ret_ref)
{
    const void *address = lua_topointer(L, -1);

    *ret_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return address;
}

static void name_metatable(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
}

static void make_metatables(lua_State *L, struct slua_values *values)
{
    lua_newtable(L);
    name_metatable(L, "sioc.array");
    values->array_meta = keep(L, &values->array_ref);

    lua_newtable(L);
    name_metatable(L, "sioc.Buffer");
    luaL_setfuncs(L, buffer_meta, 0);
    luaL_newlib(L, buffer_methods);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "sioc.Buffer"); /* its __gc is not for scripts */
    lua_setfield(L, -2, "__metatable");
    values->buffer_meta = keep(L, &values->buffer_ref);

    lua_newtable(L);
    name_metatable(L, "sioc.raw");
    lua_pushcfunction(L, raw_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "sioc.raw");
    lua_setfield(L, -2, "__metatable");
    values->raw_meta = keep(L, &values->raw_ref);
}

void slua_open_values(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"array", array},
        {"binary", binary},
        {"raw", raw},
        {NULL, NULL},
    };
    static const luaL_Reg json[] = {
        {"encode", json_encode},
        {"decode", json_decode},
        {NULL, NULL},
    };

    make_metatables(L, &slua_host_of(L)->values);
    luaL_setfuncs(L, functions, 0);
    slua_push_null(L);
    lua_setfield(L, -2, "null");
    luaL_newlib(L, json);
    lua_setfield(L, -2, "json");
}
