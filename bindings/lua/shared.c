/* bindings/lua/shared.c -- sioc.shared(name): values in <sioc/shared.h>, as scripts see them.
 *
 * The object is a name only; which store is meant is the host's business, so that a script
 * which loads aside writes into a draft without knowing.
 */
#include "api.h"
#include <math.h>

#define FULL_LOG_MS 10000 /* between two lines that say it is full */

struct shared {
    size_t name_len;
    char name[];
};

static struct sioc_str self(lua_State *L)
{
    const struct shared *s = slua_self(L, slua_api(L), SLUA_SHARED);

    return sioc_str_n(s->name, s->name_len);
}

/* The value at index, in one of the host's two. */
static const struct sioc_shared_value *take_value(lua_State *L, int index, int which)
{
    struct slua_host *host = slua_host_of(L);

    if (!host->shared_values[which])
        host->shared_values[which] = sioc_shared_value_new();
    if (!host->shared_values[which])
        luaL_error(L, "not enough memory");
    if (slua_walk(L, index, sioc_shared_value_sink(host->shared_values[which])) < 0) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
        lua_error(L);
    }
    return host->shared_values[which];
}

static bool is_none(lua_State *L, int index)
{
    return lua_isnoneornil(L, index) ||
           (lua_islightuserdata(L, index) && !lua_touserdata(L, index));
}

/* The time that an entry has, in milliseconds; 0: no end. */
static uint64_t check_ttl(lua_State *L, int index)
{
    if (lua_isnoneornil(L, index))
        return 0;
    luaL_argcheck(L, luaL_checknumber(L, index) > 0, index, "a time to live above 0 expected");
    return slua_check_ms(L, index);
}

static void log_full(struct slua_host *host)
{
    uint64_t now = sioc_loop_now_ms(host->loop);

    if (host->shared_full_ms && now - host->shared_full_ms < FULL_LOG_MS)
        return;
    host->shared_full_ms = now ? now : 1;
    slua_log(host, SIOC_LOG_WARN,
             "sioc.shared is full: nothing more fits into max_shared_bytes=%.0f",
             host->settings.max_shared_bytes);
}

/* What a step that writes has come to: true; false when its condition was not met; nil and why
 * when it could not be done. */
static int result(lua_State *L, int code)
{
    if (code == SIOC_ETOOBIG)
        return luaL_error(L, "the name of a key is longer than %d bytes", SIOC_SHARED_MAX_KEY);
    if (code == 0 || code == SIOC_EEXIST || code == SIOC_ESTATE || code == SIOC_ENOTFOUND) {
        lua_pushboolean(L, code == 0);
        return 1;
    }
    lua_pushnil(L);
    if (code == SIOC_EFULL) {
        log_full(slua_host_of(L));
        lua_pushliteral(L, "full (option max_shared_bytes)");
    } else {
        lua_pushstring(L, sioc_strerror(code));
    }
    return 2;
}

static int shared_get(lua_State *L)
{
    struct sioc_str name = self(L), key = slua_check_str(L, 2);
    struct slua_builder builder;
    int top = lua_gettop(L), r;

    slua_builder_init(&builder, L);
    r = sioc_shared_get(slua_host_of(L)->shared, name, key, &builder.sink);
    if (r == 0)
        return 1;
    lua_settop(L, top);
    if (r == SIOC_ENOTFOUND) {
        lua_pushnil(L);
        return 1;
    }
    return r == SIOC_ENOMEM ? luaL_error(L, "not enough memory") : result(L, r);
}

static int shared_set(lua_State *L)
{
    struct sioc_shared *store = slua_host_of(L)->shared;
    struct sioc_str name = self(L), key = slua_check_str(L, 2);
    uint64_t ttl = check_ttl(L, 4);

    if (!is_none(L, 3))
        return result(L, sioc_shared_set(store, name, key, take_value(L, 3, 0), ttl));
    sioc_shared_remove(store, name, key);
    lua_pushboolean(L, 1);
    return 1;
}

static int shared_add(lua_State *L)
{
    struct sioc_str name = self(L), key = slua_check_str(L, 2);
    uint64_t ttl = check_ttl(L, 4);

    luaL_argcheck(L, !is_none(L, 3), 3, "a value expected");
    return result(
        L, sioc_shared_add(slua_host_of(L)->shared, name, key, take_value(L, 3, 0), ttl));
}

static int shared_cas(lua_State *L)
{
    struct sioc_str name = self(L), key = slua_check_str(L, 2);
    uint64_t ttl = check_ttl(L, 5);
    const struct sioc_shared_value *before = is_none(L, 3) ? NULL : take_value(L, 3, 0);
    const struct sioc_shared_value *after = is_none(L, 4) ? NULL : take_value(L, 4, 1);

    return result(L, sioc_shared_cas(slua_host_of(L)->shared, name, key, before, after, ttl));
}

static int shared_incr(lua_State *L)
{
    struct sioc_str name = self(L), key = slua_check_str(L, 2);
    struct sioc_shared_number by = {.is_integer = true, .integer = 1, .number = 1}, sum;
    uint64_t ttl = check_ttl(L, 4);
    int r;

    if (!lua_isnoneornil(L, 3)) {
        by.number = luaL_checknumber(L, 3);
        by.is_integer = lua_isinteger(L, 3);
        by.integer = by.is_integer ? lua_tointeger(L, 3) : 0;
        luaL_argcheck(L, isfinite(by.number), 3, "a finite number expected");
    }
    r = sioc_shared_incr(slua_host_of(L)->shared, name, key, by, ttl, &sum);
    if (r == SIOC_ESTATE)
        return luaL_error(L, "\"%s\" holds no number", key.ptr);
    if (r < 0)
        return result(L, r);
    if (sum.is_integer)
        lua_pushinteger(L, sum.integer);
    else
        lua_pushnumber(L, sum.number);
    return 1;
}

static int shared_index(lua_State *L)
{
    slua_member(L);
    return 1;
}

/* sioc.shared(name) */
static int shared_new(lua_State *L)
{
    struct sioc_str name = slua_check_str(L, 1);
    struct shared *s;

    luaL_argcheck(L, name.len <= SIOC_SHARED_MAX_NAME, 1, "a name of at most 256 bytes");
    s = lua_newuserdatauv(L, sizeof *s + name.len, 0);
    s->name_len = name.len;
    memcpy(s->name, name.ptr, name.len);
    slua_set_type(L, slua_api(L), SLUA_SHARED);
    return 1;
}

static const luaL_Reg methods[] = {
    {"get", shared_get}, {"set", shared_set},   {"add", shared_add},
    {"cas", shared_cas}, {"incr", shared_incr}, {NULL, NULL},
};

void slua_open_shared(lua_State *L, struct slua_api *api)
{
    slua_new_type(L, api, SLUA_SHARED, "sioc.Shared", methods, NULL, shared_index);
    lua_pop(L, 1);
    lua_pushlightuserdata(L, api);
    lua_pushcclosure(L, shared_new, 1);
    lua_setfield(L, -2, "shared");
}
