/* bindings/lua/local_adapter.c -- nsp.local_adapter: what the built-in adapter does, for
 * adapters of scripts to call (adapter.c), and to hand in what other servers have sent.
 *
 * Packets and options are the tables that those are given: { data = { event, ... } } and
 * { rooms =, except =, flags = }.  They may come from another server, so they are looked at.
 */
#include "api.h"
#include <stdlib.h>

/* User value 1 keeps the namespace. */
struct local {
    struct slua_nsp *nsp;
};

static struct slua_nsp *self_nsp(lua_State *L)
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
static struct sioc_target check_opts(lua_State *L, int index, struct sioc_emit *emit)
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
static struct sioc_message *check_packet(lua_State *L, struct slua_nsp *nsp, int index)
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
    struct slua_nsp *nsp = self_nsp(L);
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
    struct sioc_socket *socket = find_socket(L, self_nsp(L));
    struct sioc_str room = slua_check_str(L, 3);

    if (socket)
        sioc_local_del(socket, room);
    return 0;
}

static int local_del_all(lua_State *L)
{
    struct sioc_socket *socket = find_socket(L, self_nsp(L));

    if (socket)
        sioc_local_del_all(socket);
    return 0;
}

static int local_socket_rooms(lua_State *L)
{
    const struct sioc_socket *socket = find_socket(L, self_nsp(L));

    if (!socket)
        return 0;
    slua_push_socket_rooms(L, socket);
    return 1;
}

static int move_sockets(lua_State *L, void (*move)(struct sioc_namespace *nsp,
                                                   const struct sioc_target *target,
                                                   const struct sioc_str *rooms, size_t count))
{
    struct slua_nsp *nsp = self_nsp(L);
    struct sioc_target target = check_opts(L, 2, NULL);
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
    struct slua_nsp *nsp = self_nsp(L);
    bool close = lua_toboolean(L, 3);
    struct sioc_target target = check_opts(L, 2, NULL);

    sioc_local_disconnect(nsp->core, &target, close);
    return 0;
}

/* ---- broadcasts ---- */

/* broadcast(packet, opts): how many sockets got it. */
static int local_broadcast(lua_State *L)
{
    struct slua_nsp *nsp = self_nsp(L);
    struct sioc_emit emit = {0};
    struct sioc_target target = check_opts(L, 3, &emit);
    struct sioc_message *message = check_packet(L, nsp, 2);
    int r = sioc_local_broadcast(nsp->core, &target, message, &emit);

    sioc_message_free(message);
    if (r < 0)
        return luaL_error(L, "broadcast: %s", sioc_strerror(r));
    lua_pushinteger(L, r);
    return 1;
}

/* Who hears of the answers, one by one; lives until the last has come. */
struct listener {
    struct slua_server *server;
    int answer_ref, left_ref; /* functions, or LUA_NOREF */
    long waiting;
    bool asked; /* `waiting` is how many there are */
};

struct answer_call {
    const struct listener *listener;
    struct sioc_event *event;
};

static int answer_body(lua_State *L)
{
    const struct answer_call *c = lua_touserdata(L, 1);
    bool came = sioc_event_status(c->event) == 0;
    struct slua_builder b;
    int top;

    slua_push_ref(L, came ? c->listener->answer_ref : c->listener->left_ref);
    top = lua_gettop(L);
    if (lua_isnil(L, top))
        return 0;
    slua_builder_init(&b, L);
    if (came && sioc_event_read(c->event, &b.sink, NULL) >= 0 && lua_gettop(L) > top)
        lua_settop(L, top + 1); /* the first argument counts */
    else
        lua_settop(L, top);
    lua_callk(L, lua_gettop(L) - top, 0, 0, slua_return_nothing);
    return 0;
}

static void on_answer(void *user, intptr_t ref, struct sioc_event *event)
{
    const struct listener *l = user;
    struct answer_call call = {l, event};
    struct slua_task_info info = {
        .what = "adapter", .server = l->server->core, .owner = l->server, .name = "ack"};

    (void)ref;
    if (sioc_event_status(event) == SIOC_ETIMEDOUT)
        return; /* whoever asked knows what time it is */
    slua_run(l->server->api->host, answer_body, &call, &info);
}

static void listener_free(struct listener *l)
{
    struct slua_host *host = l->server->api->host;

    slua_unref(host, l->answer_ref);
    slua_unref(host, l->left_ref);
    free(l);
}

static void on_drop(void *user, intptr_t ref)
{
    struct listener *l = user;

    (void)ref;
    l->waiting--;
    l->server->api->host->callbacks--;
    if (l->asked && l->waiting == 0)
        listener_free(l);
}

bool slua_is_local_answer(const struct sioc_handler *handler, const struct slua_host *host)
{
    return handler->call == on_answer &&
           ((const struct listener *)handler->user)->server->api->host == host;
}

