/* bindings/lua/local_adapter.c -- nsp.local_adapter: what the built-in adapter does, for
 * adapters of scripts to call (adapter.c), and to hand in what other servers have sent.
 *
 * Packets and options are the tables that those are given: { data = { event, ... } } and
 * { rooms =, except =, flags = }.  They may come from another server, so they are looked at.
 */
#include "local_adapter.h"
#include <stdlib.h>

/* User value 1 keeps the namespace. */
struct local {
    struct slua_nsp *nsp;
};

struct slua_nsp *slua_local_nsp(lua_State *L)
{
    const struct local *local = slua_self(L, slua_api(L), SLUA_LOCAL_ADAPTER);

    if (!local->nsp->server->core)
        luaL_error(L, "the server is gone");
    return local->nsp;
}

void slua_push_local_adapter(lua_State *L, struct slua_nsp *nsp)
{
    struct local *local = lua_newuserdatauv(L, sizeof *local, 1);

    local->nsp = nsp;
    slua_push_nsp(L, nsp->server, nsp->core);
    lua_setiuservalue(L, -2, 1);
    slua_set_type(L, nsp->server->api, SLUA_LOCAL_ADAPTER);
}

/* ---- arguments ---- */

const struct sioc_str *slua_check_names(lua_State *L, int index, size_t *ret_count)
{
    lua_Integer count;
    struct sioc_str *names;

    *ret_count = 0;
    index = lua_absindex(L, index);
    if (lua_isnoneornil(L, index)) {
        lua_pushnil(L);
        return NULL;
    }
    luaL_checktype(L, index, LUA_TTABLE);
    count = (lua_Integer)lua_rawlen(L, index);
    names = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *names, 0);
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, index, i) != LUA_TSTRING)
            luaL_error(L, "names of rooms are strings, not a %s", luaL_typename(L, -1));
        names[i - 1].ptr = lua_tolstring(L, -1, &names[i - 1].len);
        lua_pop(L, 1);
    }
    *ret_count = (size_t)count;
    return names;
}

static bool flag(lua_State *L, const char *name)
{
    bool on;

    lua_getfield(L, -1, name);
    on = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return on;
}

/* The options at index; what they need stays on the stack.  emit: may be NULL. */
struct sioc_target slua_check_opts(lua_State *L, int index, struct sioc_emit *emit)
{
    struct sioc_target t = {0};

    if (lua_isnoneornil(L, index))
        return t;
    luaL_checktype(L, index, LUA_TTABLE);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_getfield(L, index, "rooms");
    t.rooms = slua_check_names(L, -1, &t.room_count);
    lua_getfield(L, index, "except");
    t.except = slua_check_names(L, -1, &t.except_count);
    if (lua_getfield(L, index, "flags") != LUA_TTABLE || !emit)
        return t;
    emit->is_volatile = flag(L, "volatile");
    if (lua_getfield(L, -1, "compress") == LUA_TBOOLEAN)
        emit->no_compress = !lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (lua_getfield(L, -1, "timeout") != LUA_TNIL)
        emit->timeout_ms = slua_check_ms(L, lua_gettop(L));
    return t;
}

struct sioc_message *slua_check_message(lua_State *L, struct slua_nsp *nsp, int index,
                                        bool for_servers)
{
    struct sioc_message *message;
    lua_Integer count;
    int top = lua_gettop(L), r;

    luaL_checktype(L, index, LUA_TTABLE);
    count = (lua_Integer)lua_rawlen(L, index);
    luaL_argcheck(L, count >= 1 && count < 10000, index, "{ event, ... } expected");
    luaL_checkstack(L, (int)count + LUA_MINSTACK, "too many arguments");
    for (lua_Integer i = 1; i <= count; i++)
        lua_rawgeti(L, index, i);
    if (lua_type(L, top + 1) != LUA_TSTRING)
        luaL_error(L, "the name of an event is a string, not a %s", luaL_typename(L, top + 1));
    r = (for_servers ? sioc_message_new_for_servers
                     : sioc_message_new)(nsp->core, slua_check_str(L, top + 1), &message);
    if (r == SIOC_ERESERVED)
        luaL_error(L, "\"%s\" is a reserved event name", lua_tostring(L, top + 1));
    if (r < 0)
        luaL_error(L, "event name: %s", sioc_strerror(r));
    if (slua_fill(L, nsp->server->api, message, top + 2, lua_gettop(L)) < 0)
        lua_error(L);
    lua_settop(L, top);
    return message;
}

