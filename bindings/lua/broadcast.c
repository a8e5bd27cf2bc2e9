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

static int move_sockets(lua_State *L, bool leave)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);
    struct sioc_target target = slua_target(&op, names);
    unsigned count = slua_count_names(L, 2);
    struct sioc_str *rooms = lua_newuserdatauv(L, (count + 1) * sizeof *rooms, 0);

    luaL_checkstack(L, (int)count + 1, NULL);
    for (unsigned i = 0; i < count; i++)
        rooms[i] = slua_push_name(L, 2, i + 1); /* stays on the stack, so it stays alive */
    (leave ? sioc_sockets_leave : sioc_sockets_join)(op.nsp->core, &target, rooms, count);
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

int slua_op_disconnect_sockets(lua_State *L)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);
    struct sioc_target target = slua_target(&op, names);

    if (!slua_muted(L))
        sioc_sockets_disconnect(op.nsp->core, &target, lua_toboolean(L, 2));
    return 0;
}

void slua_to_ids(lua_State *L)
{
    int list = lua_gettop(L);

    for (lua_Integer i = 1; lua_rawgeti(L, list, i) == LUA_TUSERDATA; i++) {
        const struct slua_socket *s = lua_touserdata(L, -1);

        lua_pushstring(L, s->id);
        lua_rawseti(L, list, i);
        lua_pop(L, 1);
    }
    lua_settop(L, list);
}

/* 1 the operator, 2 the list, 3 nil or why some are missing.  ctx: ids are wanted. */
static int fetched(lua_State *L, int status, lua_KContext ctx)
{
    const struct sioc_str *names;

    (void)status;
    if (ctx)
        return 2;
    lua_insert(L, 2);
    slua_to_sockets(L, base_of(L, &names).nsp);
    lua_insert(L, 2);
    return 2;
}

/* Only an adapter that knows other servers makes it wait. */
static int fetch(lua_State *L, bool ids)
{
    const struct sioc_str *names;
    struct slua_operator op = base_of(L, &names);
    struct sioc_target target = slua_target(&op, names);
    struct sioc_emit emit = {.timeout_ms = op.timeout_ms};
    int r = SIOC_ENOTFOUND;

    emit.ack = slua_ack_task(op.nsp->server, slua_task_id(L), true);
    if (!op.local && slua_can_wait(L))
        r = sioc_fetch_sockets(op.nsp->core, &target, ids, &emit);
    if (r == 0) {
        lua_settop(L, 1);
        return slua_wait(L, fetched, ids);
    }
    if (r != SIOC_ENOTFOUND)
        return luaL_error(L, "%s", sioc_strerror(r));
    slua_push_sockets(L, op.nsp, &target);
    if (ids)
        slua_to_ids(L);
    return 1;
}

int slua_op_fetch_sockets(lua_State *L)
{
    return fetch(L, false);
}

int slua_op_all_sockets(lua_State *L)
{
    return fetch(L, true);
}

/* ---- the object ---- */

static int operator_index(lua_State *L)
{
    int property = slua_member(L);

    return property ? slua_op_property(L, property) : 1;
}

static const char *const properties[] = {SLUA_OP_PROPERTIES, NULL};

static const luaL_Reg methods[] = {SLUA_OP_METHODS, {NULL, NULL}};

void slua_open_operator(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_OPERATOR, "sioc.Operator", methods, properties, operator_index);
    lua_pop(L, 1);
}
