/* bindings/lua/shell.c -- what a table becomes when its values were copied to the next
 * generation: an empty one, whose keys are read and written there.
 *
 * So a handler which began before the reload loses nothing of what it writes to socket.data,
 * ws.data or sioc.state.  Values are copied in each access, as carry.c does.
 *
 * Each state runs protected on its own: an error must never jump over the other one's frames.
 */
#include "api.h"
#include "task.h"

/* One access, which runs protected in the state that serves. */
struct access {
    const struct slua_shell *shell;
    struct slua_host *host; /* the one that serves */
    struct sioc_str key;
    lua_State *other; /* the old state; a value to be set is on its top */
    struct sioc_sink *sink;
};

bool slua_push_state(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "sioc");
    if (!lua_istable(L, -1))
        return false;
    lua_getfield(L, -1, "state");
    return lua_istable(L, -1);
}

static bool push_socket_data(lua_State *L, const struct access *a)
{
    struct sioc_socket *socket = sioc_socket_find(a->shell->core, a->shell->handle);
    intptr_t ref = socket ? sioc_socket_host_ref(socket, a->host) : 0;

    if (!ref)
        return false;
    slua_push_ref(L, ref);
    if (lua_getiuservalue(L, -1, SLUA_SOCKET_DATA) != LUA_TNIL)
        return true;
    lua_pop(L, 1);
    slua_push_data(L, socket);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, -3, SLUA_SOCKET_DATA);
    return true;
}

static bool push_websocket_data(lua_State *L, const struct access *a)
{
    struct sioc_websocket *websocket = sioc_websocket_find(a->shell->core, a->shell->handle);
    intptr_t ref = websocket ? sioc_websocket_host_ref(websocket, a->host) : 0;

    if (!ref)
        return false;
    slua_push_ref(L, ref);
    slua_push_websocket_data(L, lua_gettop(L));
    return true;
}

static bool push_conn_data(lua_State *L, const struct access *a)
{
    const struct sioc_conn *conn = sioc_conn_find(a->shell->core, a->shell->handle);

    return conn && slua_push_conn_data(L, a->host, conn);
}

static bool push_target(lua_State *L, const struct access *a)
{
    switch (a->shell->what) {
    case SLUA_SHELL_SOCKET:
        return push_socket_data(L, a);
    case SLUA_SHELL_WEBSOCKET:
        return push_websocket_data(L, a);
    case SLUA_SHELL_CONN:
        return push_conn_data(L, a);
    case SLUA_SHELL_STATE:
    default:
        return slua_push_state(L);
    }
}

static int read_key(lua_State *L)
{
    struct access *a = lua_touserdata(L, 1);

    if (!push_target(L, a))
        return 0;
    slua_push_str(L, a->key);
    lua_rawget(L, -2);
    if (!lua_isnil(L, -1))
        slua_walk(L, -1, a->sink);
    return 0;
}

/* In the old state: drives the sink with the value at index 1. */
static int drive(lua_State *L)
{
    struct sioc_sink *sink = lua_touserdata(L, 2);

    if (slua_walk(L, 1, sink) < 0)
        return lua_error(L);
    return 0;
}

static int write_key(lua_State *L)
{
    struct access *a = lua_touserdata(L, 1);
    struct slua_builder builder;
    int table;

    if (!push_target(L, a))
        return 0;
    table = lua_gettop(L);
    slua_push_str(L, a->key);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    slua_builder_init(&builder, L);
    lua_pushcfunction(a->other, drive);
    lua_insert(a->other, -2);
    lua_pushlightuserdata(a->other, &builder.sink);
    if (lua_pcall(a->other, 2, 0, 0) != LUA_OK) {
        lua_pop(a->other, 1);
        return 0;
    }
    lua_settop(L, table + 2);
    lua_rawset(L, table);
    return 0;
}

/* Runs fn in the state that serves; false when there is none but this. */
static bool visit(lua_State *L, lua_CFunction fn, struct access *a)
{
    struct slua_host *own = slua_host_of(L);
    lua_State *to;
    size_t len;

    a->shell = lua_touserdata(L, lua_upvalueindex(1));
    a->host = own->app ? slua_app_host(own->app) : NULL;
    if (!a->host || a->host == own || lua_type(L, 2) != LUA_TSTRING)
        return false;
    a->key.ptr = lua_tolstring(L, 2, &len);
    a->key.len = len;
    a->other = L;
    to = a->host->L;
    if (!lua_checkstack(to, 4))
        return false;
    lua_pushcfunction(to, fn);
    lua_pushlightuserdata(to, a);
    if (lua_pcall(to, 1, 0, 0) != LUA_OK)
        lua_pop(to, 1);
    return true;
}

static int shell_get(lua_State *L)
{
    struct slua_builder builder;
    struct access a = {.sink = &builder.sink};
    int top;

    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_settop(L, 2);
    slua_builder_init(&builder, L);
    visit(L, read_key, &a);
    top = lua_gettop(L);
    if (top == 2)
        lua_pushnil(L);
    return 1;
}

static int shell_set(lua_State *L)
{
    struct access a = {.sink = NULL};

    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_settop(L, 3);
    visit(L, write_key, &a);
    return 0;
}

/* Index 1: the table; 2: what it is a shell of. */
static int make_shell(lua_State *L)
{
    const struct slua_shell *what = lua_touserdata(L, 2);
    struct slua_shell *shell;

    lua_settop(L, 1);
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_pushnil(L);
        lua_rawset(L, 1);
    }
    lua_createtable(L, 0, 2);
    shell = lua_newuserdatauv(L, sizeof *shell, 0);
    *shell = *what;
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, shell_get, 1);
    lua_setfield(L, 2, "__index");
    lua_pushcclosure(L, shell_set, 1);
    lua_setfield(L, 2, "__newindex");
    lua_setmetatable(L, 1);
    return 0;
}

void slua_make_shell(lua_State *L, const struct slua_shell *shell)
{
    lua_pushcfunction(L, make_shell);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, (void *)shell);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK)
        lua_pop(L, 1);
}
