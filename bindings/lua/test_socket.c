/* bindings/lua/test_socket.c -- sioc.test_socket: a client for checks, without a network.
 *
 * The core has a whole client (<sioc/test.h>), this gives it words for scripts; test_open.c
 * makes it.  Whatever it gets waits in the core until a function of the socket is called, and
 * goes into `emitted` or to the answers then: nothing of the script runs while the core sends.
 *
 * Invariant: it is in the host's list, and in the registry, exactly while `client` is not NULL.
 */
#include "check.h"
#include "task.h"
#include <sioc/test.h>

static struct slua_test_socket *self(lua_State *L)
{
    return slua_self(L, slua_api(L), SLUA_TEST_SOCKET);
}

static bool wake(struct slua_test_socket *t)
{
    uint64_t task = t->waiting;

    t->waiting = 0;
    return task && slua_wake(t->host, task, NULL, NULL);
}

void slua_test_on_arrived(void *user)
{
    wake(user);
}

static void on_late(void *user)
{
    struct slua_test_socket *t = user;

    t->timer = NULL;
    t->late = true;
    wake(t);
}

void slua_test_socket_close(struct slua_test_socket *t, bool orderly)
{
    struct sioc_test_client *client = t->client;

    if (!client)
        return;
    if (t->timer)
        sioc_timer_stop(t->timer);
    t->timer = NULL;
    if (orderly && t->connected)
        sioc_test_disconnect(client, sioc_str(t->nsp));
    if (!t->client)
        return; /* by one of its handlers */
    t->client = NULL;
    t->connected = false;
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    sioc_test_close(client);
    slua_unref(t->host, t->self_ref);
}

/* ---- what it got ---- */

/* The server's socket of this client, or NULL. */
static struct sioc_socket *socket_of(const struct slua_test_socket *t)
{
    struct sioc_namespace *nsp;

    if (!t->connected || !t->server->core ||
        sioc_server_of(t->server->core, sioc_str(t->nsp), &nsp) < 0)
        return NULL;
    return sioc_socket_by_id(nsp, sioc_str(t->id));
}

/* entry.ack(...): answers what was emitted. */
static int answer(lua_State *L)
{
    const struct slua_test_socket *t = lua_touserdata(L, lua_upvalueindex(1));
    struct sioc_socket *socket = socket_of(t);
    struct sioc_message *message;

    if (!socket) {
        lua_pushboolean(L, 0);
        return 1;
    }
    if (sioc_message_new_answer(sioc_socket_namespace(socket), &message) < 0)
        return luaL_error(L, "not enough memory");
    if (slua_fill(L, t->server->api, message, 1, lua_gettop(L)) < 0)
        return lua_error(L);
    lua_pushboolean(L, sioc_test_answer(t->client, message,
                                        (uint64_t)lua_tointeger(L, lua_upvalueindex(2))) == 0);
    return 1;
}

/* Pushes {n = count, values...} of the event's arguments. */
static void push_values(lua_State *L, const struct sioc_event *event)
{
    struct slua_builder builder;
    int base = lua_gettop(L), count;

    lua_newtable(L);
    slua_builder_init(&builder, L);
    if (sioc_event_read(event, &builder.sink, NULL) < 0)
        luaL_error(L, "what was emitted cannot be read");
    count = lua_gettop(L) - base - 1;
    for (int i = count; i > 0; i--)
        lua_rawseti(L, base + 1, i);
    lua_pushinteger(L, count);
    lua_setfield(L, -2, "n");
}

static void add_event(lua_State *L, struct slua_test_socket *t, int index,
                      const struct sioc_test_packet *p)
{
    lua_getiuservalue(L, index, SLUA_TEST_EMITTED);
    push_values(L, p->event);
    slua_set_str(L, "name", sioc_event_name(p->event));
    if (p->has_id) {
        lua_pushvalue(L, index);
        lua_pushinteger(L, (lua_Integer)p->id);
        lua_pushcclosure(L, answer, 2);
        lua_setfield(L, -2, "ack");
    }
    lua_rawseti(L, -2, ++t->emitted);
    lua_pop(L, 1);
}

static void note_id(lua_State *L, struct slua_test_socket *t, struct sioc_str json)
{
    int top = lua_gettop(L);

    if (slua_push_json(L, json) == 0 && lua_istable(L, -1)) {
        lua_getfield(L, -1, "sid");
        snprintf(t->id, sizeof t->id, "%s", lua_isstring(L, -1) ? lua_tostring(L, -1) : "");
    }
    lua_settop(L, top);
    t->joined = t->connected = true;
}

