/* bindings/lua/conn.c -- connections of Engine.IO: socket.conn, those that io.engine tells of,
 * and the raw ones (engineio.c).
 *
 * The userdata holds a handle, so it can be kept for ever.  While the connection lives there is
 * one for it in this host, which is the handler that the core knows (its ref); the core drops
 * it with the connection, or when the script was reloaded. What comes is a string when it was
 * text and a sioc.Buffer when it was binary, so that conn:send(data) is an echo.
 */
#include "api.h"

/* Names of events; "data" is another name of "message".  Their numbers, and the core's. */
static const char *const event_names[] = {"message",   "close",     "packet",  "packet_create",
                                          "heartbeat", "upgrading", "upgrade", "flush",
                                          "drain",     "data",      NULL};
static const unsigned event_bits[] = {
    SIOC_CONN_MESSAGE,       SIOC_CONN_CLOSE,     SIOC_CONN_PACKET,
    SIOC_CONN_PACKET_CREATE, SIOC_CONN_HEARTBEAT, SIOC_CONN_UPGRADING,
    SIOC_CONN_UPGRADE,       SIOC_CONN_FLUSH,     SIOC_CONN_DRAIN};
enum {
    MESSAGE = 1,
    DRAIN = 9,
    EVENTS = 9,
    SENT
}; /* SENT: the functions that `send` was given */

/* User values: the handlers (emitter.c), `data`, `request`, the peer's address. */
enum { DATA = 2, REQUEST, ADDRESS, USER_VALUES = ADDRESS };

struct slua_conn {
    struct slua_server *server;
    uint64_t handle, number;
    int protocol;
    bool reloaded; /* it was there before this generation */
};

static struct slua_conn *self(lua_State *L)
{
    return slua_self(L, slua_api(L), SLUA_CONN);
}

static struct sioc_conn *find(const struct slua_conn *c)
{
    return c->server->core ? sioc_conn_find(c->server->core, c->handle) : NULL;
}

/* ---- calling handlers ---- */

/* On the C stack of the core's call: valid until the handler first waits. */
struct call {
    struct slua_server *server;
    struct sioc_conn *conn;
    intptr_t ref; /* the userdata's */
    const struct sioc_conn_event *event;
    int number;
    struct slua_emission emission;
};

/* {type =, data =}, and of what is sent: compress = */
static void push_packet(lua_State *L, const struct sioc_conn_packet *packet, bool sent)
{
    lua_createtable(L, 0, 3);
    lua_pushstring(L, packet->type);
    lua_setfield(L, -2, "type");
    if (packet->data.len || packet->is_binary) {
        slua_push_data_of(L, packet->data, packet->is_binary);
        lua_setfield(L, -2, "data");
    }
    if (sent) {
        lua_pushboolean(L, !packet->no_compress);
        lua_setfield(L, -2, "compress");
    }
}

void slua_push_packets(lua_State *L, const struct sioc_conn_event *event)
{
    lua_createtable(L, (int)event->packet_count, 0);
    for (size_t i = 0; i < event->packet_count; i++) {
        push_packet(L, &event->packets[i], true);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    slua_tag_array(L);
}

static void push_transport(lua_State *L, const char *name, bool writable)
{
    lua_createtable(L, 0, 2);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, writable);
    lua_setfield(L, -2, "writable");
}

/* Pushes what the handlers of the event are told, and returns how many values. */
static int push_args(lua_State *L, const struct sioc_conn_event *event)
{
    switch (event->kind) {
    case SIOC_CONN_MESSAGE:
        slua_push_data_of(L, event->packet.data, event->packet.is_binary);
        lua_pushboolean(L, event->packet.is_binary);
        return 2;
    case SIOC_CONN_CLOSE:
        lua_pushstring(L, event->reason);
        if (!event->details[0])
            return 1;
        lua_pushstring(L, event->details);
        return 2;
    case SIOC_CONN_PACKET:
    case SIOC_CONN_PACKET_CREATE:
        push_packet(L, &event->packet, event->kind == SIOC_CONN_PACKET_CREATE);
        return 1;
    case SIOC_CONN_UPGRADING:
    case SIOC_CONN_UPGRADE:
        push_transport(L, "websocket", true);
        return 1;
    case SIOC_CONN_FLUSH:
        slua_push_packets(L, event);
        return 1;
    case SIOC_CONN_HEARTBEAT:
    case SIOC_CONN_DRAIN:
        break;
    }
    return 0;
}

