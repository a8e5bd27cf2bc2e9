/* bindings/lua/test_open.c -- sioc.test_socket(options): a client for checks is made, and
 * joins.
 *
 * What it does from then on is test_socket.c's business.
 */
#include "check.h"
#include "task.h"

#define TIMEOUT_S 2.0

static bool is_open(const struct slua_test_socket *t)
{
    return t->client && sioc_test_is_open(t->client);
}

/* ---- making ---- */

/* Index 1: the socket. */
static int connected(lua_State *L, int status, lua_KContext ctx)
{
    struct slua_test_socket *t = lua_touserdata(L, 1);

    (void)status;
    slua_test_take_all(L, t, 1);
    if (!t->joined && !t->refused && is_open(t) && !t->late)
        return slua_test_wait(L, t, connected, ctx);
    slua_test_stop_timer(t);
    lua_settop(L, 1);
    if (t->joined)
        return 1;
    lua_pushnil(L);
    if (t->refused && lua_getiuservalue(L, 1, SLUA_TEST_REFUSAL) == LUA_TTABLE) {
        lua_getfield(L, -1, "message");
        lua_getfield(L, -2, "data");
        lua_remove(L, -3);
        return 3;
    }
    lua_pushstring(L, is_open(t) ? "operation has timed out" : "disconnected");
    return 2;
}

static void put_encoded(luaL_Buffer *out, struct sioc_str text)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            (c && strchr("-_.~", c))) {
            luaL_addchar(out, (char)c);
        } else {
            luaL_addchar(out, '%');
            luaL_addchar(out, hex[c >> 4]);
            luaL_addchar(out, hex[c & 15]);
        }
    }
}

/* Pushes the pairs of the table at `query` (or nil) as a URL has them. */
static struct sioc_str push_query(lua_State *L, int query)
{
    luaL_Buffer out;
    int top = lua_gettop(L);

    lua_pushliteral(L, "");
    for (lua_pushnil(L); lua_istable(L, query) && lua_next(L, query); lua_settop(L, top + 2)) {
        lua_pushvalue(L, top + 2);
        luaL_checkstring(L, -1);
        luaL_tolstring(L, top + 3, NULL);
        lua_pushvalue(L, top + 1);
        luaL_buffinit(L, &out); /* above name (4), value (5) and what there is (6) */
        luaL_addlstring(&out, lua_tostring(L, top + 6), lua_rawlen(L, top + 6));
        if (lua_rawlen(L, top + 6) > 0)
            luaL_addchar(&out, '&');
        put_encoded(&out, slua_check_str(L, top + 4));
        luaL_addchar(&out, '=');
        put_encoded(&out, slua_check_str(L, top + 5));
        luaL_pushresult(&out);
        lua_replace(L, top + 1);
    }
    lua_settop(L, top + 1);
    return slua_check_str(L, top + 1);
}

/* The pairs of the table at index (or nil), whose strings stay on the stack. */
static struct sioc_http_field *push_headers(lua_State *L, int index, size_t *ret_count)
{
    struct sioc_http_field *fields;
    size_t count = 0;
    int top;

    for (lua_pushnil(L); lua_istable(L, index) && lua_next(L, index); lua_pop(L, 1))
        count++;
    if (!lua_istable(L, index))
        lua_pop(L, 1);
    fields = lua_newuserdatauv(L, (count + 1) * sizeof *fields, 0);
    top = lua_gettop(L);
    *ret_count = 0;
    for (lua_pushnil(L); lua_istable(L, index) && lua_next(L, index); lua_settop(L, top + 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "sioc.test_socket: headers are strings by their names");
        fields[*ret_count].name = slua_check_str(L, -2); /* the table keeps them */
        fields[(*ret_count)++].value = slua_check_str(L, -1);
    }
    lua_settop(L, top);
    return fields;
}

enum { NSP = 2, AUTH, HEADERS, QUERY, ADDRESS, SERVER, TIMEOUT, OPTIONS_END };
static const char *const option_names[] = {"nsp",     "auth",   "headers", "query",
                                           "address", "server", "timeout", NULL};

