/* bindings/lua/broadcast.c -- operators: who is spoken to, and how.
 *
 * An operator is an immutable value: io:to("a"), socket.broadcast and operator:except("b") each
 * make a new one, which can be kept and shared.  The functions here take a socket, a namespace
 * or an operator alike: base_of says what each of them stands for.  Whoever sends through an
 * operator is emit.c.
 *
 * Layout: names of rooms, then of excepted rooms, are slices of Lua strings; the userdata keeps
 * the strings alive as its user values, in the same order; the namespace is the last one.
 */
#include "api.h"

struct operator_object {
    struct slua_operator op; /* first */
    struct sioc_str names[];
};

/* What the object at index 1 stands for; *ret_names are its rooms and excepted rooms. */
static struct slua_operator base_of(lua_State *L, const struct sioc_str **ret_names)
{
    const struct slua_api *api = slua_api(L);

    *ret_names = NULL;
    if (slua_is(L, api, 1, SLUA_OPERATOR)) {
        const struct operator_object *object = lua_touserdata(L, 1);

        *ret_names = object->names;
        return object->op;
    }
    if (slua_is(L, api, 1, SLUA_SOCKET)) {
        const struct slua_socket *s = lua_touserdata(L, 1);

        return (struct slua_operator){.nsp = s->nsp, .socket = s->handle, .direct = true};
    }
    return (struct slua_operator){.nsp = slua_self_nsp(L)};
}

struct sioc_target slua_target(const struct slua_operator *op, const struct sioc_str *names)
{
    return (struct sioc_target){
        .rooms = names,
        .room_count = op->rooms,
        .except = names ? names + op->rooms : NULL,
        .except_count = op->excepts,
        .except_socket = op->socket,
        .local = op->local,
    };
}

/* ---- new ones ---- */

/* Pushes a copy of the operator at index 1 (if it is one) with op's settings and, behind the
 * names of its kind, the `added` names at index `from`. */
static int push_changed(lua_State *L, struct slua_operator op, int from, unsigned added,
                        bool to_excepts)
{
    const struct slua_api *api = slua_api(L);
    unsigned old_rooms = op.rooms, old = op.rooms + op.excepts;
    unsigned at = to_excepts ? old : old_rooms; /* where the new names go */
    struct operator_object *object;

    if (old + added > 10000)
        return luaL_error(L, "more than 10000 rooms in one operator");
    object = lua_newuserdatauv(L, sizeof *object + (old + added) * sizeof(struct sioc_str),
                               (int)(old + added + 1));
    slua_push_nsp(L, op.nsp->server, op.nsp->core);
    lua_setiuservalue(L, -2, (int)(old + added + 1));
    if (to_excepts)
        op.excepts += added;
    else
        op.rooms += added;
    object->op = op;
    for (unsigned i = 0; i < old + added; i++) {
        size_t len;
        const char *text;

        if (i >= at && i < at + added)
            slua_push_name(L, from, i - at + 1);
        else
            lua_getiuservalue(L, 1, (int)(i < at ? i : i - added) + 1);
        text = lua_tolstring(L, -1, &len);
        object->names[i] = sioc_str_n(text, len);
        lua_setiuservalue(L, -2, (int)i + 1);
    }
    slua_set_type(L, api, SLUA_OPERATOR);
    return 1;
}

static int add_names(lua_State *L, bool to_excepts)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);
    unsigned count = slua_count_names(L, 2);

    op.direct = false;
    return push_changed(L, op, 2, count, to_excepts);
}

int slua_op_to(lua_State *L)
{
    return add_names(L, false);
}

int slua_op_except(lua_State *L)
{
    return add_names(L, true);
}

int slua_op_compress(lua_State *L)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);

    op.no_compress = !lua_toboolean(L, 2);
    return push_changed(L, op, 0, 0, false);
}

int slua_op_timeout(lua_State *L)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);

    op.timeout_ms = slua_check_ms(L, 2);
    return push_changed(L, op, 0, 0, false);
}

int slua_op_property(lua_State *L, int property)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);

    if (property == SLUA_OP_VOLATILE) {
        op.is_volatile = true;
    } else {
        op.direct = false;
        op.local = op.local || property != SLUA_OP_BROADCAST;
    }
    return push_changed(L, op, 0, 0, false);
}

/* ---- sending ---- */

int slua_op_emit(lua_State *L)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);

    return op.direct ? slua_emit(L, &op, 2) : slua_emit_to_many(L, &op, names, 2);
}

int slua_op_send(lua_State *L)
{
    lua_pushliteral(L, "message");
    lua_insert(L, 2);
    return slua_op_emit(L);
}

