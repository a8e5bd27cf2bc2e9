/* bindings/lua/log.c -- sioc.log.*, print, and the small things: version, stop.
 *
 * Arguments are joined as print does, with tables as JSON.  What is below the log level is not
 * even put together.
 */
#include "check.h"

/* Pushes the text of the value at index. */
static void push_text(lua_State *L, int index)
{
    struct sioc_json_encoder *encoder = slua_host_of(L)->values.encoder;
    struct sioc_str text;

    if (lua_type(L, index) == LUA_TTABLE && !luaL_getmetafield(L, index, "__tostring")) {
        sioc_json_encoder_reset(encoder);
        if (slua_walk(L, index, sioc_json_encoder_sink(encoder)) >= 0) {
            text = sioc_json_encoder_text(encoder);
            lua_pushlstring(L, text.ptr, text.len);
            return;
        }
        lua_pop(L, 1); /* no JSON: then as print would */
    } else if (lua_type(L, index) == LUA_TTABLE) {
        lua_pop(L, 1);
    }
    if (lua_type(L, index) == LUA_TLIGHTUSERDATA && !lua_touserdata(L, index))
        lua_pushliteral(L, "null");
    else
        luaL_tolstring(L, index, NULL);
}

static int write_log(lua_State *L, enum sioc_log_level level)
{
    struct slua_host *host = slua_host_of(L);
    int count = lua_gettop(L);
    luaL_Buffer text;

    if (!host->config->log || level < host->config->log_level)
        return 0;
    luaL_buffinit(L, &text);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&text, '\t');
        push_text(L, i);
        luaL_addvalue(&text);
    }
    luaL_pushresult(&text);
    host->config->log(host->config->log_user, level, lua_tostring(L, -1));
    return 0;
}

static int log_debug(lua_State *L)
{
    return write_log(L, SIOC_LOG_DEBUG);
}
static int log_info(lua_State *L)
{
    return write_log(L, SIOC_LOG_INFO);
}
static int log_warn(lua_State *L)
{
    return write_log(L, SIOC_LOG_WARN);
}
static int log_error(lua_State *L)
{
    return write_log(L, SIOC_LOG_ERROR);
}

static int stop(lua_State *L)
{
    slua_check_forbid(L, "sioc.stop");
    slua_host_stop(slua_host_of(L), (int)luaL_optinteger(L, 1, 0));
    return 0;
}

void slua_open_log(lua_State *L)
{
    static const luaL_Reg levels[] = {
        {"debug", log_debug}, {"info", log_info}, {"warn", log_warn},
        {"error", log_error}, {NULL, NULL},
    };

    luaL_newlib(L, levels);
    lua_setfield(L, -2, "log");
    lua_pushcfunction(L, log_info);
    lua_setglobal(L, "print"); /* stdout belongs to the program, scripts write to the log */
    lua_pushstring(L, sioc_version());
    lua_setfield(L, -2, "version");
    lua_pushcfunction(L, stop);
    lua_setfield(L, -2, "stop");
}
