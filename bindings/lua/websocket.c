/* bindings/lua/websocket.c -- io:websocket, io:publish, and a plain WebSocket as scripts see
 * it.
 *
 * When the connection has gone every method is safe, and the sending ones return false.
 */
#include "websocket.h"

static const char *const event_names[] = {"message", "close", "drained", NULL}; /* from 1 */

static struct slua_websocket *self(lua_State *L)
{
    return slua_self(L, slua_api(L), SLUA_WEBSOCKET);
}

static struct sioc_websocket *find(const struct slua_websocket *w)
{
    struct sioc_server *core = w->server->core;

    return core ? sioc_websocket_find(core, w->handle) : NULL;
}

/* ---- methods ---- */

/* ws:on(name, function). */
static int add_handler(lua_State *L, bool once)
{
    self(L);
    slua_emitter_add(L, luaL_checkoption(L, 2, NULL, event_names) + 1, once);
    return 0;
}

static int websocket_on(lua_State *L)
{
    return add_handler(L, false);
}

static int websocket_once(lua_State *L)
{
    return add_handler(L, true);
}

/* ws:off(name[, function]): how many were removed. */
static int websocket_off(lua_State *L)
{
    self(L);
    lua_pushinteger(L, slua_emitter_remove(L, luaL_checkoption(L, 2, NULL, event_names) + 1));
    return 1;
}

struct sioc_str slua_check_data(lua_State *L, int index, bool *ret_binary)
{
    struct sioc_buffer *buffer = slua_to_buffer(L, index);

    *ret_binary = buffer != NULL;
    if (buffer)
        return sioc_buffer_bytes(buffer);
    if (lua_type(L, index) != LUA_TSTRING)
        luaL_typeerror(L, index, "string or sioc.Buffer");
    return slua_check_str(L, index);
}

/* The same, and behind it, maybe, whether it is binary. */
static struct sioc_str check_data(lua_State *L, int index, bool *ret_binary)
{
    struct sioc_str data = slua_check_data(L, index, ret_binary);

    if (!lua_isnoneornil(L, index + 1))
        *ret_binary = lua_toboolean(L, index + 1);
    return data;
}

static int not_utf8(lua_State *L)
{
    return luaL_error(L, "not valid UTF-8; use sioc.binary() for raw bytes");
}

int slua_push_sent(lua_State *L, int r)
{
    if (r == SIOC_EUTF8)
        return not_utf8(L);
    lua_pushboolean(L, r >= 0);
    if (r >= 0)
        return 1;
    if (r == SLUA_MUTED)
        lua_pushliteral(L, "reload");
    else
        lua_pushstring(L, r == SIOC_ECLOSED ? "closed" : sioc_strerror(r));
    return 2;
}

static int websocket_send(lua_State *L)
{
    struct sioc_websocket *websocket = find(self(L));
    bool is_binary;
    struct sioc_str data = check_data(L, 2, &is_binary);
    int r = SIOC_ECLOSED;

    if (slua_muted(L))
        r = SLUA_MUTED;
    else if (websocket)
        r = sioc_websocket_send(websocket, data, is_binary);

    return slua_push_sent(L, r);
}

static int websocket_close(lua_State *L)
{
    struct sioc_websocket *websocket = find(self(L));
    lua_Integer code = luaL_optinteger(L, 2, 0);
    struct sioc_str reason = sioc_str("");
    int r;

    if (!lua_isnoneornil(L, 3))
        reason = slua_check_str(L, 3);
    luaL_argcheck(L, code >= 0 && code <= 4999, 2, "a code from 1000 to 4999");
    if (slua_muted(L))
        return slua_push_sent(L, SLUA_MUTED);
    r = websocket ? sioc_websocket_close(websocket, (unsigned)code, reason) : SIOC_ECLOSED;
    if (r == SIOC_EINVAL)
        return luaL_error(L,
                          "a close frame has a code from 1000 to 4999 (not 1004 to 1006, nor "
                          "1015) and a reason of at most 123 bytes of UTF-8");
    return slua_push_sent(L, r);
}

static int websocket_subscribe(lua_State *L)
{
    struct sioc_websocket *websocket = find(self(L));
    struct sioc_str topic = slua_check_str(L, 2);
    int r = websocket ? sioc_websocket_subscribe(websocket, topic) : SIOC_ECLOSED;

    if (r == SIOC_ETOOBIG)
        return luaL_error(L, "the name of a topic is longer than 256 bytes");
    return slua_push_sent(L, r);
}

