/* bindings/lua/adapter_ask.c -- adapters of scripts: what the core asks, and waits for.
 *
 * Answers go into a survey, by functions that methods are given, or from what they return.
 * Knows surveys by their numbers only: one that is over takes nothing.
 */
#include "adapter.h"

/* ---- surveys ---- */

/* One survey that a task answers: done takes back the answer that stands for the task itself.
 */
static void survey_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_pending *p = user;

    (void)host, (void)result;
    if (p->server->core)
        sioc_survey_less(p->server->core, p->handle, 1);
    slua_pending_free(p);
}

static int run_survey(const struct slua_adapter_call *c, lua_CFunction body)
{
    struct slua_server *server = c->adapter->server;
    struct slua_pending *p = slua_pending_new(server, c->survey);
    struct slua_task_info info = {.done = survey_done, .user = p};
    int r;

    if (!p)
        return SIOC_ENOMEM;
    sioc_survey_expect(server->core, c->survey, 1);
    r = slua_adapter_run_with(c, body, &info);
    if (r < 0)
        survey_done(NULL, p, NULL);
    return r;
}

/* Functions of a survey: upvalues are the server and the survey's number. */
static struct sioc_server *survey_of(lua_State *L, uint64_t *ret_survey)
{
    const struct slua_server *server = lua_touserdata(L, lua_upvalueindex(1));

    *ret_survey = (uint64_t)lua_tointeger(L, lua_upvalueindex(2));
    return server->core;
}

static void push_survey_function(lua_State *L, struct slua_server *server, uint64_t survey,
                                 lua_CFunction function)
{
    lua_pushlightuserdata(L, server);
    lua_pushinteger(L, (lua_Integer)survey);
    lua_pushcclosure(L, function, 2);
}

struct answer {
    lua_State *L;
    int index;
};

static int put_value(void *user, struct sioc_sink *sink)
{
    const struct answer *a = user;
    int top = lua_gettop(a->L), r = slua_walk(a->L, a->index, sink);

    lua_settop(a->L, top);
    return r;
}

/* count(n): a server has asked n sockets. */
static int survey_count(lua_State *L)
{
    uint64_t survey;
    struct sioc_server *core = survey_of(L, &survey);
    lua_Integer n = luaL_checkinteger(L, 1);

    luaL_argcheck(L, n >= 0, 1, "a number of clients expected");
    if (core && sioc_survey_expect(core, survey, (size_t)n) == 0)
        sioc_survey_less(core, survey, 1);
    return 0;
}

/* answer(value): one of them has answered. */
static int survey_answer(lua_State *L)
{
    uint64_t survey;
    struct sioc_server *core = survey_of(L, &survey);
    struct answer a = {L, 1};

    lua_settop(L, 1);
    lua_pushboolean(L, core && sioc_survey_answer(core, survey, put_value, &a) == 0);
    return 1;
}

/* left(): one of them will not. */
static int survey_left(lua_State *L)
{
    uint64_t survey;
    struct sioc_server *core = survey_of(L, &survey);

    if (core)
        sioc_survey_less(core, survey, 1);
    return 0;
}

/* 2 server, 3 survey, 4 method, 5 self, 6 packet, 7 opts, 8 how many servers */
static int ask(lua_State *L, int status, lua_KContext ctx)
{
    struct slua_server *server = lua_touserdata(L, 2);
    uint64_t survey = (uint64_t)lua_tointeger(L, 3);
    lua_Integer servers = lua_isinteger(L, 8) ? lua_tointeger(L, 8) : 1;

    (void)status, (void)ctx;
    lua_settop(L, 7);
    if (server->core)
        sioc_survey_expect(server->core, survey, servers > 0 ? (size_t)servers : 0);
    push_survey_function(L, server, survey, survey_count);
    push_survey_function(L, server, survey, survey_answer);
    push_survey_function(L, server, survey, survey_left);
    return slua_call_method(L, 5);
}

static int ask_body(lua_State *L)
{
    const struct slua_adapter_call *c = lua_touserdata(L, 1);

    lua_pushlightuserdata(L, c->adapter->server);
    lua_pushinteger(L, (lua_Integer)c->survey);
    slua_push_method(L, c->adapter, c->method);
    slua_push_packet(L, c);
    slua_push_opts(L, c);
    slua_push_method(L, c->adapter, "server_count");
    if (c->target->local || lua_isnil(L, -2)) {
        lua_settop(L, 7);
        lua_pushinteger(L, 1);
        return ask(L, LUA_OK, 0);
    }
    lua_callk(L, 1, 1, 0, ask);
    return ask(L, LUA_OK, 0);
}

int slua_adapter_on_broadcast_with_ack(struct sioc_adapter *adapter,
                                       const struct sioc_target *target,
                                       struct sioc_message *message,
                                       const struct sioc_emit *emit, uint64_t survey)
{
    return run_survey(&(struct slua_adapter_call){.adapter = slua_adapter_of(adapter),
                                                  .method = "broadcast_with_ack",
                                                  .target = target,
                                                  .message = message,
                                                  .emit = emit,
                                                  .survey = survey},
                      ask_body);
}

