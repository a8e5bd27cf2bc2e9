/* bindings/lua/handshake.c -- what is known of a client from its first request.
 *
 * A plain table, made when a script first asks for it; the socket's userdata keeps it.
 */
#include "api.h"

/* ---- of a connection ---- */

typedef bool (*conn_walk_fn)(const struct sioc_conn *conn, size_t *pos,
                             struct sioc_str *ret_name, struct sioc_str *ret_value);

static void set_conn_pairs(lua_State *L, const char *field, const struct sioc_conn *conn,
                           conn_walk_fn next)
{
    struct sioc_str name, value;
    size_t pos = 0;

    lua_newtable(L);
    while (conn && next(conn, &pos, &name, &value)) {
        slua_push_str(L, name);
        slua_push_str(L, value);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, field);
}

void slua_push_first_request(lua_State *L, const struct slua_api *api,
                             const struct sioc_conn *conn)
{
    struct sioc_handshake h = {.issued_ms = 0};
    size_t path = 0;

    if (conn)
        sioc_conn_handshake(conn, &h);
    while (path < h.url.len && h.url.ptr[path] != '?' && h.url.ptr[path] != '#')
        path++;
    lua_createtable(L, 0, 8);
    slua_set_str(L, "method", sioc_str("GET"));
    slua_set_str(L, "url", h.url);
    slua_set_str(L, "path", sioc_str_n(h.url.ptr, path));
    slua_set_str(L, "address", h.address);
    slua_set_str(L, "body", sioc_str(""));
    set_conn_pairs(L, "headers", conn, sioc_conn_header_next);
    set_conn_pairs(L, "query", conn, sioc_conn_query_next);
    lua_newtable(L);
    lua_setfield(L, -2, "params");
    slua_set_type(L, api, SLUA_REQUEST);
}

/* ---- of a socket ---- */

typedef bool (*walk_fn)(const struct sioc_socket *socket, size_t *pos,
                        struct sioc_str *ret_name, struct sioc_str *ret_value);

/* A table of pairs; of several with one name the last wins. */
static void set_pairs(lua_State *L, const char *field, const struct sioc_socket *socket,
                      walk_fn next)
{
    struct sioc_str name, value;
    size_t pos = 0;

    lua_newtable(L);
    while (socket && next(socket, &pos, &name, &value)) {
        slua_push_str(L, name);
        slua_push_str(L, value);
        lua_rawset(L, -3);
    }
    lua_setfield(L, -2, field);
}

static void set_auth(lua_State *L, struct sioc_str auth)
{
    int table = lua_gettop(L);

    if (!auth.ptr || slua_push_json(L, auth) < 0 || !lua_istable(L, -1)) {
        lua_settop(L, table);
        lua_newtable(L);
    }
    lua_setfield(L, table, "auth");
}

void slua_push_handshake(lua_State *L, const struct sioc_socket *socket)
{
    struct sioc_handshake h = {.issued_ms = 0};
    char time[64] = "";

    if (socket) {
        sioc_socket_handshake(socket, &h);
        sioc_handshake_time_text(h.issued_ms, time);
    }
    lua_createtable(L, 0, 9);
    set_auth(L, h.auth);
    set_pairs(L, "headers", socket, sioc_socket_header_next);
    set_pairs(L, "query", socket, sioc_socket_query_next);
    slua_set_str(L, "address", h.address);
    slua_set_str(L, "url", h.url);
    slua_set_str(L, "time", sioc_str(time));
    lua_pushinteger(L, (lua_Integer)h.issued_ms);
    lua_setfield(L, -2, "issued");
    lua_pushboolean(L, h.secure);
    lua_setfield(L, -2, "secure");
    lua_pushboolean(L, h.xdomain);
    lua_setfield(L, -2, "xdomain");
}