/* That of a packet. */
struct sioc_message *slua_check_packet(lua_State *L, struct slua_nsp *nsp, int index)
{
    struct sioc_message *message;

    luaL_checktype(L, index, LUA_TTABLE);
    lua_getfield(L, index, "data");
    message = slua_check_message(L, nsp, lua_gettop(L), false);
    lua_pop(L, 1);
    return message;
}

static struct sioc_socket *find_socket(lua_State *L, const struct slua_nsp *nsp)
{
    return sioc_socket_by_id(nsp->core, slua_check_str(L, 2));
}

/* ---- rooms ---- */

/* add_all(id, rooms): true, or nil and why not. */
static int local_add_all(lua_State *L)
{
    struct slua_nsp *nsp = slua_local_nsp(L);
    struct sioc_socket *socket = find_socket(L, nsp);
    size_t count;
    const struct sioc_str *rooms = slua_check_names(L, 3, &count);
    int r = socket ? 0 : SIOC_ECLOSED;

    for (size_t i = 0; i < count && r >= 0; i++)
        r = sioc_local_add(socket, rooms[i]);
    if (r >= 0) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, slua_why_not(r));
    return 2;
}

static int local_del(lua_State *L)
{
    struct sioc_socket *socket = find_socket(L, slua_local_nsp(L));
    struct sioc_str room = slua_check_str(L, 3);

    if (socket)
        sioc_local_del(socket, room);
    return 0;
}

static int local_del_all(lua_State *L)
{
    struct sioc_socket *socket = find_socket(L, slua_local_nsp(L));

    if (socket)
        sioc_local_del_all(socket);
    return 0;
}

static int local_socket_rooms(lua_State *L)
{
    const struct sioc_socket *socket = find_socket(L, slua_local_nsp(L));

    if (!socket)
        return 0;
    slua_push_socket_rooms(L, socket);
    return 1;
}

static int move_sockets(lua_State *L, void (*move)(struct sioc_namespace *nsp,
                                                   const struct sioc_target *target,
                                                   const struct sioc_str *rooms, size_t count))
{
    struct slua_nsp *nsp = slua_local_nsp(L);
    struct sioc_target target = slua_check_opts(L, 2, NULL);
    size_t count;
    const struct sioc_str *rooms = slua_check_names(L, 3, &count);

    move(nsp->core, &target, rooms, count);
    return 0;
}

static int local_add_sockets(lua_State *L)
{
    return move_sockets(L, sioc_local_join);
}

static int local_del_sockets(lua_State *L)
{
    return move_sockets(L, sioc_local_leave);
}

static int local_disconnect_sockets(lua_State *L)
{
    struct slua_nsp *nsp = slua_local_nsp(L);
    bool close = lua_toboolean(L, 3);
    struct sioc_target target = slua_check_opts(L, 2, NULL);

    sioc_local_disconnect(nsp->core, &target, close);
    return 0;
}

/* ---- broadcasts ---- */

/* broadcast(packet, opts): how many sockets got it. */
static int local_broadcast(lua_State *L)
{
    struct slua_nsp *nsp = slua_local_nsp(L);
    struct sioc_emit emit = {0};
    struct sioc_target target = slua_check_opts(L, 3, &emit);
    struct sioc_message *message = slua_check_packet(L, nsp, 2);
    int r = sioc_local_broadcast(nsp->core, &target, message, &emit);

    sioc_message_free(message);
    if (r < 0)
        return luaL_error(L, "broadcast: %s", sioc_strerror(r));
    lua_pushinteger(L, r);
    return 1;
}

/* ---- who is there ---- */

struct found {
    uint64_t *handles;
    size_t count, cap;
};

static void collect(void *user, struct sioc_socket *socket)
{
    struct found *found = user;

    if (found->count < found->cap)
        found->handles[found->count++] = sioc_socket_handle(socket);
}

