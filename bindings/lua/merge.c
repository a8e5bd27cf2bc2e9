/* bindings/lua/merge.c -- sioc.state over a reload: what both generations did to it while the
 * new one was loaded.
 *
 * The new script sees a copy of the state as it was when its load began, and a second copy (the
 * base) is kept.  When it takes over, the old state is copied once more: what is different from
 * the base was done by the old code meanwhile, and is done to the new state as well, in place,
 * so that tables which the new script has got hold of stay the ones.  Where both have changed
 * the same thing, tables are gone into, and else the new code's value stays.
 *
 * Recursion follows base and copies, which are at most SLUA_MAX_DEPTH deep; the state itself
 * may be anything, also cyclic.  Knows no socket.
 */
#include "host.h"

static bool same_kind(lua_State *L, int a, int b)
{
    bool tagged_a, tagged_b;

    if (!lua_istable(L, a) || !lua_istable(L, b))
        return false;
    tagged_a = lua_getmetatable(L, a);
    tagged_b = lua_getmetatable(L, b);
    if (!tagged_a && !tagged_b)
        return true;
    if (tagged_a != tagged_b) {
        lua_pop(L, 1);
        return false;
    }
    tagged_a = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return tagged_a;
}

/* Pushes table[key at index key]; nil for what is no table. */
static int push_field(lua_State *L, int table, int key)
{
    if (!lua_istable(L, table)) {
        lua_pushnil(L);
    } else {
        lua_pushvalue(L, key);
        lua_rawget(L, table);
    }
    return lua_gettop(L);
}

static size_t count_fields(lua_State *L, int table)
{
    size_t count = 0;

    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        count++;
    return count;
}

/* Whether two values are the same, fields and all. */
static bool equal(lua_State *L, int a, int b)
{
    struct sioc_buffer *x, *y;
    bool same = true;
    int top = lua_gettop(L);

    if (lua_rawequal(L, a, b))
        return true;
    luaL_checkstack(L, 16, NULL);
    x = slua_to_buffer(L, a);
    y = slua_to_buffer(L, b);
    if (x && y)
        return sioc_buffer_bytes(x).len == sioc_buffer_bytes(y).len &&
               memcmp(sioc_buffer_bytes(x).ptr, sioc_buffer_bytes(y).ptr,
                      sioc_buffer_bytes(x).len) == 0;
    if (!same_kind(L, a, b) || count_fields(L, a) != count_fields(L, b))
        return false;
    for (lua_pushnil(L); same && lua_next(L, a); lua_settop(L, top + 1))
        same = equal(L, top + 2, push_field(L, b, top + 1));
    lua_settop(L, top);
    return same;
}

/* table[key] = the value at index value */
static void set_field(lua_State *L, int table, int key, int value)
{
    lua_pushvalue(L, key);
    lua_pushvalue(L, value);
    lua_rawset(L, table);
}

/* Makes `to` hold what `from` holds; tables that are in both stay what they are. */
static void assign(lua_State *L, int to, int from)
{
    int top = lua_gettop(L);

    luaL_checkstack(L, 16, NULL);
    for (lua_pushnil(L); lua_next(L, to); lua_settop(L, top + 1))
        if (lua_isnil(L, push_field(L, from, top + 1)))
            set_field(L, to, top + 1, top + 3);
    for (lua_pushnil(L); lua_next(L, from); lua_settop(L, top + 1)) {
        int there = push_field(L, to, top + 1);

        if (same_kind(L, there, top + 2))
            assign(L, there, top + 2);
        else
            set_field(L, to, top + 1, top + 2);
    }
    lua_settop(L, top);
}

static void merge(lua_State *L, int state, int base, int now);

/* The key at index key, which is in `now`, in `base`, or in both. */
static void merge_field(lua_State *L, int state, int base, int now, int key)
{
    int top = lua_gettop(L);
    int was = push_field(L, base, key), is = push_field(L, now, key);
    int mine = push_field(L, state, key);

    if (!equal(L, was, is)) {
        bool untouched = equal(L, mine, was);

        if (!same_kind(L, mine, is)) {
            if (untouched)
                set_field(L, state, key, is);
        } else if (untouched) {
            assign(L, mine, is);
        } else if (lua_rawlen(L, mine) == 0 && lua_rawlen(L, is) == 0) {
            merge(L, mine, was, is);
        }
    }
    lua_settop(L, top);
}

static void merge(lua_State *L, int state, int base, int now)
{
    int top = lua_gettop(L);

    luaL_checkstack(L, 16, NULL);
    for (lua_pushnil(L); lua_next(L, now); lua_settop(L, top + 1)) {
        lua_settop(L, top + 1);
        merge_field(L, state, base, now, top + 1);
    }
    if (lua_istable(L, base))
        for (lua_pushnil(L); lua_next(L, base); lua_settop(L, top + 1)) {
            bool gone = lua_isnil(L, push_field(L, now, top + 1));

            lua_settop(L, top + 1);
            if (gone)
                merge_field(L, state, base, now, top + 1);
        }
    lua_settop(L, top);
}

void slua_merge(lua_State *L, int state, int base, int now)
{
    merge(L, lua_absindex(L, state), lua_absindex(L, base), lua_absindex(L, now));
}

void slua_assign(lua_State *L, int to, int from)
{
    assign(L, lua_absindex(L, to), lua_absindex(L, from));
}