static int websocket_unsubscribe(lua_State *L)
{
    struct sioc_websocket *websocket = find(self(L));
    struct sioc_str topic = slua_check_str(L, 2);

    if (websocket)
        sioc_websocket_unsubscribe(websocket, topic);
    return 0;
}

static int publish(lua_State *L, struct sioc_server *core, uint64_t except)
{
    struct sioc_str topic = slua_check_str(L, 2);
    bool is_binary;
    struct sioc_str data = check_data(L, 3, &is_binary);
    int r = core && !slua_muted(L) ? sioc_publish(core, topic, data, is_binary, except) : 0;

    if (r == SIOC_EUTF8)
        return not_utf8(L);
    if (r < 0)
        return luaL_error(L, "%s", sioc_strerror(r));
    lua_pushinteger(L, r);
    return 1;
}

/* To all subscribers but this one. */
static int websocket_publish(lua_State *L)
{
    const struct slua_websocket *w = self(L);

    return publish(L, w->server->core, w->handle);
}

/* ---- properties ---- */

static const char *const properties[] = {"data",   "connected", "queued",
                                         "topics", "reloaded",  NULL};
enum { DATA_TABLE = 1, CONNECTED, QUEUED, TOPICS, RELOADED };

void slua_push_websocket_data(lua_State *L, int index)
{
    if (lua_getiuservalue(L, index, SLUA_WS_DATA) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, index, SLUA_WS_DATA);
}

static void push_topics(lua_State *L, const struct sioc_websocket *websocket)
{
    struct sioc_str topic;
    lua_Integer n = 0;
    size_t pos = 0;

    lua_newtable(L);
    while (websocket && sioc_websocket_topic_next(websocket, &pos, &topic)) {
        slua_push_str(L, topic);
        lua_rawseti(L, -2, ++n);
    }
    slua_tag_array(L);
}

static int websocket_index(lua_State *L)
{
    int property = slua_member(L);
    struct sioc_websocket *websocket;

    if (!property)
        return 1;
    websocket = find(self(L));
    switch (property) {
    case RELOADED:
        lua_pushboolean(L, self(L)->reloaded);
        return 1;
    case DATA_TABLE:
        slua_push_websocket_data(L, 1);
        return 1;
    case CONNECTED:
        lua_pushboolean(L, websocket && sioc_websocket_connected(websocket));
        return 1;
    case QUEUED:
        lua_pushinteger(L, websocket ? (lua_Integer)sioc_websocket_queued(websocket) : 0);
        return 1;
    default:
        push_topics(L, websocket);
        return 1;
    }
}

static int websocket_newindex(lua_State *L)
{
    const char *key = luaL_tolstring(L, 2, NULL);

    self(L);
    if (strcmp(key, "data") != 0)
        return luaL_error(L, "ws.%s cannot be set; what belongs to it has its place in ws.data",
                          key);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 1, SLUA_WS_DATA);
    return 0;
}

/* ---- the server's ---- */

/* io:websocket(path, function(ws, req) end) */
static int add_route(lua_State *L)
{
    struct slua_server *server = slua_self_nsp(L)->server;
    struct sioc_str path = slua_check_str(L, 2);
    int ref, r;

    luaL_checktype(L, 3, LUA_TFUNCTION);
    if (slua_is_retired(server->api))
        return 0;
    ref = slua_function_ref(L, server->api, 3);
    server->registered++;
    r = sioc_websocket_route(server->core, path, slua_websocket_handler(server, ref));
    if (r >= 0)
        return 0;
    slua_function_unref(server->api, ref);
    return luaL_error(L, "websocket %s: %s", path.ptr,
                      r == SIOC_EEXIST ? "there is a handler already" : sioc_strerror(r));
}

static int server_publish(lua_State *L)
{
    return publish(L, slua_self_nsp(L)->server->core, 0);
}

const luaL_Reg slua_websocket_routes[] = {
    {"websocket", add_route},
    {"publish", server_publish},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"on", websocket_on},
    {"once", websocket_once},
    {"off", websocket_off},
    {"send", websocket_send},
    {"close", websocket_close},
    {"subscribe", websocket_subscribe},
    {"unsubscribe", websocket_unsubscribe},
    {"publish", websocket_publish},
    {NULL, NULL},
};

static const luaL_Reg meta[] = {
    {"__newindex", websocket_newindex},
    {NULL, NULL},
};

void slua_open_websocket(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_WEBSOCKET, "sioc.WebSocket", methods, properties,
                  websocket_index);
    lua_pop(L, 1);
    slua_push_ref(L, api->meta_ref[SLUA_WEBSOCKET]);
    lua_pushlightuserdata(L, api);
    luaL_setfuncs(L, meta, 1);
    lua_pop(L, 1);
}
