/* bindings/lua/options.c -- the table that a script gives sioc.server, as options of the core.
 *
 * Knows names and types only as the core tells them: a nested table is a dotted name, an array
 * a list.  Options of the command line beat those of the script.
 */
#include "api.h"
#include <stdio.h>

/* Those of struct slua_settings. */
static const struct {
    const char *name;
    size_t offset;
} settings[] = {
    {"max_shared_bytes", offsetof(struct slua_settings, max_shared_bytes)},
    {"rollback", offsetof(struct slua_settings, rollback)},
    {"rollback.window", offsetof(struct slua_settings, rollback_window)},
    {"rollback.threshold", offsetof(struct slua_settings, rollback_threshold)},
    {"rollback.min_handlers", offsetof(struct slua_settings, rollback_min_handlers)},
};
#define SETTINGS (sizeof settings / sizeof settings[0])

struct walk {
    lua_State *L;
    const struct slua_api *api;
    const struct slua_config *config;
    struct sioc_options *options;
    double *handler_timeout;
    bool given[SETTINGS]; /* by the script or the command line */
    char error[512];
};

/* Whether the command line sets it. */
static bool overridden(const struct walk *w, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < w->config->option_count; i++) {
        const char *option = w->config->options[i];

        if (strncmp(option, name, len) == 0 && option[len] == '=')
            return true;
    }
    return false;
}

static int wrong(struct walk *w, const char *name, const char *what)
{
    snprintf(w->error, sizeof w->error, "option \"%s\" %s", name, what);
    return SIOC_EINVAL;
}

static int set_table(struct walk *w, const char *prefix, int index);

static bool is_file(const char *name)
{
    const struct sioc_option_info *info;

    for (size_t i = 0; (info = sioc_option_at(i)); i++)
        if (strcmp(info->name, name) == 0)
            return info->is_file;
    return false;
}

static int set_file(struct walk *w, const char *name, const char *file)
{
    const char *path = slua_push_path(w->L, w->api, file); /* files lie beside the script */
    int r = sioc_options_set_text(w->options, name, path, w->error, sizeof w->error);

    lua_pop(w->L, 1);
    return r;
}

/* A name that the core does not know is that of a library: beside the script, or where C
 * modules are (package.cpath). */
static int set_parser(struct walk *w, const char *name)
{
    lua_State *L = w->L;
    int top = lua_gettop(L), r;

    if (strchr(name, '/'))
        return set_file(w, "parser", name);
    r = sioc_options_set_text(w->options, "parser", name, w->error, sizeof w->error);
    if (r != SIOC_EINVAL)
        return r;
    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, top + 1, "searchpath");
    lua_pushstring(L, name);
    slua_push_path(L, w->api, "./?.so;");
    lua_getfield(L, top + 1, "cpath");
    if (lua_isfunction(L, top + 2) && lua_isstring(L, -1)) { /* scripts may have changed it */
        lua_concat(L, 2);
        lua_call(L, 2, 1);
    }
    if (lua_gettop(L) == top + 2 && !lua_isnil(L, -1))
        r = sioc_options_set_text(w->options, "parser", lua_tostring(L, -1), w->error,
                                  sizeof w->error);
    lua_settop(L, top);
    return r;
}

static int set_text(struct walk *w, const char *name, int index)
{
    size_t len;
    const char *text = lua_tolstring(w->L, index, &len);

    if (strlen(text) != len)
        return wrong(w, name, "holds a zero byte");
    if (strcmp(name, "parser") == 0)
        return set_parser(w, text);
    if (is_file(name))
        return set_file(w, name, text);
    return sioc_options_set_text(w->options, name, text, w->error, sizeof w->error);
}

static int set_list(struct walk *w, const char *name, int index)
{
    lua_Integer count = (lua_Integer)lua_rawlen(w->L, index);
    int r = 0;

    for (lua_Integer i = 1; i <= count && r >= 0; i++) {
        lua_rawgeti(w->L, index, i);
        r = lua_type(w->L, -1) == LUA_TSTRING ? set_text(w, name, lua_gettop(w->L))
                                              : wrong(w, name, "must be a list of strings");
        lua_pop(w->L, 1);
    }
    return r;
}

