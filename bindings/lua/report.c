/* bindings/lua/report.c -- what went wrong, where, for whom: error texts and the log.
 *
 * The text of an error is made once, in a protected call on the main thread, before the
 * coroutine that failed is reset; the log line adds event, namespace and socket.
 */
#include "task.h"
#include "watchdog.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct description {
    struct slua_host *host;
    lua_State *co;
    int status;
    bool stopped; /* by the watchdog */
};

static void describe_stop(lua_State *L, const struct description *d)
{
    const struct slua_watchdog *dog = d->host->watchdog;
    lua_State *at = dog->stopped_at ? dog->stopped_at : d->co;

    lua_pushfstring(L, "handler ran longer than %f s and was stopped", dog->timeout_s);
    luaL_traceback(L, at, lua_tostring(L, -1), 0);
    if (at != d->co)
        luaL_traceback(L, d->co, lua_tostring(L, -1), 0);
}

static int describe(lua_State *L)
{
    const struct description *d = lua_touserdata(L, 1);

    if (d->status == LUA_YIELD && d->stopped) {
        describe_stop(L, d);
        return 1;
    }
    if (d->status == LUA_YIELD)
        lua_pushliteral(L, "yield to the host: only functions of sioc may do that");
    else
        lua_xmove(d->co, L, 1);
    if (d->status == LUA_ERRMEM)
        return 1; /* no room for more */
    luaL_tolstring(L, -1, NULL);
    luaL_traceback(L, d->co, lua_tostring(L, -1), 0);
    return 1;
}

const char *slua_describe(struct slua_host *host, struct slua_task *task, int status)
{
    struct description d = {host, task->L, status, slua_watch_doomed(host->watchdog)};
    struct slua_task *current = host->pool->current;
    lua_State *L = host->L, *outer;
    int result;

    if (!lua_checkstack(L, 4))
        return "not enough memory";
    host->pool->current = NULL; /* a __tostring that is called here belongs to no task */
    outer = slua_watch_enter(host->watchdog, L);
    lua_pushcfunction(L, describe);
    lua_pushlightuserdata(L, &d);
    result = lua_pcall(L, 1, 1, 0);
    slua_watch_leave(host->watchdog, outer);
    host->pool->current = current;
    if (result != LUA_OK && !lua_isstring(L, -1))
        return "error in the handling of an error";
    return lua_tostring(L, -1);
}

/* ---- the log ---- */

static void log_text(struct slua_host *host, enum sioc_log_level level, const char *text)
{
    const struct slua_config *config = host->config;

    if (config->log && level >= config->log_level)
        config->log(config->log_user, level, text);
}

void slua_log(struct slua_host *host, enum sioc_log_level level, const char *format, ...)
{
    char small[512], *text = small;
    va_list args;
    int len;

    if (!host->config->log || level < host->config->log_level)
        return;
    va_start(args, format);
    len = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (len >= (int)sizeof small && (text = malloc((size_t)len + 1)) != NULL) {
        va_start(args, format);
        vsnprintf(text, (size_t)len + 1, format, args);
        va_end(args);
    }
    log_text(host, level, text ? text : small);
    if (text != small)
        free(text);
}

void slua_count(struct slua_host *host, const struct slua_task_info *info, bool failed)
{
    struct sioc_script_stats *stats = &host->stats;

    if (!info->owner || info->inner || info->check)
        return;
    if (info->muted)
        *(failed ? &stats->replays_failed : &stats->replays) += 1;
    else
        *(failed ? &stats->failed : &stats->handled) += 1;
}

void slua_report(struct slua_host *host, const struct slua_task_info *info,
                 const char *message_and_traceback)
{
    struct sioc_socket *socket =
        info->socket && info->server ? sioc_socket_find(info->server, info->socket) : NULL;
    const char *what = info->what ? info->what : "handler";
    char who[192] = "", name[80] = "";

    slua_count(host, info, true);
    if (info->name[0])
        snprintf(name, sizeof name, " \"%s\"", info->name);
    if (socket)
        snprintf(who, sizeof who, " (namespace \"%.*s\", socket %.*s)",
                 SIOC_STR_ARG(sioc_namespace_name(sioc_socket_namespace(socket))),
                 SIOC_STR_ARG(sioc_socket_id(socket)));
    slua_log(host, SIOC_LOG_ERROR, "error in %s%s%s: %s", what, name, who,
             message_and_traceback);
    if (info->owner)
        slua_server_error(info->owner, message_and_traceback, info->socket,
                          info->name[0] ? info->name : what);
}