/* Takes one thing off the client, which lies at `index`; false: there is nothing. */
static bool take(lua_State *L, struct slua_test_socket *t, int index)
{
    struct sioc_test_packet p;
    int r = sioc_test_next(t->client, &p);

    if (r < 0)
        luaL_error(L, "what was emitted cannot be read: %s", sioc_strerror(r));
    switch (p.kind) {
    case SIOC_TEST_CONNECTED:
        note_id(L, t, p.json);
        return true;
    case SIOC_TEST_REFUSED:
        t->refused = true;
        if (slua_push_json(L, p.json) == 0)
            lua_setiuservalue(L, index, SLUA_TEST_REFUSAL);
        return true;
    case SIOC_TEST_EVENT:
        add_event(L, t, index, &p);
        return true;
    case SIOC_TEST_ANSWER:
        lua_getiuservalue(L, index, SLUA_TEST_ANSWERS);
        push_values(L, p.event);
        lua_rawseti(L, -2, (lua_Integer)p.id);
        lua_pop(L, 1);
        return true;
    case SIOC_TEST_DISCONNECTED:
        t->connected = false;
        return true;
    case SIOC_TEST_CLOSED:
        t->connected = false;
        return false;
    case SIOC_TEST_NOTHING:
    default:
        return false;
    }
}

void slua_test_take_all(lua_State *L, struct slua_test_socket *t, int index)
{
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    while (t->client && take(L, t, index))
        ;
}

/* ---- waiting for something ---- */

int slua_test_wait(lua_State *L, struct slua_test_socket *t, lua_KFunction k, lua_KContext ctx)
{
    if (t->waiting && slua_task_alive(t->host, t->waiting))
        return luaL_error(L, "somebody else waits for this test socket");
    t->waiting = slua_task_id(L);
    return slua_wait(L, k, ctx);
}

void slua_test_start_timer(lua_State *L, struct slua_test_socket *t, uint64_t ms)
{
    if (t->timer)
        sioc_timer_stop(t->timer);
    t->timer = NULL;
    t->late = false;
    if (sioc_timer_start(t->host->loop, ms, 0, on_late, t, &t->timer) < 0)
        luaL_error(L, "not enough memory");
}

void slua_test_stop_timer(struct slua_test_socket *t)
{
    if (t->timer)
        sioc_timer_stop(t->timer);
    t->timer = NULL;
}

/* ---- speaking ---- */

/* The event at index 2 and its arguments; false when the socket is not connected. */
static bool send(lua_State *L, struct slua_test_socket *t, const uint64_t *id)
{
    size_t len;
    const char *name = luaL_checklstring(L, 2, &len);
    struct sioc_socket *socket;
    struct sioc_message *message;
    int r;

    slua_test_take_all(L, t, 1);
    socket = socket_of(t);
    if (!socket)
        return false;
    r = sioc_message_new(sioc_socket_namespace(socket), sioc_str_n(name, len), &message);
    if (r < 0)
        luaL_error(L, r == SIOC_ERESERVED ? "\"%s\" is a reserved event name" : "\"%s\": %s",
                   name, sioc_strerror(r));
    if (slua_fill(L, t->server->api, message, 3, lua_gettop(L)) < 0)
        lua_error(L);
    return sioc_test_send(t->client, message, id) == 0;
}

/* t:receive(name, ...): the server receives that event. */
static int receive(lua_State *L)
{
    lua_pushboolean(L, send(L, self(L), NULL));
    return 1;
}

/* ctx: the id of the answer. */
static int answered(lua_State *L, int status, lua_KContext ctx)
{
    struct slua_test_socket *t = lua_touserdata(L, 1);
    int n;

    (void)status;
    lua_settop(L, 1);
    slua_test_take_all(L, t, 1);
    lua_getiuservalue(L, 1, SLUA_TEST_ANSWERS);
    if (lua_rawgeti(L, 2, (lua_Integer)ctx) == LUA_TTABLE) {
        slua_test_stop_timer(t);
        lua_getfield(L, 3, "n");
        n = (int)lua_tointeger(L, -1);
        luaL_checkstack(L, n, "too many values");
        for (int i = 1; i <= n; i++)
            lua_rawgeti(L, 3, i);
        return n;
    }
    if (t->connected && !t->late)
        return slua_test_wait(L, t, answered, ctx);
    slua_test_stop_timer(t);
    lua_pushnil(L);
    lua_pushstring(L, t->connected ? "operation has timed out" : "disconnected");
    return 2;
}

static int receive_with_ack(lua_State *L)
{
    struct slua_test_socket *t = self(L);
    uint64_t id = t->last_id++;

    if (!send(L, t, &id)) {
        lua_pushnil(L);
        lua_pushliteral(L, "disconnected");
        return 2;
    }
    slua_test_start_timer(L, t, t->timeout_ms);
    return answered(L, LUA_OK, (lua_KContext)id);
}