static int ref_function(lua_State *L, int index)
{
    if (!lua_isfunction(L, index))
        return LUA_NOREF;
    lua_pushvalue(L, index);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* broadcast_with_ack(packet, opts, count, answer, left) */
static int local_broadcast_with_ack(lua_State *L)
{
    struct slua_nsp *nsp = self_nsp(L);
    struct sioc_emit emit = {0};
    struct sioc_target target;
    struct sioc_message *message;
    struct listener *l;
    int r;

    lua_settop(L, 6);
    luaL_checktype(L, 4, LUA_TFUNCTION);
    luaL_checktype(L, 5, LUA_TFUNCTION);
    target = check_opts(L, 3, &emit);
    message = check_packet(L, nsp, 2);
    l = calloc(1, sizeof *l);
    if (!l) {
        sioc_message_free(message);
        return luaL_error(L, "not enough memory");
    }
    l->server = nsp->server;
    l->answer_ref = ref_function(L, 5);
    l->left_ref = ref_function(L, 6);
    emit.ack = (struct sioc_handler){.call = on_answer, .drop = on_drop, .user = l};
    r = sioc_local_ask(nsp->core, &target, message, &emit);
    sioc_message_free(message);
    l->waiting += r > 0 ? r : 0;
    l->asked = true;
    if (r > 0)
        l->server->api->host->callbacks += (unsigned)r;
    if (l->waiting == 0)
        listener_free(l);
    if (r < 0)
        return luaL_error(L, "broadcast_with_ack: %s", sioc_strerror(r));
    lua_pushvalue(L, 4);
    lua_pushinteger(L, r);
    lua_callk(L, 1, 0, 0, slua_return_nothing);
    return 0;
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
    struct slua_nsp *nsp = self_nsp(L);
    struct sioc_target target = check_opts(L, 2, NULL);

    slua_push_sockets(L, nsp, &target);
    return 1;
}

/* sockets(rooms): their ids. */
static int local_sockets(lua_State *L)
{
    struct slua_nsp *nsp = self_nsp(L);
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

/* ---- other servers ---- */

struct servers_reply {
    int ref;
    struct sioc_event *event;
};

static int reply_body(lua_State *L)
{
    const struct servers_reply *reply = lua_touserdata(L, 1);
    struct slua_builder b;
    int top;

    slua_push_ref(L, reply->ref);
    top = lua_gettop(L);
    slua_builder_init(&b, L);
    if (sioc_event_read(reply->event, &b.sink, NULL) < 0)
        lua_settop(L, top);
    lua_callk(L, lua_gettop(L) - top, 0, 0, slua_return_nothing);
    return 0;
}

static void on_reply(void *user, intptr_t ref, struct sioc_event *event)
{
    struct slua_server *server = user;
    struct servers_reply reply = {(int)ref, event};
    struct slua_task_info info = {
        .what = "adapter", .server = server->core, .owner = server, .name = "ack"};

    slua_run(server->api->host, reply_body, &reply, &info);
}

static void drop_reply(void *user, intptr_t ref)
{
    const struct slua_server *server = user;

    slua_unref(server->api->host, ref);
}

bool slua_is_servers_reply(const struct sioc_handler *handler, const struct slua_host *host)
{
    return handler->call == on_reply &&
           ((const struct slua_server *)handler->user)->api->host == host;
}

/* deliver({ event, ... }, ack): another server has emitted it. */
static int local_deliver(lua_State *L)
{
    struct slua_nsp *nsp = self_nsp(L);
    struct sioc_message *message;
    struct sioc_handler reply = {.call = on_reply, .drop = drop_reply, .user = nsp->server};
    int r;

    lua_settop(L, 3);
    if (!lua_isnil(L, 3))
        luaL_checktype(L, 3, LUA_TFUNCTION);
    message = slua_check_message(L, nsp, 2, true);
    reply.ref = ref_function(L, 3);
    r = sioc_servers_event(nsp->core, message, reply.ref == LUA_NOREF ? NULL : &reply);
    if (r < 0)
        return luaL_error(L, "deliver: %s", sioc_strerror(r));
    return 0;
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
    nsp = self_nsp(L);
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
    {"broadcast_with_ack", local_broadcast_with_ack},
    {"sockets", local_sockets},
    {"socket_rooms", local_socket_rooms},
    {"fetch_sockets", local_fetch_sockets},
    {"add_sockets", local_add_sockets},
    {"del_sockets", local_del_sockets},
    {"disconnect_sockets", local_disconnect_sockets},
    {"server_count", local_server_count},
    {"deliver", local_deliver},
    {NULL, NULL},
};

void slua_open_local_adapter(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_LOCAL_ADAPTER, "sioc.LocalAdapter", methods, properties,
                  local_index);
    lua_pop(L, 1);
}