static int event_body(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);

    slua_push_ref(L, call->ref);
    if (!slua_emission_next(L, 2, call->number, &call->emission))
        return 0;
    lua_callk(L, push_args(L, call->event), 0, 0, slua_return_nothing);
    return 0;
}

static void run_handlers(struct call *call, const char *what)
{
    struct slua_server *server = call->server;
    struct slua_task_info info = {.what = what, .server = server->core, .owner = server};
    struct slua_emission *e = &call->emission;

    *e = (struct slua_emission){.index = 1, .count = 1};
    for (; e->index <= e->count; e->index++) {
        /* One of them may have closed it, and the userdata may be gone. */
        if (sioc_conn_handler(call->conn)->ref != call->ref)
            break;
        if (slua_run(server->api->host, event_body, call, &info) < 0)
            slua_log(server->api->host, SIOC_LOG_ERROR, "%s: not enough memory", what);
    }
    slua_emission_end(server->api->host, e);
}

static void on_event(void *user, intptr_t ref, struct sioc_conn *conn,
                     const struct sioc_conn_event *event)
{
    struct call call = {.server = user, .conn = conn, .ref = ref, .event = event};

    if (event->kind == SIOC_CONN_DRAIN) {
        call.number = SENT;
        run_handlers(&call, "conn:send");
    }
    call.number = 1;
    while (event_bits[call.number - 1] != (unsigned)event->kind)
        call.number++;
    run_handlers(&call, "connection event");
}

static void on_drop(void *user, intptr_t ref)
{
    const struct slua_server *server = user;

    slua_unref(server->api->host, ref);
}

/* ---- the object ---- */

/* What the userdata of the host before, which goes, has in `data`. */
static void carry_data(lua_State *L, const struct slua_server *server,
                       const struct sioc_conn *conn)
{
    const struct sioc_conn_handler *before = sioc_conn_handler(conn);
    const struct slua_server *old = before->user;
    struct slua_shell shell = {
        .what = SLUA_SHELL_CONN, .core = server->core, .handle = sioc_conn_handle(conn)};

    if (before->call != on_event)
        return;
    slua_carry_data(L, old->api->host, before->ref, DATA, "conn.data");
    slua_leave_shell(old->api->host, before->ref, DATA, &shell);
}

static void push_new(lua_State *L, struct slua_server *server, struct sioc_conn *conn)
{
    struct slua_conn *c = lua_newuserdatauv(L, sizeof *c, USER_VALUES);
    struct sioc_handshake handshake = {.secure = false};

    *c = (struct slua_conn){.server = server};
    slua_emitter_init(L);
    slua_set_type(L, server->api, SLUA_CONN);
    if (!conn)
        return;
    c->handle = sioc_conn_handle(conn);
    c->number = sioc_conn_number(conn);
    c->protocol = sioc_conn_protocol(conn);
    c->reloaded = sioc_conn_replayed(conn);
    sioc_conn_handshake(conn, &handshake);
    slua_push_str(L, handshake.address);
    lua_setiuservalue(L, -2, ADDRESS);
    if (slua_is_retired(server->api))
        return;
    if (c->reloaded)
        carry_data(L, server, conn);
    lua_pushvalue(L, -1);
    sioc_conn_listen(conn, 0,
                     (struct sioc_conn_handler){.call = on_event,
                                                .drop = on_drop,
                                                .user = server,
                                                .ref = luaL_ref(L, LUA_REGISTRYINDEX)});
}

