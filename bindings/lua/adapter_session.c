/* bindings/lua/adapter_session.c -- adapters of scripts: sessions of clients that may come
 * back.
 *
 * Whatever restore_session does (returns, waits, throws), the client that asks is answered
 * once: session_done says that there is nothing, unless something was restored before.
 */
#include "adapter.h"

/* ---- to the adapter ---- */

static int persist_body(lua_State *L)
{
    const struct slua_adapter_call *c = lua_touserdata(L, 1);
    struct slua_builder b;
    struct sioc_str room;
    size_t pos = 0;
    int session;

    slua_push_method(L, c->adapter, c->method);
    lua_createtable(L, 0, 4);
    session = lua_gettop(L);
    slua_set_str(L, "sid", sioc_session_id(c->session));
    slua_set_str(L, "pid", sioc_session_pid(c->session));
    lua_newtable(L);
    slua_tag_array(L);
    slua_push_str(L, sioc_session_id(c->session)); /* as in the reference: its own is one */
    lua_rawseti(L, -2, 1);
    for (lua_Integer i = 2; sioc_session_room_next(c->session, &pos, &room); i++) {
        slua_push_str(L, room);
        lua_rawseti(L, -2, i);
    }
    lua_setfield(L, session, "rooms");
    slua_builder_init(&b, L);
    if (sioc_session_read_data(c->session, &b.sink) >= 0 && lua_gettop(L) > session)
        lua_setfield(L, session, "data");
    lua_settop(L, session);
    return slua_call_method(L, 1);
}

void slua_adapter_on_persist(struct sioc_adapter *adapter, const struct sioc_session *session)
{
    slua_adapter_run(&(struct slua_adapter_call){.adapter = slua_adapter_of(adapter),
                                                 .method = "persist_session",
                                                 .session = session},
                     persist_body);
}

/* ---- from it ---- */

/* The field `name` of the session, a string, stays on the stack. */
static struct sioc_str check_id(lua_State *L, int session, const char *name)
{
    if (lua_getfield(L, session, name) != LUA_TSTRING || lua_rawlen(L, -1) != 20)
        luaL_error(L, "restore_session: %s is not one that persist_session was given", name);
    return slua_check_str(L, -1);
}

/* The events, each a list as in packet.data; from here on errors free the session. */
static int add_missed(lua_State *L, struct slua_nsp *nsp, struct sioc_session *session,
                      int list)
{
    int r = 0;

    for (lua_Integer i = 1; r >= 0 && lua_rawgeti(L, list, i) == LUA_TTABLE; i++) {
        r = sioc_session_add_missed(session, slua_check_message(L, nsp, lua_gettop(L), false));
        lua_settop(L, list);
    }
    return r;
}

/* 1 a light userdata to a session, 2 the namespace, 3 the table */
static int fill_session(lua_State *L)
{
    struct sioc_session *session = lua_touserdata(L, 1);
    struct slua_nsp *nsp = lua_touserdata(L, 2);
    struct sioc_str own = sioc_session_id(session);
    size_t count;
    const struct sioc_str *rooms;
    int r = 0;

    lua_getfield(L, 3, "rooms"); /* 4 */
    rooms = slua_check_names(L, 4, &count);
    for (size_t i = 0; i < count && r >= 0; i++)
        if (rooms[i].len != own.len || memcmp(rooms[i].ptr, own.ptr, own.len) != 0)
            r = sioc_session_add_room(session, rooms[i]);
    if (lua_getfield(L, 3, "data") != LUA_TNIL && r >= 0 &&
        slua_walk(L, -1, sioc_session_data(session)) < 0)
        return luaL_error(L, "restore_session: data: %s", lua_tostring(L, -1));
    lua_settop(L, 4);
    if (lua_getfield(L, 3, "missed_packets") == LUA_TTABLE && r >= 0)
        r = add_missed(L, nsp, session, 5);
    if (r < 0)
        return luaL_error(L, "restore_session: %s", sioc_strerror(r));
    return 0;
}

/* 2 server, 3 the socket's handle, 4 what was returned */
static int session_returned(lua_State *L, int status, lua_KContext ctx)
{
    struct slua_server *server = lua_touserdata(L, 2);
    uint64_t handle = (uint64_t)lua_tointeger(L, 3);
    struct sioc_socket *socket = server->core ? sioc_socket_find(server->core, handle) : NULL;
    struct sioc_session *session;
    struct slua_nsp *nsp;

    (void)status, (void)ctx;
    if (!socket || !lua_toboolean(L, 4))
        return 0; /* session_done says so */
    luaL_checktype(L, 4, LUA_TTABLE);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    nsp = slua_push_nsp(L, server, sioc_socket_namespace(socket));
    session = sioc_session_new(nsp->core, check_id(L, 4, "pid"), check_id(L, 4, "sid"));
    if (!session)
        return luaL_error(L, "not enough memory");
    lua_pushcfunction(L, fill_session);
    lua_pushlightuserdata(L, session);
    lua_pushvalue(L, 5);
    lua_pushvalue(L, 4);
    if (lua_pcall(L, 3, 0, 0) != LUA_OK) {
        sioc_session_free(session);
        return lua_error(L);
    }
    sioc_session_restore(server->core, handle, session);
    return 0;
}

static void session_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_pending *p = user;

    (void)host, (void)result;
    if (p->server->core) /* if it was not restored, it is not there */
        sioc_session_restore(p->server->core, p->handle, NULL);
    slua_pending_free(p);
}

static int restore_body(lua_State *L)
{
    const struct slua_adapter_call *c = lua_touserdata(L, 1);

    lua_pushlightuserdata(L, c->adapter->server);
    lua_pushinteger(L, (lua_Integer)c->survey);
    slua_push_method(L, c->adapter, c->method);
    slua_push_str(L, c->text[0]);
    slua_push_str(L, c->text[1]);
    lua_callk(L, 3, 1, 0, session_returned);
    return session_returned(L, LUA_OK, 0);
}

void slua_adapter_on_restore(struct sioc_adapter *adapter, uint64_t socket, struct sioc_str pid,
                             struct sioc_str offset)
{
    struct slua_adapter *a = slua_adapter_of(adapter);
    struct slua_pending *p = slua_pending_new(a->server, socket);
    struct slua_task_info info = {.done = session_done, .user = p, .socket = socket};
    struct slua_adapter_call c = {
        .adapter = a, .method = "restore_session", .text = {pid, offset}, .survey = socket};

    if (!p)
        sioc_session_restore(a->server->core, socket, NULL);
    else if (slua_adapter_run_with(&c, restore_body, &info) < 0)
        session_done(NULL, p, NULL);
}
