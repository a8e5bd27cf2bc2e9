/* bindings/lua/carry.c -- what survives a generation: socket.data and sioc.state.
 *
 * Two Lua states share nothing, so values are copied: a walker of the old state drives a
 * builder of the new one, with no text in between.  The old table becomes a *shell* then: it is
 * emptied, and reading or writing one of its keys reads or writes the new table, so that a
 * handler which began before the reload loses nothing.
 *
 * Each state runs protected on its own: an error must never jump over the other one's frames.
 * A builder does not raise, so it may be driven from either.
 */
#include "api.h"
#include "task.h"

/* ---- a sink that only looks whether a value can be copied ---- */

static int ok(struct sioc_sink *sink)
{
    (void)sink;
    return 0;
}
static int ok_bool(struct sioc_sink *sink, bool v)
{
    (void)sink, (void)v;
    return 0;
}
static int ok_int(struct sioc_sink *sink, int64_t v)
{
    (void)sink, (void)v;
    return 0;
}
static int ok_number(struct sioc_sink *sink, double v)
{
    (void)sink, (void)v;
    return 0;
}
static int ok_str(struct sioc_sink *sink, struct sioc_str v)
{
    (void)sink, (void)v;
    return 0;
}
static int ok_binary(struct sioc_sink *sink, struct sioc_buffer *v)
{
    (void)sink, (void)v;
    return 0;
}
static int ok_begin(struct sioc_sink *sink, size_t count)
{
    (void)sink, (void)count;
    return 0;
}
static const struct sioc_sink_ops looking = {
    .null = ok,
    .boolean = ok_bool,
    .integer = ok_int,
    .number = ok_number,
    .string = ok_str,
    .binary = ok_binary,
    .array_begin = ok_begin,
    .array_end = ok,
    .map_begin = ok_begin,
    .map_key = ok_str,
    .map_end = ok,
    .raw_json = ok_str,
};

/* ---- copying ---- */

struct copy {
    const char *what; /* for the log; NULL: nothing is said */
    struct sioc_sink *sink;
    int code;
};

static void warn(lua_State *L, const struct copy *c, const char *key)
{
    if (c->what)
        slua_log(slua_host_of(L), SIOC_LOG_WARN, "reload: %s%s%s is not kept: %s", c->what,
                 *key ? "." : "", key, lua_tostring(L, -1));
    lua_pop(L, 1);
}

/* The fields that can be copied; the others are named in the log. */
static void copy_fields(lua_State *L, struct copy *c)
{
    struct sioc_sink look = {&looking};
    int table = lua_gettop(L);

    c->code = c->sink->ops->map_begin(c->sink, SIOC_COUNT_UNKNOWN);
    for (lua_pushnil(L); c->code >= 0 && lua_next(L, table); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            lua_pushliteral(L, "only texts can be its keys");
            warn(L, c, "");
        } else if (slua_walk(L, -1, &look) < 0) {
            warn(L, c, lua_tostring(L, -3));
        } else {
            size_t len;
            const char *key = lua_tolstring(L, -2, &len);

            c->code = c->sink->ops->map_key(c->sink, sioc_str_n(key, len));
            if (c->code >= 0)
                c->code = slua_walk(L, -1, c->sink);
        }
    }
    if (c->code >= 0)
        c->code = c->sink->ops->map_end(c->sink);
}

/* Runs protected in the old state: index 1 the table, 2 the copy. */
static int copy_table(lua_State *L)
{
    struct sioc_sink look = {&looking};
    struct copy *c = lua_touserdata(L, 2);

    lua_settop(L, 1);
    if (slua_walk(L, 1, &look) >= 0) {
        c->code = slua_walk(L, 1, c->sink);
        return 0;
    }
    lua_settop(L, 1);
    copy_fields(L, c);
    return 0;
}

/* Copies the table on the top of `from` (which goes) onto the top of `to`, as far as it can be;
 * false: nothing was pushed. */
static bool copy_top(lua_State *from, lua_State *to, const char *what)
{
    struct slua_builder builder;
    int height = lua_gettop(to);
    struct copy c = {.what = what, .sink = &builder.sink, .code = SIOC_ENOMEM};

    slua_builder_init(&builder, to);
    lua_pushcfunction(from, copy_table);
    lua_insert(from, -2);
    lua_pushlightuserdata(from, &c);
    if (lua_pcall(from, 2, 0, 0) != LUA_OK) {
        lua_pop(from, 1);
        c.code = SIOC_ENOMEM;
    }
    if (c.code >= 0)
        return true;
    lua_settop(to, height);
    return false;
}

/* ---- shells ---- */

/* Where the key of a shell is looked up: a socket's data, or (handle 0) sioc.state. */
struct shell {
    struct slua_server *server; /* of the old host */
    uint64_t handle;
};

/* One access, which runs protected in the state that serves. */
struct access {
    const struct shell *shell;
    struct slua_host *host; /* the one that serves */
    struct sioc_str key;
    lua_State *other; /* the old state; a value to be set is on its top */
    struct sioc_sink *sink;
};

static bool push_state(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "sioc");
    if (!lua_istable(L, -1))
        return false;
    lua_getfield(L, -1, "state");
    return lua_istable(L, -1);
}

