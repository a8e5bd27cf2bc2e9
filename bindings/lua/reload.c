/* bindings/lua/reload.c -- one host takes the servers of another over, and what scripts see of
 * that: sioc.generation, is_reload, on_unload, state.
 *
 * The n-th server of the new script takes the place of the n-th of the old one.  What can fail
 * (addresses) comes first and is undone; after that nothing can.
 * Invariant: a core server belongs to the newest host that knows it; the hosts before borrow
 * it.
 */
#include "api.h"
#include "watchdog.h"
#include <stdio.h>

/* ---- sioc ---- */

static int on_unload(lua_State *L)
{
    struct slua_host *host = slua_host_of(L);

    luaL_checktype(L, 1, LUA_TFUNCTION);
    slua_push_ref(L, host->unload_ref);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    return 0;
}

void slua_open_reload(lua_State *L)
{
    struct slua_host *host = slua_host_of(L);

    lua_pushinteger(L, host->number);
    lua_setfield(L, -2, "generation");
    lua_pushboolean(L, host->number > 1);
    lua_setfield(L, -2, "is_reload");
    lua_pushboolean(L, host->source != NULL);
    lua_setfield(L, -2, "is_rollback");
    lua_newtable(L);
    host->unload_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushcfunction(L, on_unload);
    lua_setfield(L, -2, "on_unload");
    lua_newtable(L);
    lua_setfield(L, -2, "state");
}

/* ---- before the swap ---- */

static int refuse(char *ret_error, size_t cap, const char *text)
{
    snprintf(ret_error, cap, "%s", text);
    return SIOC_EINVAL;
}

static int check(const struct slua_host *host, char *ret_error, size_t cap)
{
    unsigned registered = 0;

    for (const struct slua_server *s = host->servers; s; s = s->next) {
        registered += s->registered;
        if (s->closing)
            return refuse(ret_error, cap, "the script closes its server while it loads");
        if (s->address_count == 0)
            return refuse(ret_error, cap,
                          "a server of the script has no address: call io:listen");
    }
    if (registered == 0)
        return refuse(ret_error, cap,
                      "the script registers no handler, no route and no namespace (is the "
                      "file cut off?)");
    return 0;
}

/* The live server that it takes over; NULL: it is one more. */
static struct sioc_server *live_of(const struct slua_server *old)
{
    return old && !old->closing ? old->core : NULL;
}

/* Opens what is not open yet.  On failure all that was opened is closed again. */
static int open_addresses(struct slua_server *s, struct slua_server *old, char *ret_error,
                          size_t cap)
{
    struct sioc_server *core = live_of(old) ? live_of(old) : s->core;
    bool opened[SLUA_ADDRESSES] = {false};
    int r = sioc_server_load_tls(s->core, ret_error, cap);

    for (int i = 0; i < s->address_count && r >= 0; i++) {
        const struct slua_address *a = &s->addresses[i];

        if (sioc_server_listens(core, a->host, a->port))
            continue;
        r = slua_open_address(s, core, a, ret_error, cap);
        opened[i] = r >= 0;
    }
    for (int i = 0; i < s->address_count && r < 0; i++)
        if (opened[i])
            sioc_server_unlisten(core, s->addresses[i].host, s->addresses[i].port);
    return r < 0 ? r : 0;
}

/* ---- the swap ---- */

static bool wants(const struct slua_server *s, const char *host, uint16_t port)
{
    for (int i = 0; i < s->address_count; i++)
        if (s->addresses[i].port == port && strcmp(s->addresses[i].host, host) == 0)
            return true;
    return false;
}

static void close_addresses(const struct slua_server *s)
{
    const char *host;
    uint16_t port;

    for (size_t pos = 0; sioc_server_address_next(s->core, &pos, &host, &port);) {
        if (wants(s, host, port))
            continue;
        sioc_server_unlisten(s->core, host, port);
        pos = 0; /* they have moved */
    }
}

static void take_over(struct slua_server *s, struct slua_server *old)
{
    struct sioc_server *draft = s->core, *live = live_of(old);
    int r = sioc_server_adopt(live, draft);

    if (r < 0) {
        slua_log(s->api->host, SIOC_LOG_ERROR, "reload: a server keeps its old handlers: %s",
                 sioc_strerror(r));
        return;
    }
    slua_move_namespaces(s, live);
    s->core = live;
    old->borrowed = true;
    sioc_server_free(draft); /* the old handlers go with it */
    close_addresses(s);
}

