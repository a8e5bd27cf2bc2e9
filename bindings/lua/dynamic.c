/* bindings/lua/dynamic.c -- io:of: which namespace is meant, and the objects that stand for
 * them.
 *
 * Objects of namespaces that clients have brought about go when no script holds them any more;
 * each has a reference to its core, so that a script can never hold a dead one.  The server's
 * user values are explained in server.c.
 */
#include "api.h"

/* ---- the objects ---- */

void slua_nsp_init(lua_State *L, struct slua_nsp *nsp, struct slua_server *server,
                   struct sioc_namespace *core)
{
    struct sioc_handler refused = {.call = slua_on_refused, .user = server};

    nsp->server = server;
    nsp->core = core;
    if (sioc_namespace_parent(core))
        sioc_namespace_ref(core); /* its parent has the handler below */
    else if (sioc_namespace_on(core, sioc_str("error"), refused, 0) < 0)
        luaL_error(L, "not enough memory");
}

int slua_nsp_gc(lua_State *L)
{
    const struct slua_nsp *nsp = lua_touserdata(L, 1);

    if (nsp->server && nsp->server->core && sioc_namespace_parent(nsp->core))
        sioc_namespace_unref(nsp->core);
    return 0;
}

/* The server keeps its namespaces by their addresses: in its user value 1, and dynamic ones in
 * the second, whose values are weak. */
struct slua_nsp *slua_push_nsp(lua_State *L, struct slua_server *server,
                               struct sioc_namespace *core)
{
    struct slua_nsp *nsp;
    int top = lua_gettop(L);

    slua_push_ref(L, server->ref);
    if (core == server->root.core)
        return &server->root;
    lua_getiuservalue(L, top + 1, sioc_namespace_parent(core) ? 2 : 1);
    if (lua_rawgetp(L, top + 2, core) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        nsp = lua_newuserdatauv(L, sizeof *nsp, 0);
        memset(nsp, 0, sizeof *nsp);
        slua_set_type(L, server->api, SLUA_NAMESPACE);
        slua_nsp_init(L, nsp, server, core);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, top + 2, core);
    }
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
    return lua_touserdata(L, top + 1);
}

/* One that has closed since (a check has brought it about) is made anew, if the script still
 * holds it. */
static struct sioc_namespace *place_of(struct sioc_server *live, struct sioc_namespace *other)
{
    struct sioc_namespace *core = sioc_server_same_namespace(live, other);

    if (!core && sioc_namespace_parent(other))
        sioc_namespace_child(sioc_server_same_namespace(live, sioc_namespace_parent(other)),
                             sioc_namespace_name(other), &core);
    return core ? core : sioc_server_same_namespace(live, sioc_namespace_parent(other));
}

/* The table of namespaces at the top is replaced by one that has them by their new addresses.
 */
static void move_table(lua_State *L, struct sioc_server *live, int value)
{
    int old, server = lua_gettop(L);

    lua_getiuservalue(L, server, value);
    old = lua_gettop(L);
    lua_newtable(L);
    if (lua_getmetatable(L, old)) /* weak values */
        lua_setmetatable(L, old + 1);
    for (lua_pushnil(L); lua_next(L, old); lua_pop(L, 1)) {
        struct slua_nsp *nsp = lua_touserdata(L, -1);
        struct sioc_namespace *core = place_of(live, nsp->core);

        if (sioc_namespace_parent(nsp->core)) {
            sioc_namespace_ref(core);
            sioc_namespace_unref(nsp->core);
        }
        nsp->core = core;
        lua_pushvalue(L, -1);
        lua_rawsetp(L, old + 1, core);
    }
    lua_setiuservalue(L, server, value);
    lua_settop(L, server);
}

struct move {
    struct slua_server *server;
    struct sioc_server *live;
};

static int move_namespaces(lua_State *L)
{
    const struct move *m = lua_touserdata(L, 1);

    m->server->root.core = sioc_server_same_namespace(m->live, m->server->root.core);
    slua_push_ref(L, m->server->ref);
    move_table(L, m->live, 1);
    move_table(L, m->live, 2);
    return 0;
}

void slua_move_namespaces(struct slua_server *server, struct sioc_server *live)
{
    struct slua_host *host = server->api->host;
    struct move m = {server, live};
    unsigned grace = host->memory_grace++; /* there is no way back from here */

    lua_pushcfunction(host->L, move_namespaces);
    lua_pushlightuserdata(host->L, &m);
    if (lua_pcall(host->L, 1, 0, 0) != LUA_OK) {
        slua_log(host, SIOC_LOG_ERROR, "reload: %s", lua_tostring(host->L, -1));
        lua_pop(host->L, 1);
    }
    host->memory_grace = grace;
}

