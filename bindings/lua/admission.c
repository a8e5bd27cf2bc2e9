/* bindings/lua/admission.c -- handlers whose answer the core waits for: middleware of a
 * namespace (may this socket join?) and of a socket (may this event pass?), and matchers (may
 * this namespace come to be?).
 *
 * Middleware answers alike: nothing or true lets pass, `nil, message[, data]` refuses.  The
 * task's stack keeps what the answer is for, below the handler's results, because the handler
 * may wait.  A handler that throws refuses, too; `done` sees to that.
 */
#include "api.h"

static const struct sioc_str no_data = {NULL, 0};

/* The answer in the three values from `first`: NULL lets pass; else the message, with the data
 * as JSON.  The slots are there even if the handler returned less. */
static const char *refusal(lua_State *L, struct slua_api *api, int first,
                           struct sioc_str *ret_data)
{
    const char *message = NULL;

    lua_settop(L, first + 2);
    if (!lua_toboolean(L, first) && !lua_isnil(L, first + 1))
        message = luaL_tolstring(L, first + 1, NULL);
    else if (lua_isboolean(L, first) && !lua_toboolean(L, first))
        message = "not allowed";
    *ret_data = no_data;
    if (message && !lua_isnil(L, first + 2))
        *ret_data = slua_to_json(L, api, first + 2);
    return message;
}

/* ---- asking ---- */

static void ask_done(struct slua_host *host, void *user, const struct slua_result *result)
{
    struct slua_pending *p = user;

    (void)host;
    if (result->status != LUA_OK && p->server->core)
        p->refuse(p->server->core, p->handle, p->passage);
    slua_pending_free(p);
}

/* Runs the body, which answers; `refuse` does it for one that cannot. */
static int ask(struct slua_call *call, struct slua_task_info *info, lua_CFunction body,
               uint64_t handle, uint64_t passage,
               void (*refuse)(struct sioc_server *core, uint64_t handle, uint64_t passage))
{
    struct slua_server *server = call->hook->server;
    struct slua_pending *p = slua_pending_new(server, handle);
    int r = SIOC_ENOMEM;

    if (p) {
        p->passage = passage;
        p->refuse = refuse;
        info->done = ask_done;
        info->user = p;
        r = slua_run(server->api->host, body, call, info);
        if (r < 0)
            slua_pending_free(p);
    }
    if (r < 0)
        refuse(server->core, handle, passage);
    return r;
}

/* ---- may this socket join? ---- */

/* Index 1 is the socket. */
static int admit(lua_State *L, int status, lua_KContext ctx)
{
    const struct slua_socket *s = lua_touserdata(L, 1);
    struct slua_server *server = s->nsp->server;
    struct sioc_str data;
    const char *message;

    (void)status;
    (void)ctx;
    if (!server->core)
        return 0;
    message = refusal(L, server->api, 2, &data);
    sioc_admit(server->core, s->handle, message, data);
    return 0;
}

static int admission_body(lua_State *L)
{
    const struct slua_call *call = lua_touserdata(L, 1);

    slua_push_socket(L, call->hook->server, sioc_event_socket(call->event));
    lua_replace(L, 1);
    slua_push_ref(L, call->ref);
    lua_pushvalue(L, 1);
    lua_callk(L, 1, LUA_MULTRET, 0, admit);
    return admit(L, LUA_OK, 0);
}

static void refuse_admission(struct sioc_server *core, uint64_t socket, uint64_t unused)
{
    (void)unused;
    sioc_admit(core, socket, "Internal server error", no_data);
}

int slua_ask_admission(struct slua_call *call, struct slua_task_info *info)
{
    return ask(call, info, admission_body, info->socket, 0, refuse_admission);
}

/* ---- may this event pass? ---- */

enum { PASSAGE_SERVER = 1, PASSAGE_SOCKET, PASSAGE_ID, PASSAGE_RESULTS };

static int pass(lua_State *L, int status, lua_KContext ctx)
{
    struct slua_server *server = lua_touserdata(L, PASSAGE_SERVER);
    struct sioc_passage passage = {
        .socket = (uint64_t)lua_tointeger(L, PASSAGE_SOCKET),
        .id = (uint64_t)lua_tointeger(L, PASSAGE_ID),
    };
    struct sioc_str data;
    const char *message;

    (void)status;
    (void)ctx;
    if (!server->core)
        return 0;
    message = refusal(L, server->api, PASSAGE_RESULTS, &data);
    if (message && !*message)
        message = "not allowed"; /* an empty text means something else to the core */
    sioc_pass(server->core, passage, message, data);
    return 0;
}