/* Pushes the names of what was emitted, for a message. */
static const char *push_names(lua_State *L, const struct slua_test_socket *t)
{
    luaL_Buffer out;

    luaL_buffinit(L, &out);
    for (lua_Integer i = 1; i <= t->emitted && i <= 20; i++) {
        luaL_addstring(&out, i == 1 ? "; there were: " : ", ");
        lua_getiuservalue(L, 1, SLUA_TEST_EMITTED);
        lua_rawgeti(L, -1, i);
        lua_getfield(L, -1, "name");
        lua_remove(L, -2);
        lua_remove(L, -2);
        luaL_addvalue(&out);
    }
    luaL_pushresult(&out);
    return lua_tostring(L, -1);
}

/* Index 1: the socket, 2: the name.  The first of that name which nobody has expected yet. */
static int expected(lua_State *L, int status, lua_KContext ctx)
{
    struct slua_test_socket *t = lua_touserdata(L, 1);

    (void)status;
    lua_settop(L, 2);
    slua_test_take_all(L, t, 1);
    lua_getiuservalue(L, 1, SLUA_TEST_EMITTED);
    for (lua_Integer i = 1; i <= t->emitted; i++) {
        lua_settop(L, 3);
        if (lua_rawgeti(L, 3, i) != LUA_TTABLE)
            continue;
        lua_getfield(L, 4, "name");
        lua_getfield(L, 4, "expected");
        if (!lua_rawequal(L, 5, 2) || lua_toboolean(L, 6))
            continue;
        slua_test_stop_timer(t);
        lua_pushboolean(L, 1);
        lua_setfield(L, 4, "expected");
        lua_getfield(L, 4, "n");
        int n = (int)lua_tointeger(L, -1);
        luaL_checkstack(L, n, "too many values");
        for (int v = 1; v <= n; v++)
            lua_rawgeti(L, 4, v);
        return n;
    }
    lua_settop(L, 2);
    if (t->connected && !t->late)
        return slua_test_wait(L, t, expected, ctx);
    slua_test_stop_timer(t);
    return luaL_error(L, "no \"%s\" was emitted%s%s", lua_tostring(L, 2),
                      t->connected ? "" : " before it was disconnected", push_names(L, t));
}

static int expect(lua_State *L)
{
    struct slua_test_socket *t = self(L);
    uint64_t ms = lua_isnoneornil(L, 3) ? t->timeout_ms : slua_check_ms(L, 3);

    luaL_checkstring(L, 2);
    slua_test_start_timer(L, t, ms);
    return expected(L, LUA_OK, 0);
}

static int leave(lua_State *L)
{
    struct slua_test_socket *t = self(L);

    slua_test_take_all(L, t, 1);
    if (t->connected)
        sioc_test_disconnect(t->client, sioc_str(t->nsp));
    t->connected = false;
    return 0;
}

static int close_connection(lua_State *L)
{
    struct slua_test_socket *t = self(L);

    slua_test_take_all(L, t, 1);
    slua_test_socket_close(t, false);
    wake(t);
    return 0;
}

/* ---- the object ---- */

static const char *const properties[] = {"id", "connected", "emitted", "socket", NULL};
enum { ID = 1, CONNECTED, EMITTED_LIST, SOCKET };

static int socket_index(lua_State *L)
{
    int property = slua_member(L);
    struct slua_test_socket *t;
    struct sioc_socket *socket;

    if (!property)
        return 1;
    t = self(L);
    lua_settop(L, 1);
    slua_test_take_all(L, t, 1);
    switch (property) {
    case ID:
        lua_pushstring(L, t->id);
        return 1;
    case CONNECTED:
        lua_pushboolean(L, t->connected);
        return 1;
    case EMITTED_LIST:
        lua_getiuservalue(L, 1, SLUA_TEST_EMITTED);
        return 1;
    case SOCKET:
    default:
        socket = socket_of(t);
        if (socket)
            slua_push_socket(L, t->server, socket);
        else
            lua_pushnil(L);
        return 1;
    }
}

static const luaL_Reg methods[] = {
    {"receive", receive},        {"receive_with_ack", receive_with_ack},
    {"expect", expect},          {"disconnect", leave},
    {"close", close_connection}, {NULL, NULL},
};

void slua_open_test_socket(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_TEST_SOCKET, "sioc.TestSocket", methods, properties,
                  socket_index);
    lua_pop(L, 1);
    lua_pushlightuserdata(L, api);
    lua_pushcclosure(L, slua_test_socket_new, 1);
    lua_setfield(L, -2, "test_socket");
}
