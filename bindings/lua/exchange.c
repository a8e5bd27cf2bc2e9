/* bindings/lua/exchange.c -- a request as scripts see it, and the way to answer it.
 *
 * The request is a plain table: all of it is copied, because the handler may wait longer than
 * the client.  The response knows the request by its handle; once it is answered, or the client
 * has gone, every method is safe and the sending ones return false.
 */
#include "api.h"

/* ---- the request ---- */

typedef bool (*walk_fn)(struct sioc_request *request, size_t *pos, struct sioc_str *ret_name,
                        struct sioc_str *ret_value);

/* A table of pairs; of several with one name the last wins. */
static void set_pairs(lua_State *L, const char *field, struct sioc_request *request,
                      walk_fn next)
{
    struct sioc_str name, value;
    size_t pos = 0;

    lua_newtable(L);
    while (next(request, &pos, &name, &value)) {
        slua_push_str(L, name);
        slua_push_str(L, value);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, field);
}

void slua_push_request(lua_State *L, const struct slua_api *api, struct sioc_request *request,
                       bool with_body)
{
    lua_createtable(L, 0, 10);
    slua_set_str(L, "method", sioc_request_method(request));
    slua_set_str(L, "path", sioc_request_path(request));
    slua_set_str(L, "url", sioc_request_url(request));
    slua_set_str(L, "address", sioc_request_address(request));
    slua_set_str(L, "body", with_body ? sioc_request_body(request) : sioc_str(""));
    set_pairs(L, "query", request, sioc_request_query_next);
    set_pairs(L, "params", request, sioc_request_param_next);
    set_pairs(L, "headers", request, sioc_request_header_next);
    if (with_body && sioc_request_body(request).len > 0)
        set_pairs(L, "fields", request, sioc_request_form_next);
    slua_set_type(L, api, SLUA_REQUEST);
}

static void check_request(lua_State *L)
{
    if (!lua_istable(L, 1) || !slua_is(L, slua_api(L), 1, SLUA_REQUEST))
        luaL_error(L, "this is a method: call it with a colon, as in req:json()");
}

static int request_json(lua_State *L)
{
    size_t len;
    const char *body;

    check_request(L);
    lua_getfield(L, 1, "body");
    body = lua_tolstring(L, -1, &len);
    if (!body || slua_push_json(L, sioc_str_n(body, len)) < 0)
        return luaL_error(L, SLUA_BAD_JSON);
    return 1;
}

static int request_form(lua_State *L)
{
    check_request(L);
    if (lua_getfield(L, 1, "fields") == LUA_TNIL)
        lua_newtable(L);
    return 1;
}

static int request_index(lua_State *L)
{
    slua_member(L);
    return 1;
}

/* ---- the response ---- */

/* User value 1: a list of header names and values. */
struct response {
    struct slua_server *server;
    uint64_t handle;
    int status;
    bool sent;
};

enum { HEADERS = 1 };

static struct response *self(lua_State *L)
{
    return slua_self(L, slua_api(L), SLUA_RESPONSE);
}

void slua_push_exchange(lua_State *L, struct slua_server *server, struct sioc_request *request)
{
    struct response *response;

    slua_push_request(L, server->api, request, true);
    response = lua_newuserdatauv(L, sizeof *response, 1);
    *response = (struct response){
        .server = server, .handle = sioc_request_handle(request), .status = 200};
    lua_newtable(L);
    lua_setiuservalue(L, -2, HEADERS);
    slua_set_type(L, server->api, SLUA_RESPONSE);
}

static struct sioc_str string_at(lua_State *L, int table, lua_Integer i)
{
    size_t len;
    const char *text;

    lua_rawgeti(L, table, i);
    text = lua_tolstring(L, -1, &len);
    lua_pop(L, 1); /* the table keeps it */
    return sioc_str_n(text, len);
}

/* Sends what the response at `index` has with that body; type: unless a header says another.
 * False when there is nobody to send it to. */
static bool send(lua_State *L, int index, struct sioc_str body, const char *type)
{
    struct response *response = lua_touserdata(L, index);
    struct sioc_server *core = response->server->core;
    struct sioc_request *request = core ? sioc_request_find(core, response->handle) : NULL;
    struct sioc_http_field *fields;
    size_t count, n = 0;
    int top = lua_gettop(L), r;

    if (response->sent || !request)
        return false;
    lua_getiuservalue(L, index, HEADERS);
    count = (size_t)lua_rawlen(L, top + 1) / 2;
    fields = lua_newuserdatauv(L, (count + 1) * sizeof *fields, 0);
    for (; n < count; n++) {
        fields[n].name = string_at(L, top + 1, (lua_Integer)n * 2 + 1);
        fields[n].value = string_at(L, top + 1, (lua_Integer)n * 2 + 2);
        if (fields[n].name.len == 12 && strcmp(fields[n].name.ptr, "content-type") == 0)
            type = NULL;
    }
    if (type)
        fields[n++] = (struct sioc_http_field){sioc_str("content-type"), sioc_str(type)};
    r = sioc_request_respond(request, response->status, fields, n, body);
    lua_settop(L, top);
    if (r == SIOC_EINVAL)
        luaL_error(L, "a header of the response holds characters that HTTP forbids");
    response->sent = true;
    return r >= 0;
}