void slua_push_sockets(lua_State *L, struct slua_nsp *nsp, const struct sioc_target *target)
{
    struct found found = {.cap = sioc_namespace_socket_count(nsp->core)};
    lua_Integer n = 0;

    found.handles = lua_newuserdatauv(L, (found.cap + 1) * sizeof(uint64_t), 0);
    sioc_for_each_socket(nsp->core, target, collect, &found);
    lua_createtable(L, (int)found.count, 0);
    for (size_t i = 0; i < found.count; i++) {
        struct sioc_socket *socket = sioc_socket_find(nsp->server->core, found.handles[i]);

        if (!socket)
            continue;
        slua_push_socket(L, nsp->server, socket);
        lua_rawseti(L, -2, ++n);
    }
    slua_tag_array(L);
    lua_remove(L, -2);
}

static int local_fetch_sockets(lua_State *L)
{
    struct slua_nsp *nsp = slua_local_nsp(L);
    struct sioc_target target = slua_check_opts(L, 2, NULL);

    slua_push_sockets(L, nsp, &target);
    return 1;
}

/* sockets(rooms): their ids. */
static int local_sockets(lua_State *L)
{
    struct slua_nsp *nsp = slua_local_nsp(L);
    struct sioc_target target = {0};

    target.rooms = slua_check_names(L, 2, &target.room_count);
    slua_push_sockets(L, nsp, &target);
    slua_to_ids(L);
    return 1;
}

static int local_server_count(lua_State *L)
{
    lua_pushinteger(L, 1);
    return 1;
}

/* ---- the object ---- */

static const char *const properties[] = {"rooms", "sids", "nsp", NULL};
enum { LOCAL_ROOMS = 1, LOCAL_SIDS, LOCAL_NSP };

static void add_to_list(lua_State *L, int table, struct sioc_str key, struct sioc_str value)
{
    slua_push_str(L, key);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, table) == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
        slua_tag_array(L);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, table);
    }
    slua_push_str(L, value);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_settop(L, table);
}

/* Fresh tables: room -> ids, or id -> rooms. */
static void push_memberships(lua_State *L, struct slua_nsp *nsp, bool by_room)
{
    const struct sioc_target all = {0};
    int list, table;

    slua_push_sockets(L, nsp, &all);
    list = lua_gettop(L);
    lua_newtable(L);
    table = lua_gettop(L);
    for (lua_Integer i = 1; lua_rawgeti(L, list, i) == LUA_TUSERDATA; i++) {
        const struct slua_socket *s = lua_touserdata(L, -1);
        const struct sioc_socket *socket = slua_find_socket(s);
        struct sioc_str room;

        lua_settop(L, table);
        for (size_t pos = 0; socket && sioc_socket_room_next(socket, &pos, &room);)
            add_to_list(L, table, by_room ? room : sioc_str(s->id),
                        by_room ? sioc_str(s->id) : room);
    }
    lua_settop(L, table);
}

static int local_index(lua_State *L)
{
    int property = slua_member(L);
    struct slua_nsp *nsp;

    if (!property)
        return 1;
    nsp = slua_local_nsp(L);
    if (property == LOCAL_NSP)
        lua_getiuservalue(L, 1, 1);
    else
        push_memberships(L, nsp, property == LOCAL_ROOMS);
    return 1;
}

static const luaL_Reg methods[] = {
    {"add_all", local_add_all},
    {"del", local_del},
    {"del_all", local_del_all},
    {"broadcast", local_broadcast},
    {"broadcast_with_ack", slua_local_broadcast_with_ack},
    {"sockets", local_sockets},
    {"socket_rooms", local_socket_rooms},
    {"fetch_sockets", local_fetch_sockets},
    {"add_sockets", local_add_sockets},
    {"del_sockets", local_del_sockets},
    {"disconnect_sockets", local_disconnect_sockets},
    {"server_count", local_server_count},
    {"deliver", slua_local_deliver},
    {NULL, NULL},
};

void slua_open_local_adapter(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_LOCAL_ADAPTER, "sioc.LocalAdapter", methods, properties,
                  local_index);
    lua_pop(L, 1);
}