static int passage_body(lua_State *L)
{
    const struct slua_call *call = lua_touserdata(L, 1);
    struct sioc_passage passage = sioc_event_passage(call->event);

    lua_settop(L, 0);
    lua_pushlightuserdata(L, call->hook->server);
    lua_pushinteger(L, (lua_Integer)passage.socket);
    lua_pushinteger(L, (lua_Integer)passage.id);
    slua_push_ref(L, call->ref);
    if (slua_push_client_event(L, call) < 0)
        return 0; /* the core drops the event, and the client */
    lua_callk(L, lua_gettop(L) - PASSAGE_RESULTS, LUA_MULTRET, 0, pass);
    return pass(L, LUA_OK, 0);
}

/* What a handler throws was reported already, so the core is to tell nobody. */
static void refuse_passage(struct sioc_server *core, uint64_t socket, uint64_t id)
{
    sioc_pass(core, (struct sioc_passage){socket, id}, "", no_data);
}

int slua_ask_passage(struct slua_call *call, struct slua_task_info *info)
{
    return ask(call, info, passage_body, info->socket, sioc_event_passage(call->event).id,
               refuse_passage);
}

/* ---- may this namespace come to be? ---- */

enum { MATCH_SERVER = 1, MATCH_ID, MATCH_RESULT };

static int match(lua_State *L, int status, lua_KContext ctx)
{
    const struct slua_server *server = lua_touserdata(L, MATCH_SERVER);
    uint64_t id = (uint64_t)lua_tointeger(L, MATCH_ID);

    (void)status;
    (void)ctx;
    if (server->core)
        sioc_match(server->core, id, lua_toboolean(L, MATCH_RESULT));
    return 0;
}

static int match_body(lua_State *L)
{
    const struct slua_call *call = lua_touserdata(L, 1);
    struct slua_builder builder;

    lua_settop(L, 0);
    lua_pushlightuserdata(L, call->hook->server);
    lua_pushinteger(L, (lua_Integer)sioc_event_match(call->event));
    slua_push_ref(L, call->ref);
    slua_push_str(L, sioc_event_name(call->event));
    slua_builder_init(&builder, L);
    if (sioc_event_read(call->event, &builder.sink, NULL) < 0)
        return luaL_error(L, "not enough memory for the auth object");
    lua_callk(L, 2, 1, 0, match);
    return match(L, LUA_OK, 0);
}

static void refuse_match(struct sioc_server *core, uint64_t match_id, uint64_t unused)
{
    (void)unused;
    sioc_match(core, match_id, false);
}

int slua_ask_match(struct slua_call *call, struct slua_task_info *info)
{
    return ask(call, info, match_body, sioc_event_match(call->event), 0, refuse_match);
}

/* ---- what "error" handlers of a socket are told ---- */

/* A table that no client can send: it has a metatable. */
void slua_push_refusal(lua_State *L, struct slua_api *api, const struct sioc_event *event)
{
    struct slua_builder builder;
    int table;

    lua_createtable(L, 0, 3);
    table = lua_gettop(L);
    slua_set_str(L, "message", sioc_event_reason(event));
    slua_set_str(L, "event", sioc_event_name(event));
    slua_builder_init(&builder, L);
    if (sioc_event_read(event, &builder.sink, NULL) >= 0 && lua_gettop(L) > table)
        lua_setfield(L, table, "data");
    lua_settop(L, table);
    slua_push_ref(L, api->refusal_ref);
    lua_setmetatable(L, table);
}

static int refusal_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "message");
    luaL_tolstring(L, -1, NULL);
    return 1;
}

void slua_open_admission(lua_State *L, struct slua_api *api)
{
    lua_newtable(L);
    lua_pushliteral(L, "sioc.Refusal");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "sioc.Refusal"); /* what getmetatable says */
    lua_setfield(L, -2, "__metatable");
    lua_pushcfunction(L, refusal_tostring);
    lua_setfield(L, -2, "__tostring");
    api->refusal_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}