/* Strings are sent as they are, sioc.Buffer as bytes, everything else as JSON. */
static bool send_value(lua_State *L, int response, int index)
{
    struct slua_api *api = ((struct response *)lua_touserdata(L, response))->server->api;
    struct sioc_buffer *buffer;

    if (lua_isnoneornil(L, index))
        return send(L, response, sioc_str(""), NULL);
    if (lua_type(L, index) == LUA_TSTRING)
        return send(L, response, slua_check_str(L, index), "text/plain; charset=utf-8");
    buffer = slua_to_buffer(L, index);
    if (buffer)
        return send(L, response, sioc_buffer_bytes(buffer), "application/octet-stream");
    return send(L, response, slua_to_json(L, api, index), "application/json; charset=utf-8");
}

static void check_status(lua_State *L, int index)
{
    lua_Integer status = luaL_checkinteger(L, index);

    luaL_argcheck(L, status >= 200 && status <= 599, index,
                  "a status from 200 to 599 expected");
}

void slua_respond_with(lua_State *L, int index, int first)
{
    struct response *response = lua_touserdata(L, index);
    int value = first;

    if (response->sent)
        return;
    lua_settop(L, first + 1);
    if (lua_isinteger(L, first)) {
        check_status(L, first);
        response->status = (int)lua_tointeger(L, first);
        value = first + 1;
    } else if (lua_isnil(L, first) && response->status == 200) {
        response->status = 204;
    }
    send_value(L, index, value);
}

static int response_status(lua_State *L)
{
    struct response *response = self(L);

    check_status(L, 2);
    response->status = (int)lua_tointeger(L, 2);
    lua_settop(L, 1);
    return 1;
}

static void push_lower(lua_State *L, struct sioc_str text)
{
    luaL_Buffer buffer;
    char *out = luaL_buffinitsize(L, &buffer, text.len);

    for (size_t i = 0; i < text.len; i++)
        out[i] =
            (char)(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? text.ptr[i] + 32 : text.ptr[i]);
    luaL_pushresultsize(&buffer, text.len);
}

/* The core looks again when it sends; here the script's line is known. */
static void check_header(lua_State *L, int index, bool is_value)
{
    struct sioc_str text = slua_check_str(L, index);
    bool good = is_value || text.len > 0;

    for (size_t i = 0; i < text.len && good; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        good = is_value ? (c >= 0x20 && c != 0x7f) || c == '\t'
                        : c > 0x20 && c < 0x7f && !strchr("()<>@,;:\\\"/[]?={}", c);
    }
    if (!good)
        luaL_argerror(L, index, "characters that HTTP forbids in a header");
}

/* A header set twice has its last value, but for set-cookie, which may come several times. */
static int response_header(lua_State *L)
{
    const char *name;
    lua_Integer at;

    self(L);
    check_header(L, 2, false);
    check_header(L, 3, true);
    lua_settop(L, 3);
    lua_getiuservalue(L, 1, HEADERS);
    push_lower(L, slua_check_str(L, 2));
    name = lua_tostring(L, 5);
    at = (lua_Integer)lua_rawlen(L, 4) + 1;
    for (lua_Integer i = 1; i < at && strcmp(name, "set-cookie") != 0; i += 2)
        if (strcmp(string_at(L, 4, i).ptr, name) == 0)
            at = i;
    lua_rawseti(L, 4, at); /* the name */
    lua_pushvalue(L, 3);
    lua_rawseti(L, 4, at + 1);
    lua_settop(L, 1);
    return 1;
}

static int response_send(lua_State *L)
{
    self(L);
    lua_settop(L, 2);
    lua_pushboolean(L, send_value(L, 1, 2));
    return 1;
}

static int response_json(lua_State *L)
{
    const struct response *response = self(L);

    lua_settop(L, 2);
    lua_pushboolean(L, send(L, 1, slua_to_json(L, response->server->api, 2),
                            "application/json; charset=utf-8"));
    return 1;
}

static const char *const properties[] = {"sent", NULL};

static int response_index(lua_State *L)
{
    if (!slua_member(L))
        return 1;
    lua_pushboolean(L, self(L)->sent);
    return 1;
}

static const luaL_Reg request_methods[] = {
    {"json", request_json},
    {"form", request_form},
    {NULL, NULL},
};

static const luaL_Reg response_methods[] = {
    {"status", response_status},
    {"header", response_header},
    {"send", response_send},
    {"json", response_json},
    {NULL, NULL},
};

void slua_open_exchange(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_REQUEST, "sioc.Request", request_methods, NULL, request_index);
    lua_pop(L, 1);
    slua_new_type(L, api, SLUA_RESPONSE, "sioc.Response", response_methods, properties,
                  response_index);
    lua_pop(L, 1);
}