int slua_op_emit_with_ack(lua_State *L)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);

    return op.direct ? slua_emit_with_ack(L, &op, 2) : slua_ask_many(L, &op, names, 2);
}

int slua_op_server_side_emit(lua_State *L)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);

    return slua_emit_to_servers(L, &op, 2);
}

int slua_op_server_side_emit_with_ack(lua_State *L)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);

    return slua_ask_servers(L, &op, 2);
}

/* ---- sockets that are meant ---- */

/* Must not raise: the core calls it. */
struct rooms {
    const struct sioc_str *names;
    unsigned count;
    bool leave;
};

static void move(void *user, struct sioc_socket *socket)
{
    const struct rooms *rooms = user;

    for (unsigned i = 0; i < rooms->count; i++) {
        if (rooms->leave)
            sioc_socket_leave(socket, rooms->names[i]);
        else
            sioc_socket_join(socket, rooms->names[i]);
    }
}

static int move_sockets(lua_State *L, bool leave)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);
    struct sioc_target target = slua_target(&op, names);
    unsigned count = slua_count_names(L, 2);
    struct sioc_str *wanted = lua_newuserdatauv(L, (count + 1) * sizeof *wanted, 0);
    struct rooms rooms = {wanted, count, leave};

    luaL_checkstack(L, (int)count + 1, NULL);
    for (unsigned i = 0; i < count; i++)
        wanted[i] = slua_push_name(L, 2, i + 1); /* stays on the stack, so it stays alive */
    sioc_for_each_socket(op.nsp->core, &target, move, &rooms);
    return 0;
}

int slua_op_sockets_join(lua_State *L)
{
    return move_sockets(L, false);
}

int slua_op_sockets_leave(lua_State *L)
{
    return move_sockets(L, true);
}

static void disconnect(void *user, struct sioc_socket *socket)
{
    sioc_socket_disconnect(socket, *(bool *)user);
}

int slua_op_disconnect_sockets(lua_State *L)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);
    struct sioc_target target = slua_target(&op, names);
    bool close = lua_toboolean(L, 2);

    if (!slua_muted(L))
        sioc_for_each_socket(op.nsp->core, &target, disconnect, &close);
    return 0;
}

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

int slua_op_fetch_sockets(lua_State *L)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);
    struct sioc_target target = slua_target(&op, names);
    struct found found = {.cap = sioc_namespace_socket_count(op.nsp->core)};
    lua_Integer n = 0;

    found.handles = lua_newuserdatauv(L, (found.cap + 1) * sizeof(uint64_t), 0);
    sioc_for_each_socket(op.nsp->core, &target, collect, &found);
    lua_createtable(L, (int)found.count, 0);
    for (size_t i = 0; i < found.count; i++) {
        struct sioc_socket *socket = sioc_socket_find(op.nsp->server->core, found.handles[i]);

        if (!socket)
            continue;
        slua_push_socket(L, op.nsp->server, socket);
        lua_rawseti(L, -2, ++n);
    }
    slua_tag_array(L);
    return 1;
}

/* The ids of fetch_sockets. */
int slua_op_all_sockets(lua_State *L)
{
    slua_op_fetch_sockets(L);
    for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TUSERDATA; i++) {
        const struct slua_socket *s = lua_touserdata(L, -1);

        lua_pop(L, 1);
        lua_pushstring(L, s->id); /* the socket is still in the list, so s is alive */
        lua_rawseti(L, -2, i);
    }
    lua_pop(L, 1);
    return 1;
}

/* ---- the object ---- */

static int operator_index(lua_State *L)
{
    int property = slua_member(L);

    return property ? slua_op_property(L, property) : 1;
}

static const char *const properties[] = {SLUA_OP_PROPERTIES, NULL};

static const luaL_Reg methods[] = {
    {"to", slua_op_to},
    {"in_", slua_op_to},
    {"except", slua_op_except},
    {"compress", slua_op_compress},
    {"timeout", slua_op_timeout},
    {"emit", slua_op_emit},
    {"send", slua_op_send},
    {"write", slua_op_send},
    {"emit_with_ack", slua_op_emit_with_ack},
    {"sockets_join", slua_op_sockets_join},
    {"sockets_leave", slua_op_sockets_leave},
    {"disconnect_sockets", slua_op_disconnect_sockets},
    {"fetch_sockets", slua_op_fetch_sockets},
    {"all_sockets", slua_op_all_sockets},
    {NULL, NULL},
};

void slua_open_operator(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_OPERATOR, "sioc.Operator", methods, properties, operator_index);
    lua_pop(L, 1);
}