static bool push_target(lua_State *L, const struct access *a)
{
    struct sioc_server *core = a->shell->server ? a->shell->server->core : NULL;
    struct sioc_socket *socket;
    intptr_t ref;

    if (!a->shell->handle)
        return push_state(L);
    socket = core ? sioc_socket_find(core, a->shell->handle) : NULL;
    ref = socket ? sioc_socket_host_ref(socket, a->host) : 0;
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
    const struct shell *what = lua_touserdata(L, 2);
    struct shell *shell;

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

/* The table on the top of L (which goes) becomes a shell. */
static void turn_into_shell(lua_State *L, struct shell shell)
{
    lua_pushcfunction(L, make_shell);
    lua_insert(L, -2);
    lua_pushlightuserdata(L, &shell);
    if (lua_pcall(L, 2, 0, 0) != LUA_OK)
        lua_pop(L, 1);
}

/* ---- sockets ---- */

struct rebinding {
    struct slua_server *server;
    struct sioc_socket *socket;
    struct slua_host *old; /* NULL: no host has seen the socket */
    intptr_t old_ref;
};

/* Pushes the old data on its state's stack; false (nothing) when there is none. */
static bool push_old_data(const struct rebinding *r)
{
    lua_State *L = r->old ? r->old->L : NULL;

    if (!L || !lua_checkstack(L, 8))
        return false;
    slua_push_ref(L, r->old_ref);
    lua_getiuservalue(L, -1, SLUA_SOCKET_DATA);
    lua_remove(L, -2);
    if (lua_istable(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

static int rebind_body(lua_State *L)
{
    const struct rebinding *r = lua_touserdata(L, 1);
    struct slua_socket *s;

    sioc_socket_set_host_ref(r->socket, NULL, 0);
    s = slua_new_socket(L, r->server, r->socket);
    s->reloaded = true;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    if (push_old_data(r) && copy_top(r->old->L, L, "socket.data"))
        lua_setiuservalue(L, -2, SLUA_SOCKET_DATA);
    return 0;
}

void slua_on_rebind(void *user, struct sioc_socket *socket)
{
    struct slua_server *server = user;
    struct slua_host *host = server->api->host;
    struct rebinding r = {
        .server = server, .socket = socket, .old = sioc_socket_host_owner(socket)};
    struct slua_task_info info = {.what = "reload", .server = server->core, .owner = server};

    if (r.old)
        r.old_ref = sioc_socket_host_ref(socket, r.old);
    if (slua_run(host, rebind_body, &r, &info) < 0)
        slua_log(host, SIOC_LOG_ERROR, "reload: no memory to re-bind a socket");
    if (!r.old)
        return;
    if (slua_host_busy(r.old) && push_old_data(&r)) {
        const struct slua_socket *s;

        slua_push_ref(r.old->L, r.old_ref);
        s = lua_touserdata(r.old->L, -1);
        lua_pop(r.old->L, 1);
        turn_into_shell(r.old->L, (struct shell){s->nsp->server, s->handle});
    }
    slua_unref(r.old, r.old_ref);
}

/* ---- sioc.state ---- */

struct state_copy {
    struct slua_host *from;
    bool again; /* at the end of the load */
};

static int push_old_state(lua_State *L)
{
    if (!push_state(L))
        lua_pushnil(L);
    return 1;
}

/* Pushes a copy; false: there is no table. */
static bool copy_state(lua_State *L, struct slua_host *host, const char *what)
{
    lua_State *from = host->L;

    if (!lua_checkstack(from, 8))
        return false;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_pushcfunction(from, push_old_state);
    if (lua_pcall(from, 0, 1, 0) != LUA_OK || !lua_istable(from, -1)) {
        lua_pop(from, 1);
        return false;
    }
    if (!copy_top(from, L, what))
        luaL_error(L, "not enough memory for sioc.state");
    return true;
}

static int begin_state(lua_State *L, struct slua_host *from)
{
    if (!copy_state(L, from, NULL) || !copy_state(L, from, NULL))
        return 0;
    slua_host_of(L)->state_base_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "sioc");
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "state");
    return 0;
}

static int end_state(lua_State *L, struct slua_host *from)
{
    int *base = &slua_host_of(L)->state_base_ref;

    if (*base && copy_state(L, from, "sioc.state")) {
        slua_push_ref(L, *base);
        if (push_state(L))
            slua_merge(L, -1, 3, 2); /* index 1 is the argument */
    }
    luaL_unref(L, LUA_REGISTRYINDEX, *base ? *base : LUA_NOREF);
    *base = 0;
    return 0;
}

static int state_body(lua_State *L)
{
    const struct state_copy *c = lua_touserdata(L, 1);

    return c->again ? end_state(L, c->from) : begin_state(L, c->from);
}

void slua_state_copy(struct slua_host *from, struct slua_host *to)
{
    struct state_copy c = {from, false};
    struct slua_task_info info = {.what = "reload"};

    slua_run(to, state_body, &c, &info);
}

void slua_state_update(struct slua_host *from, struct slua_host *to)
{
    struct state_copy c = {from, true};
    struct slua_task_info info = {.what = "reload"};

    slua_run(to, state_body, &c, &info);
}

void slua_state_forward(struct slua_host *from)
{
    lua_State *L = from->L;

    if (!lua_checkstack(L, 8))
        return;
    lua_pushcfunction(L, push_old_state);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK || !lua_istable(L, -1)) {
        lua_pop(L, 1);
        return;
    }
    turn_into_shell(L, (struct shell){NULL, 0});
}
