/* bindings/lua/local_answers.c -- what nsp.local_adapter hands on when answers are wanted: of
 * clients to a broadcast, and of handlers here to what another server has emitted.
 */
#include "local_adapter.h"
#include <stdlib.h>

/* ---- of clients ---- */

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
int slua_local_broadcast_with_ack(lua_State *L)
{
    struct slua_nsp *nsp = slua_local_nsp(L);
    struct sioc_emit emit = {0};
    struct sioc_target target;
    struct sioc_message *message;
    struct listener *l;
    int r;

    lua_settop(L, 6);
    luaL_checktype(L, 4, LUA_TFUNCTION);
    luaL_checktype(L, 5, LUA_TFUNCTION);
    target = slua_check_opts(L, 3, &emit);
    message = slua_check_packet(L, nsp, 2);
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

/* ---- of this server, to others ---- */

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
int slua_local_deliver(lua_State *L)
{
    struct slua_nsp *nsp = slua_local_nsp(L);
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