void slua_push_conn(lua_State *L, struct slua_server *server, struct sioc_conn *conn)
{
    const struct sioc_conn_handler *handler = conn ? sioc_conn_handler(conn) : NULL;

    if (handler && handler->call == on_event && handler->user == server)
        slua_push_ref(L, handler->ref);
    else
        push_new(L, server, conn);
}

bool slua_push_conn_data(lua_State *L, const struct slua_host *host,
                         const struct sioc_conn *conn)
{
    const struct sioc_conn_handler *handler = sioc_conn_handler(conn);
    const struct slua_server *server = handler->user;

    if (handler->call != on_event || server->api->host != host)
        return false;
    slua_push_ref(L, handler->ref);
    lua_getfield(L, -1, "data"); /* made, if there is none */
    return true;
}

/* The core tells what somebody here wants to know.  The object is at 1. */
static void note_events(lua_State *L, const struct slua_conn *c)
{
    struct sioc_conn *conn = find(c);
    unsigned events = 0;

    for (int i = 1; i <= EVENTS; i++)
        if (slua_emitter_count(L, 1, i) > 0)
            events |= event_bits[i - 1];
    if (slua_emitter_count(L, 1, SENT) > 0)
        events |= SIOC_CONN_DRAIN;
    if (conn && !slua_is_retired(c->server->api))
        sioc_conn_set_events(conn, events);
}

static int check_event(lua_State *L)
{
    int event = luaL_checkoption(L, 2, NULL, event_names) + 1;

    return event > EVENTS ? MESSAGE : event;
}

static int add_handler(lua_State *L, bool once)
{
    const struct slua_conn *c = self(L);

    slua_emitter_add(L, check_event(L), once);
    note_events(L, c);
    return 0;
}

static int conn_on(lua_State *L)
{
    return add_handler(L, false);
}

static int conn_once(lua_State *L)
{
    return add_handler(L, true);
}

static int conn_remove_all(lua_State *L)
{
    const struct slua_conn *c = self(L);
    int only = lua_isnoneornil(L, 2) ? 0 : check_event(L);

    lua_settop(L, 2);
    for (int event = 1; event <= EVENTS; event++)
        if (!only || event == only)
            slua_emitter_remove(L, event);
    note_events(L, c);
    return 0;
}

/* conn:off(name[, function]): how many were removed. */
static int conn_off(lua_State *L)
{
    const struct slua_conn *c = self(L);
    int removed = slua_emitter_remove(L, check_event(L));

    note_events(L, c);
    lua_pushinteger(L, removed);
    return 1;
}

/* True or false in a field of the table at index, which need not be one. */
static bool option(lua_State *L, int index, const char *name, bool otherwise)
{
    if (lua_istable(L, index)) {
        if (lua_getfield(L, index, name) != LUA_TNIL)
            otherwise = lua_toboolean(L, -1);
        lua_pop(L, 1);
    }
    return otherwise;
}

/* conn:send(data[, is_binary or {binary =, compress =}][, function]) */
static int conn_send(lua_State *L)
{
    const struct slua_conn *c = self(L);
    struct sioc_conn *conn = find(c);
    struct sioc_conn_send how = {.is_binary = false};
    struct sioc_str data = slua_check_data(L, 2, &how.is_binary);
    bool tells;
    int r = SIOC_ECLOSED;

    lua_settop(L, 4);
    if (lua_isfunction(L, 3))
        lua_rotate(L, 3, 1); /* behind nil */
    if (lua_isboolean(L, 3))
        how.is_binary = lua_toboolean(L, 3);
    how.is_binary = option(L, 3, "binary", how.is_binary);
    how.no_compress = !option(L, 3, "compress", true);
    if (slua_muted(L))
        return slua_push_sent(L, SLUA_MUTED);
    tells = conn && lua_isfunction(L, 4);
    if (tells) {
        lua_replace(L, 3);
        slua_emitter_add(L, SENT, true);
        note_events(L, c);
    }
    if (conn)
        r = sioc_conn_send(conn, data, &how);
    if (tells && r < 0)
        slua_emitter_remove(L, SENT); /* it is not on its way */
    return slua_push_sent(L, r);
}

