/* bindings/lua/carry.c -- what survives a generation: socket.data, ws.data and sioc.state.
 *
 * Two Lua states share nothing, so values are copied: a walker of the old state drives a
 * builder of the new one, with no text in between.  The old table becomes a shell then
 * (shell.c).
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

/* ---- sockets ---- */

struct rebinding {
    struct slua_server *server;
    struct sioc_socket *socket;
    struct slua_host *old; /* NULL: no host has seen the socket */
    intptr_t old_ref;
};

/* Pushes the data of an object (a socket's or a WebSocket's userdata) on its state's stack;
 * false (nothing) when there is none. */
static bool push_old_data(struct slua_host *old, intptr_t ref, int user_value)
{
    lua_State *L = old ? old->L : NULL;

    if (!L || !lua_checkstack(L, 8))
        return false;
    slua_push_ref(L, ref);
    lua_getiuservalue(L, -1, user_value);
    lua_remove(L, -2);
    if (lua_istable(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

void slua_carry_data(lua_State *L, struct slua_host *old, intptr_t ref, int user_value,
                     const char *what)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    if (push_old_data(old, ref, user_value) && copy_top(old->L, L, what))
        lua_setiuservalue(L, -2, user_value);
}

void slua_leave_shell(struct slua_host *old, intptr_t ref, int user_value,
                      const struct slua_shell *shell)
{
    if (slua_host_busy(old) && push_old_data(old, ref, user_value))
        slua_make_shell(old->L, shell);
}

void slua_leave_data(struct slua_host *old, intptr_t ref, int user_value,
                     const struct slua_shell *shell)
{
    slua_leave_shell(old, ref, user_value, shell);
    slua_unref(old, ref);
}

static int rebind_body(lua_State *L)
{
    const struct rebinding *r = lua_touserdata(L, 1);
    struct slua_socket *s;

    sioc_socket_set_host_ref(r->socket, NULL, 0);
    s = slua_new_socket(L, r->server, r->socket);
    s->reloaded = true;
    slua_carry_data(L, r->old, r->old_ref, SLUA_SOCKET_DATA, "socket.data");
    return 0;
}

void slua_on_rebind(void *user, struct sioc_socket *socket)
{
    struct slua_server *server = user;
    struct slua_host *host = server->api->host;
    struct rebinding r = {
        .server = server, .socket = socket, .old = sioc_socket_host_owner(socket)};
    struct slua_task_info info = {
        .what = "reload", .server = server->core, .owner = server, .inner = true};
    struct slua_shell shell = {
        .what = SLUA_SHELL_SOCKET, .core = server->core, .handle = sioc_socket_handle(socket)};

    if (r.old)
        r.old_ref = sioc_socket_host_ref(socket, r.old);
    if (slua_run(host, rebind_body, &r, &info) < 0)
        slua_log(host, SIOC_LOG_ERROR, "reload: no memory to re-bind a socket");
    if (r.old)
        slua_leave_data(r.old, r.old_ref, SLUA_SOCKET_DATA, &shell);
}

/* ---- sioc.state ---- */

struct state_copy {
    struct slua_host *from;
    bool again; /* at the end of the load */
};

static int push_old_state(lua_State *L)
{
    if (!slua_push_state(L))
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
        if (slua_push_state(L))
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
    slua_make_shell(L, &(struct slua_shell){.what = SLUA_SHELL_STATE});
}