/* ---- who is there ---- */

/* What a fetched socket is to the core; at the top: a socket's userdata, an id or a table. */
static void describe(lua_State *L, const struct slua_api *api, bool ids)
{
    static const char *const fields[] = {"id", "handshake", "rooms", "data"};
    int value = lua_gettop(L);

    if (slua_is(L, api, value, SLUA_SOCKET)) {
        lua_pushstring(L, ((const struct slua_socket *)lua_touserdata(L, value))->id);
    } else if (lua_istable(L, value) && ids) {
        lua_getfield(L, value, "id");
    } else if (lua_istable(L, value)) {
        lua_createtable(L, 0, 4);
        for (int i = 0; i < 4; i++) {
            lua_getfield(L, value, fields[i]);
            lua_setfield(L, value + 1, fields[i]);
        }
    } else if (!lua_isstring(L, value)) {
        luaL_error(L, "a socket or a table with its id expected, not a %s",
                   luaL_typename(L, value));
    }
    lua_replace(L, value);
    lua_settop(L, value);
}

/* 2 server, 3 survey, 4 ids, 5 the list */
static int fetched(lua_State *L, int status, lua_KContext ctx)
{
    struct slua_server *server = lua_touserdata(L, 2);
    uint64_t survey = (uint64_t)lua_tointeger(L, 3);
    struct answer a = {L, 6};

    (void)status, (void)ctx;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    if (!lua_istable(L, 5))
        return luaL_error(L, "a list expected, not a %s", luaL_typename(L, 5));
    for (lua_Integer i = 1; lua_rawgeti(L, 5, i) != LUA_TNIL; i++) {
        describe(L, server->api, lua_toboolean(L, 4));
        if (server->core && sioc_survey_expect(server->core, survey, 1) == 0)
            sioc_survey_answer(server->core, survey, put_value, &a);
        lua_settop(L, 5);
    }
    return 0;
}

static int fetch_body(lua_State *L)
{
    const struct slua_adapter_call *c = lua_touserdata(L, 1);
    bool ids = strcmp(c->method, "sockets") == 0;

    lua_pushlightuserdata(L, c->adapter->server);
    lua_pushinteger(L, (lua_Integer)c->survey);
    lua_pushboolean(L, c->close); /* ids are wanted */
    slua_push_method(L, c->adapter, c->method);
    if (ids)
        slua_push_names(L, c->target->rooms, c->target->room_count);
    else
        slua_push_opts(L, c);
    lua_callk(L, 2, 1, 0, fetched);
    return fetched(L, LUA_OK, 0);
}

void slua_adapter_on_fetch(struct sioc_adapter *adapter, const struct sioc_target *target,
                           bool ids, uint64_t survey)
{
    const struct slua_adapter *a = slua_adapter_of(adapter);
    /* Ids of rooms can be asked for by themselves. */
    bool short_way =
        a->has_sockets && ids && target->except_count == 0 && target->except_socket == 0;

    if (!short_way && !a->has_fetch)
        sioc_local_fetch(a->core, target, survey);
    else
        run_survey(
            &(struct slua_adapter_call){.adapter = a,
                                        .method = short_way ? "sockets" : "fetch_sockets",
                                        .target = target,
                                        .close = ids,
                                        .survey = survey},
            fetch_body);
}

/* ---- other servers ---- */

/* ack(err, answers): all have answered, or as many as there are. */
static int servers_answered(lua_State *L)
{
    uint64_t survey;
    struct sioc_server *core = survey_of(L, &survey);
    struct answer a = {L, 3};

    lua_settop(L, 2);
    for (lua_Integer i = 1; core && lua_istable(L, 2) && lua_rawgeti(L, 2, i) != LUA_TNIL;
         i++) {
        if (sioc_survey_expect(core, survey, 1) == 0)
            sioc_survey_answer(core, survey, put_value, &a);
        lua_settop(L, 2);
    }
    if (core)
        sioc_survey_end(core, survey, lua_toboolean(L, 1) ? SIOC_ETIMEDOUT : 0);
    return 0;
}

static int servers_body(lua_State *L)
{
    const struct slua_adapter_call *c = lua_touserdata(L, 1);

    slua_push_method(L, c->adapter, c->method);
    slua_push_packet_data(L, c->message);
    if (c->survey)
        push_survey_function(L, c->adapter->server, c->survey, servers_answered);
    else
        lua_pushnil(L);
    return slua_call_method(L, 2);
}

int slua_adapter_on_server_side_emit(struct sioc_adapter *adapter, struct sioc_message *message,
                                     uint64_t survey)
{
    struct slua_adapter *a = slua_adapter_of(adapter);

    if (survey) /* until ack is called */
        sioc_survey_expect(a->server->core, survey, 1);
    return slua_adapter_run(
        &(struct slua_adapter_call){
            .adapter = a, .method = "server_side_emit", .message = message, .survey = survey},
        servers_body);
}