/* conn:close([discard]) */
static int conn_close(lua_State *L)
{
    struct sioc_conn *conn = find(self(L));

    if (conn && !slua_muted(L))
        sioc_conn_close(conn, lua_toboolean(L, 2));
    return 0;
}

/* ---- properties ---- */

static const char *const properties[] = {
    "id",      "protocol", "remote_address", "ready_state",         "transport", "upgraded",
    "request", "data",     "queued",         "write_buffer_length", "reloaded",  NULL};
enum {
    ID = 1,
    PROTOCOL,
    REMOTE_ADDRESS,
    READY_STATE,
    TRANSPORT,
    UPGRADED,
    REQUEST_TABLE,
    DATA_TABLE,
    QUEUED,
    WRITE_BUFFER_LENGTH,
    RELOADED
};

/* What is made when it is first asked for: a new table, or the request. */
static void push_kept(lua_State *L, const struct slua_conn *c, int value)
{
    if (lua_getiuservalue(L, 1, value) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    if (value == REQUEST)
        slua_push_first_request(L, c->server->api, find(c));
    else
        lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, value);
}

/* What is known as long as the connection is there. */
static void push_state(lua_State *L, const struct sioc_conn *conn, int property)
{
    static const char *const states[] = {"", "open", "closing", "closed"};

    switch (property) {
    case READY_STATE:
        lua_pushstring(L, states[conn ? sioc_conn_state(conn) : SIOC_CONN_CLOSED]);
        break;
    case TRANSPORT:
        push_transport(L, conn ? sioc_conn_transport(conn) : "",
                       conn && sioc_conn_writable(conn));
        break;
    case UPGRADED:
        lua_pushboolean(L, conn && sioc_conn_upgraded(conn));
        break;
    case QUEUED:
        lua_pushinteger(L, conn ? (lua_Integer)sioc_conn_queued(conn) : 0);
        break;
    default:
        lua_pushinteger(L, conn ? (lua_Integer)sioc_conn_waiting(conn) : 0);
    }
}

static int conn_index(lua_State *L)
{
    int property = slua_member(L);
    const struct slua_conn *c;

    if (!property)
        return 1;
    c = self(L);
    switch (property) {
    case ID:
        lua_pushinteger(L, (lua_Integer)c->number);
        break;
    case PROTOCOL:
        lua_pushinteger(L, c->protocol);
        break;
    case REMOTE_ADDRESS:
        lua_getiuservalue(L, 1, ADDRESS);
        break;
    case REQUEST_TABLE:
        push_kept(L, c, REQUEST);
        break;
    case DATA_TABLE:
        push_kept(L, c, DATA);
        break;
    case RELOADED:
        lua_pushboolean(L, c->reloaded);
        break;
    default:
        push_state(L, find(c), property);
    }
    return 1;
}

static int conn_newindex(lua_State *L)
{
    const char *key = luaL_tolstring(L, 2, NULL);

    self(L);
    if (strcmp(key, "data") != 0)
        return luaL_error(
            L, "conn.%s cannot be set; what belongs to it has its place in conn.data", key);
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 1, DATA);
    return 0;
}

static const luaL_Reg methods[] = {
    {"on", conn_on},       {"once", conn_once},
    {"off", conn_off},     {"remove_all_listeners", conn_remove_all},
    {"send", conn_send},   {"write", conn_send},
    {"close", conn_close}, {NULL, NULL},
};

static const luaL_Reg meta[] = {
    {"__newindex", conn_newindex},
    {NULL, NULL},
};

void slua_open_conn(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_CONN, "sioc.Conn", methods, properties, conn_index);
    lua_pop(L, 1);
    slua_push_ref(L, api->meta_ref[SLUA_CONN]);
    lua_pushlightuserdata(L, api);
    luaL_setfuncs(L, meta, 1);
    lua_pop(L, 1);
}