/* The new script has fewer servers: this one keeps its connections, and nothing else. */
static void abandon(struct slua_server *old)
{
    struct sioc_server *empty;
    const char *host;
    uint16_t port;

    if (!live_of(old) || sioc_server_new(sioc_server_loop(old->core), NULL, &empty) < 0)
        return;
    for (size_t pos = 0; sioc_server_address_next(old->core, &pos, &host, &port); pos = 0)
        sioc_server_unlisten(old->core, host, port);
    sioc_server_set_adapter(old->core, NULL, NULL);
    if (sioc_server_adopt(old->core, empty) >= 0) {
        size_t count = 0;

        while (sioc_server_rebind(old->core, SIZE_MAX, &count))
            ;
        slua_log(old->api->host, SIOC_LOG_WARN,
                 "reload: a server is gone from the script; its %zu clients are ignored",
                 sioc_server_client_count(old->core));
    }
    sioc_server_free(empty);
    old->borrowed = slua_app_keep(old->api->host->app, old->core);
}

static void begin_to_serve(struct slua_host *host)
{
    size_t lost;

    host->draft = host->loading = false;
    for (struct slua_server *s = host->servers; s; s = s->next) {
        s->started = true;
        slua_adapters_start(s);
    }
    slua_settings_apply(host);
    lost = sioc_shared_commit(host->shared_draft);
    if (lost > 0)
        slua_log(host, SIOC_LOG_WARN,
                 "reload: %zu of the values that the script has shared while it was loaded "
                 "had no room",
                 lost);
    sioc_shared_free(host->shared_draft);
    host->shared_draft = NULL;
    host->shared = slua_app_shared(host->app);
}

/* Who saves again and again while he watches does not want to see other code than he wrote. */
static void apply_rollback(const struct slua_host *host)
{
    const struct slua_settings *s = &host->settings;
    bool on = s->rollback != 0 && (s->rollback_given || !host->config->watch);
    struct sioc_script_rollback rules = {.window_ms =
                                             on ? (uint64_t)(s->rollback_window * 1000) : 0,
                                         .threshold = s->rollback_threshold / 100,
                                         .min_handlers = (unsigned)s->rollback_min_handlers};

    slua_app_set_rollback(host->app, &rules);
}

void slua_settings_apply(struct slua_host *host)
{
    double timeout = host->handler_timeout_s;

    slua_watchdog_set_timeout(host->watchdog,
                              timeout > 0 ? timeout : host->config->handler_timeout_s);
    if (host->settings.max_shared_bytes > 0)
        sioc_shared_set_limit(host->shared, (size_t)host->settings.max_shared_bytes);
    if (host->app)
        apply_rollback(host);
}

int slua_swap(struct slua_host *host, struct slua_host *old, char *ret_error, size_t cap)
{
    struct slua_server *s, *o;
    int r;

    slua_servers_settle(host);
    r = check(host, ret_error, cap);
    for (s = host->servers, o = old->servers; s && r >= 0; s = s->next, o = o ? o->next : NULL)
        r = open_addresses(s, o, ret_error, cap);
    if (r < 0)
        return r;
    for (s = host->servers, o = old->servers; s; s = s->next, o = o ? o->next : NULL)
        if (live_of(o))
            take_over(s, o);
    for (; o; o = o->next)
        abandon(o);
    begin_to_serve(host);
    return 0;
}

/* ---- after it ---- */

static int run_unload(lua_State *L)
{
    lua_Integer i = (lua_Integer)(intptr_t)lua_touserdata(L, 1);

    slua_push_ref(L, slua_host_of(L)->unload_ref);
    lua_rawgeti(L, -1, i);
    lua_callk(L, 0, 0, 0, slua_return_nothing);
    return 0;
}

void slua_retire(struct slua_host *host)
{
    struct slua_task_info info = {.what = "on_unload"};
    lua_Integer count;

    host->retired = true;
    slua_timers_stop_repeating(host);
    slua_push_ref(host->L, host->unload_ref);
    count = (lua_Integer)lua_rawlen(host->L, -1);
    lua_pop(host->L, 1);
    for (intptr_t i = 1; i <= count; i++) {
        union {
            intptr_t number;
            void *pointer;
        } arg = {.number = i};

        slua_run(host, run_unload, arg.pointer, &info);
    }
}