/* Pushes each option in turn, and refuses others. */
static void push_options(lua_State *L)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    for (lua_pushnil(L); lua_next(L, 1); lua_settop(L, 2)) {
        int i = 0;

        while (option_names[i] && (lua_type(L, 2) != LUA_TSTRING ||
                                   strcmp(option_names[i], lua_tostring(L, 2)) != 0))
            i++;
        if (!option_names[i])
            luaL_error(L, "sioc.test_socket: unknown option \"%s\"",
                       luaL_tolstring(L, 2, NULL));
    }
    for (int i = 0; option_names[i]; i++)
        lua_getfield(L, 1, option_names[i]);
}

static struct slua_server *server_option(lua_State *L, const struct slua_api *api)
{
    struct slua_server *server = api->host->servers;

    if (!lua_isnil(L, SERVER)) {
        if (!slua_is(L, api, SERVER, SLUA_SERVER))
            luaL_error(L, "sioc.test_socket: the option server is what sioc.server gave");
        server = lua_touserdata(L, SERVER);
    }
    if (!server || !server->core)
        luaL_error(L, "sioc.test_socket: the script has no server");
    return server;
}

/* Pushes it; not in the list yet. */
static struct slua_test_socket *push_new(lua_State *L, struct slua_api *api)
{
    struct slua_test_socket *t = lua_newuserdatauv(L, sizeof *t, SLUA_TEST_VALUES);

    memset(t, 0, sizeof *t);
    t->host = api->host;
    lua_newtable(L);
    lua_setiuservalue(L, -2, SLUA_TEST_EMITTED);
    lua_newtable(L);
    lua_setiuservalue(L, -2, SLUA_TEST_ANSWERS);
    slua_set_type(L, api, SLUA_TEST_SOCKET);
    return t;
}

static void open_client(lua_State *L, struct slua_test_socket *t,
                        const struct sioc_test_handshake *handshake)
{
    struct slua_test_socket **list = slua_check_sockets(t->host);
    int r;

    lua_pushvalue(L, -1);
    t->self_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    r = sioc_test_open(t->server->core, handshake, slua_test_on_arrived, t, &t->client);
    if (r < 0) {
        t->client = NULL;
        luaL_unref(L, LUA_REGISTRYINDEX, t->self_ref);
        luaL_error(L, "sioc.test_socket: %s",
                   r == SIOC_ETOOBIG ? "headers and query are above 32 KiB" : sioc_strerror(r));
    }
    t->link = list;
    t->next = *list;
    if (t->next)
        t->next->link = &t->next;
    *list = t;
}

int slua_test_socket_new(lua_State *L)
{
    struct slua_api *api = slua_api(L);
    struct sioc_test_handshake h = {.query = {NULL, 0}};
    struct slua_test_socket *t;
    struct sioc_str auth = {NULL, 0}, nsp = {"/", 1};

    if (!slua_in_check(L))
        return luaL_error(L, "sioc.test_socket: only in a check (sioc.check)");
    if (!slua_can_wait(L))
        return luaL_error(L, "sioc.test_socket waits, and that is not possible here");
    push_options(L);
    if (!lua_isnil(L, NSP))
        nsp = slua_check_str(L, NSP);
    if (nsp.len + 1 >= sizeof t->nsp)
        luaL_error(L, "sioc.test_socket: the name of the namespace is too long");
    if (!lua_isnil(L, ADDRESS))
        h.address = slua_check_str(L, ADDRESS);
    h.query = push_query(L, QUERY);
    h.headers = push_headers(L, HEADERS, &h.header_count);
    t = push_new(L, api);
    t->server = server_option(L, api);
    t->timeout_ms =
        lua_isnil(L, TIMEOUT) ? (uint64_t)(TIMEOUT_S * 1000) : slua_check_ms(L, TIMEOUT);
    snprintf(t->nsp, sizeof t->nsp, "%s%.*s", nsp.len && nsp.ptr[0] == '/' ? "" : "/",
             SIOC_STR_ARG(nsp));
    if (!lua_isnil(L, AUTH)) {
        luaL_checktype(L, AUTH, LUA_TTABLE);
        auth = slua_to_json(L, api, AUTH);
    }
    open_client(L, t, &h);
    lua_replace(L, 1);
    lua_settop(L, 1);
    slua_test_start_timer(L, t, t->timeout_ms);
    sioc_test_connect(t->client, sioc_str(t->nsp), auth);
    return connected(L, LUA_OK, 0);
}
