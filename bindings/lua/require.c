/* bindings/lua/require.c -- require, with modules that may wait while they load.
 *
 * Finds what the standard one finds (package.loaded, preload, searchers, path, cpath), first of
 * all next to the script.  Differs in three things: the module is called so that it may yield,
 * Lua files are text only and are noted (for a watcher), and C modules stay in memory for good,
 * because closing a state would unload code that another one still runs.
 */
#include "host.h"
#include <dlfcn.h>
#include <string.h>

/* Where a module was looked for: "\n\tno file 'PATH'" over and over.  It may come there. */
static void note_misses(struct slua_host *host, const char *message)
{
    static const char mark[] = "no file '";
    const char *at, *end;

    for (; message && (at = strstr(message, mark)); message = end) {
        char path[1024];
        size_t len;

        at += sizeof mark - 1;
        end = strchr(at, '\'');
        if (!end)
            return;
        len = (size_t)(end - at);
        if (len >= sizeof path)
            continue;
        memcpy(path, at, len);
        path[len] = '\0';
        slua_note_file(host, path);
    }
}

/* ---- searchers ---- */

/* package.searchpath(name, package[field]): true with the file name pushed, or false with a
 * message pushed. */
static bool search_path(lua_State *L, const char *name, const char *field)
{
    lua_getfield(L, lua_upvalueindex(1), "searchpath");
    lua_pushstring(L, name);
    lua_getfield(L, lua_upvalueindex(1), field);
    if (!lua_isstring(L, -1))
        luaL_error(L, "package.%s must be a string", field);
    lua_call(L, 2, 2);
    if (!lua_isnil(L, -2)) {
        lua_pop(L, 1);
        return true;
    }
    lua_remove(L, -2);
    return false;
}

static int search_lua(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *path = slua_source_path(slua_host_of(L), name);

    if (path) { /* an earlier generation comes back */
        lua_pushstring(L, path);
    } else if (!search_path(L, name, "path")) {
        note_misses(slua_host_of(L), lua_tostring(L, -1));
        return 1;
    }
    path = lua_tostring(L, -1);
    if (slua_load_file(L, path, name) != LUA_OK)
        return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, path,
                          lua_tostring(L, -1));
    lua_insert(L, -2);
    return 2;
}

/* Pins the library, then lets the standard searcher (upvalue 2) do its work.  Upvalue 3: it
 * looks for the root of a dotted name. */
static int search_c(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const char *dot = strchr(name, '.');

    lua_settop(L, 1);
    if (!lua_toboolean(L, lua_upvalueindex(3)))
        lua_pushvalue(L, 1);
    else if (dot)
        lua_pushlstring(L, name, (size_t)(dot - name));
    else
        return 0;
    if (search_path(L, lua_tostring(L, 2), "cpath"))
        (void)!dlopen(lua_tostring(L, -1), RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    lua_call(L, 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* ---- require ---- */

/* Leaves loader and loader data on top of the stack. */
static void find_loader(lua_State *L, const char *name)
{
    int searchers = lua_gettop(L) + 1, tried = searchers + 1;

    if (lua_getfield(L, lua_upvalueindex(1), "searchers") != LUA_TTABLE)
        luaL_error(L, "package.searchers must be a table");
    lua_pushliteral(L, "");
    for (lua_Integer i = 1; lua_rawgeti(L, searchers, i) != LUA_TNIL; i++) {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 2);
        if (lua_isfunction(L, -2))
            return;
        if (lua_isstring(L, -2)) { /* where it has looked */
            lua_pushfstring(L, "%s\n\t%s", lua_tostring(L, tried), lua_tostring(L, -2));
            lua_replace(L, tried);
        }
        lua_settop(L, tried);
    }
    luaL_error(L, "module '%s' not found:%s", name, lua_tostring(L, tried));
}

static int loaded(lua_State *L, int status, lua_KContext ctx)
{
    const char *name = lua_tostring(L, 1);

    (void)status, (void)ctx;
    /* 1 name, 2 package.loaded, 3 loader data, 4 result */
    if (!lua_isnil(L, 4))
        lua_setfield(L, 2, name);
    lua_settop(L, 3);
    if (lua_getfield(L, 2, name) == LUA_TNIL) { /* it set nothing itself */
        lua_pushboolean(L, 1);
        lua_copy(L, -1, 4);
        lua_setfield(L, 2, name);
    }
    lua_pushvalue(L, 3);
    return 2;
}

static int require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);

    lua_settop(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, 2, name);
    if (lua_toboolean(L, -1))
        return 1;
    lua_pop(L, 1);
    find_loader(L, name);
    lua_copy(L, -1, 3);
    lua_copy(L, -2, 4);
    lua_settop(L, 4); /* name, package.loaded, loader data, loader */
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 3);
    lua_callk(L, 2, 1, 0, loaded);
    return loaded(L, LUA_OK, 0);
}

/* ---- */

/* package.path = "DIR/?.lua;DIR/?/init.lua;" .. package.path, DIR being the script's. */
static void extend_path(lua_State *L, int package)
{
    const char *script = slua_host_of(L)->config->script;
    const char *slash = script ? strrchr(script, '/') : NULL;

    if (slash)
        lua_pushlstring(L, script, (size_t)(slash - script) + (slash == script));
    else
        lua_pushliteral(L, ".");
    lua_getfield(L, package, "path");
    lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", lua_tostring(L, -2), lua_tostring(L, -2),
                    lua_tostring(L, -1));
    lua_setfield(L, package, "path");
    lua_pop(L, 2);
}

static void replace_searcher(lua_State *L, int package, int searchers, int i, bool root)
{
    lua_pushvalue(L, package);
    lua_rawgeti(L, searchers, i);
    lua_pushboolean(L, root);
    lua_pushcclosure(L, search_c, 3);
    lua_rawseti(L, searchers, i);
}

void slua_open_require(lua_State *L)
{
    int package = lua_gettop(L) + 1;

    lua_getglobal(L, LUA_LOADLIBNAME);
    extend_path(L, package);
    lua_getfield(L, package, "searchers");
    lua_pushvalue(L, package);
    lua_pushcclosure(L, search_lua, 1);
    lua_rawseti(L, package + 1, 2);
    replace_searcher(L, package, package + 1, 3, false);
    replace_searcher(L, package, package + 1, 4, true);
    lua_pop(L, 1);
    lua_pushcclosure(L, require, 1);
    lua_setglobal(L, "require");
}