static int set_value(struct walk *w, const char *name, int index)
{
    lua_State *L = w->L;
    char *error = w->error;
    size_t cap = sizeof w->error;

    for (size_t i = 0; i < SETTINGS; i++)
        w->given[i] = w->given[i] || strcmp(name, settings[i].name) == 0;
    if (overridden(w, name))
        return 0;
    switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
        return sioc_options_set_bool(w->options, name, lua_toboolean(L, index), error, cap);
    case LUA_TNUMBER:
        if (strcmp(name, "handler_timeout") == 0)
            *w->handler_timeout = lua_tonumber(L, index);
        return sioc_options_set_number(w->options, name, lua_tonumber(L, index), error, cap);
    case LUA_TSTRING:
        if (strcmp(name, "cors") == 0)
            return set_value(w, "cors.origin", index);
        return set_text(w, name, index);
    case LUA_TTABLE:
        /* The settings of what is also a switch turn it on. */
        if (strcmp(name, "cookie") == 0 || strcmp(name, "http_compression") == 0 ||
            strcmp(name, "per_message_deflate") == 0 ||
            strcmp(name, "connection_state_recovery") == 0 || strcmp(name, "rollback") == 0)
            sioc_options_set_bool(w->options, name, true, error, cap);
        return lua_rawlen(L, index) > 0 ? set_list(w, name, index) : set_table(w, name, index);
    case LUA_TFUNCTION:
        if (strcmp(name, "allow_request") == 0 || strcmp(name, "generate_id") == 0 ||
            strcmp(name, "adapter") == 0)
            return 0; /* engine.c and server.c take them */
        return wrong(w, name, "cannot be a function");
    default:
        return wrong(w, name, "has a value that no option can have");
    }
}

/* Each field of the table at index, under the dotted name. */
static int set_table(struct walk *w, const char *prefix, int index)
{
    lua_State *L = w->L;
    int r = 0;

    if (lua_gettop(L) > 20)
        return wrong(w, prefix, "is nested too deeply");
    lua_pushnil(L);
    while (r >= 0 && lua_next(L, index)) {
        char name[128];
        int value = lua_gettop(L);

        if (lua_type(L, -2) != LUA_TSTRING)
            r = wrong(w, prefix, "is a table that is neither a list nor has names");
        else if (snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "",
                          lua_tostring(L, -2)) >= (int)sizeof name)
            r = wrong(w, prefix, "has a name that is too long");
        else
            r = set_value(w, name, value);
        lua_settop(L, value - 1);
    }
    return r;
}

static int set_command_line(struct walk *w)
{
    int r = 0;

    for (size_t i = 0; i < w->config->option_count && r >= 0; i++) {
        const char *option = w->config->options[i];
        const char *equals = strchr(option, '=');
        char name[128];

        if (!equals || (size_t)(equals - option) >= sizeof name)
            return wrong(w, option, "is not of the form name=value");
        memcpy(name, option, (size_t)(equals - option));
        name[equals - option] = '\0';
        r = sioc_options_parse(w->options, name, equals + 1, w->error, sizeof w->error);
    }
    return r;
}

static void keep_settings(const struct walk *w)
{
    struct slua_host *host = w->api->host;

    for (size_t i = 0; i < SETTINGS; i++) {
        double *to = (double *)(void *)((char *)&host->settings + settings[i].offset);

        bool given = w->given[i] || overridden(w, settings[i].name);

        if (!host->servers || given)
            sioc_options_get(w->options, settings[i].name, to);
        if (given && strncmp(settings[i].name, "rollback", 8) == 0)
            host->settings.rollback_given = true;
    }
}

struct sioc_options *slua_options(lua_State *L, const struct slua_api *api, int index,
                                  double *ret_handler_timeout)
{
    struct walk w = {.L = L,
                     .api = api,
                     .config = api->host->config,
                     .handler_timeout = ret_handler_timeout};
    int r = 0;

    if (!lua_isnoneornil(L, index))
        luaL_checktype(L, index, LUA_TTABLE);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    w.options = sioc_options_new();
    if (!w.options)
        luaL_error(L, "not enough memory");
    if (lua_istable(L, index))
        r = set_table(&w, "", index);
    if (r >= 0)
        r = set_command_line(&w);
    if (r < 0) {
        sioc_options_free(w.options);
        luaL_error(L, "%s", w.error[0] ? w.error : sioc_strerror(r));
    }
    keep_settings(&w);
    return w.options;
}