/* ---- dynamic namespaces ---- */

/* The matcher of a pattern: upvalues string.find and the pattern. */
static int match_pattern(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_call(L, 2, 1);
    return 1;
}

/* Replaces the pattern at index 2 by a function; a malformed one is an error here. */
static void compile_pattern(lua_State *L)
{
    luaL_checkstring(L, 2);
    lua_getglobal(L, "string");
    lua_getfield(L, -1, "find");
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, match_pattern, 2);
    lua_pushvalue(L, -1);
    lua_pushliteral(L, "/");
    lua_call(L, 1, 0);
    lua_replace(L, 2);
    lua_settop(L, 3);
}

/* The stack: the server, the name or function, the handler of connections or nil.  Pushes the
 * namespace. */
static void match_names(lua_State *L, struct slua_server *server)
{
    bool pattern = !lua_isfunction(L, 2);
    struct sioc_namespace *parent;
    struct sioc_handler handler;
    int r;

    if (pattern)
        compile_pattern(L);
    handler = slua_handler(L, &server->root, 0, 2, 4);
    r = sioc_server_match(server->core, handler, &parent);
    if (r < 0) {
        slua_function_unref(server->api, handler.ref);
        luaL_error(L, "of: %s", sioc_strerror(r));
    }
    slua_push_nsp(L, server, parent);
    if (pattern) { /* io:of(name) asks them, too */
        lua_getiuservalue(L, 1, 3);
        lua_pushvalue(L, 2);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        lua_pushvalue(L, 4);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        lua_pop(L, 1);
    }
}

/* The parent whose pattern fits the name, or NULL. */
static struct sioc_namespace *parent_of(lua_State *L, struct sioc_str name)
{
    struct sioc_namespace *parent = NULL;

    lua_getiuservalue(L, 1, 3);
    for (lua_Integer i = 1; !parent && lua_rawgeti(L, -1, i) == LUA_TFUNCTION; i += 2) {
        slua_push_str(L, name);
        lua_call(L, 1, 1);
        if (lua_toboolean(L, -1)) {
            const struct slua_nsp *nsp;

            lua_rawgeti(L, -2, i + 1);
            nsp = lua_touserdata(L, -1);
            parent = nsp->core;
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    return parent;
}

/* The same for one name. */
static void name_one(lua_State *L, struct slua_server *server)
{
    struct sioc_namespace *core, *parent;
    struct sioc_str name = slua_check_str(L, 2);
    int r = SIOC_EEXIST;

    if (name.len == 0 || name.ptr[0] != '/') {
        lua_pushliteral(L, "/");
        lua_pushvalue(L, 2);
        lua_concat(L, 2);
        lua_replace(L, 2);
        name = slua_check_str(L, 2);
    }
    parent = parent_of(L, name);
    if (parent)
        r = sioc_namespace_child(parent, name, &core);
    if (r == SIOC_EEXIST)
        r = sioc_server_of(server->core, name, &core);
    if (r < 0)
        luaL_error(L, "namespace \"%s\": %s", name.ptr, sioc_strerror(r));
    lua_settop(L, 3);
    slua_push_nsp(L, server, core);
}

/* of(name or function[, {pattern = true}][, handler of connections]) */
int slua_server_of(lua_State *L)
{
    struct slua_server *server = slua_self(L, slua_api(L), SLUA_SERVER);
    bool matches = lua_isfunction(L, 2);

    slua_self_nsp(L); /* raises when it is gone */
    server->registered++;
    if (lua_istable(L, 3)) {
        lua_getfield(L, 3, "pattern");
        matches = lua_toboolean(L, -1) || matches;
        lua_pop(L, 1);
        lua_remove(L, 3);
    }
    lua_settop(L, 3);
    if (!lua_isnil(L, 3))
        luaL_checktype(L, 3, LUA_TFUNCTION);
    if (matches)
        match_names(L, server);
    else
        name_one(L, server);
    if (lua_isnil(L, 3))
        return 1;
    lua_getfield(L, 4, "on");
    lua_pushvalue(L, 4);
    lua_pushliteral(L, "connection");
    lua_pushvalue(L, 3);
    lua_call(L, 3, 0);
    return 1;
}
