/* socketio/server.c -- the server: what it is made of, its requests, its end.
 *
 * Every HTTP request comes to on_request: below the engine's path it is the engine's (or one of
 * the browser client's files), elsewhere the application's routes decide.
 */
#include "base/mem.h"
#include "base/pool.h"
#include "socketio/adapter.h"
#include "socketio/adopt.h"
#include "socketio/client.h"
#include "socketio/conn.h"
#include "socketio/dynamic.h"
#include "socketio/engine_api.h"
#include "socketio/listen.h"
#include "socketio/loop.h"
#include "socketio/message.h"
#include "socketio/namespace.h"
#include "socketio/parser.h"
#include "socketio/raw.h"
#include "socketio/servers.h"
#include "socketio/survey.h"
#include "socketio/websocket.h"

#define CLOSE_CHECK_MS 10 /* how often a closing server looks whether all is out */

/* Behind the public options: what the floors below want to see. */
struct server_parts {
    struct eio_options engine;
    struct http_cors cors;
    struct http_proxies proxies;
};

struct whole_server {
    struct sioc_server server; /* first: the public pointer */
    struct server_parts parts;
};

static struct server_parts *parts_of(struct sioc_server *server)
{
    return &((struct whole_server *)(void *)server)->parts;
}

/* ---- requests ---- */

static bool wants_websocket(const struct http_head *head)
{
    return head->upgrade && http_header_has_token(head, STR("upgrade"), STR("websocket"));
}

/* A request for somebody else than Socket.IO. */
static void on_other_request(struct sioc_server *server, struct http_request *request)
{
    struct eio_engine *raw = sio_raw_engine(server, request->head.path);
    if (raw)
        eio_engine_handle(raw, request);
    else if (wants_websocket(&request->head))
        sio_websocket_request(server, request);
    else if (!sio_websocket_required(server, request))
        http_router_dispatch(&server->router, request);
}

static void on_request(void *user, struct http_request *request)
{
    struct sioc_server *server = user;
    struct sioc_str name;
    if (server->closing) {
        http_respond_close(request, 503, NULL, 0, STR(""));
        return;
    }
    const struct sioc_options *o = server->options;
    if (!sio_path_is_below(o, sioc_str(o->path), request->head.path, &name)) {
        on_other_request(server, request);
        return;
    }
    if (name.len && o->serve_client && server->client_files) {
        if (http_cors_preflight(server->engine.cors, request))
            return;
        http_cors_apply(server->engine.cors, request);
        if (http_client_files_handle(server->client_files, name, request))
            return;
        buf_reset(&request->extra_headers); /* the engine applies them itself */
    }
    eio_engine_handle(&server->engine, request);
}

/* ---- making, and changing (adopt.c) ---- */

static void fill_http_config(struct sioc_server *server)
{
    const struct sioc_options *o = server->options;
    server->http = (struct http_config){
        .limits = {.head_bytes = (size_t)o->max_header_bytes,
                   .url_bytes = (size_t)o->max_url_bytes,
                   .headers = (size_t)o->max_headers},
        .header_timeout_ms = sio_ms(o->header_timeout),
        .body_timeout_ms = sio_ms(o->body_timeout),
        .min_body_rate = (uint32_t)o->min_body_rate,
        .keepalive_timeout_ms = sio_ms(o->keepalive_timeout),
        .max_body_bytes = (size_t)o->max_payload,
        .max_requests = (uint32_t)o->max_keepalive_requests,
        .gate = &server->gate,
        .metrics = &server->metrics,
        .log = &server->log,
        .handle = on_request,
        .user = server,
        .connections = &server->connections,
    };
}

/* What cannot change under clients that are connected: they ask at the old path, and by the
 * transport they came with. */
static void keep_fixed_options(struct sioc_options *now, struct sioc_options *before,
                               const struct log *log)
{
    if (strcmp(now->path, before->path) != 0)
        log_write(log, SIOC_LOG_WARN, "option \"path\" stays \"%s\" until a restart",
                  before->path);
    char *path = now->path;
    now->path = before->path;
    before->path = path;
    char *parser = now->parser;
    now->parser = before->parser;
    before->parser = parser;
    struct sio_text_list transports = now->transports;
    now->transports = before->transports;
    before->transports = transports;
}

void sio_server_swap_options(struct sioc_server *server, struct sioc_server *draft)
{
    struct server_parts *parts = parts_of(server), *other = parts_of(draft);
    struct sioc_options *before = server->options;
    struct http_cors cors = parts->cors;
    server->options = draft->options;
    draft->options = before;
    keep_fixed_options(server->options, before, &server->log);
    parts->cors = other->cors;
    other->cors = cors;
    sio_options_make_engine(server->options, &parts->engine);
    fill_http_config(server);
    server->engine.ws.max_message_bytes = parts->engine.max_payload_bytes;
    server->engine.ws.max_queue_bytes = parts->engine.max_queue_bytes;
    server->engine.ws.max_pings = parts->engine.max_pings;
    server->engine.ws.message_timeout_ms = parts->engine.message_timeout_ms;
    server->engine.ws.max_empty_fragments = parts->engine.max_empty_fragments;
    server->engine.ws.share.per_turn = parts->engine.max_packets_per_turn;
    server->engine.ws.share.rate = parts->engine.rate;
    sio_raws_note_limits(server);
    sio_options_make_gate(server->options, &server->gate.limits);
    server->log_limit.per_second = (uint32_t)server->options->max_log_rate;
    sio_listen_swap_tls(server, draft);
    sio_engine_swap_hooks(server, draft);
}

static void on_close_check(struct net_timer *timer);

static int server_init(struct sioc_server *server)
{
    struct server_parts *parts = parts_of(server);
    sio_options_make_engine(server->options, &parts->engine);
    fill_http_config(server);
    http_gate_init(&server->gate, &server->metrics);
    sio_options_make_gate(server->options, &server->gate.limits);
    server->parser = sio_parser_find(server->options, server->options->parser);
    server->log_limit.per_second = (uint32_t)server->options->max_log_rate;
    server->log_limit.dropped = &server->metrics.log_dropped;
    map_init(&server->namespaces);
    handle_table_init(&server->sockets);
    handle_table_init(&server->requests);
    sio_conns_init(server);
    list_init(&server->raws);
    handle_table_init(&server->websockets);
    list_init(&server->plain_websockets);
    http_router_init(&server->websocket_routes);
    list_init(&server->websocket_handlers);
    map_init(&server->topics);
    handle_table_init(&server->matches);
    handle_table_init(&server->survey_handles);
    handle_table_init(&server->questions);
    list_init(&server->parents);
    list_init(&server->dynamic);
    buf_init(&server->scratch);
    http_router_init(&server->router);
    list_init(&server->connections);
    list_init(&server->routes);
    list_init(&server->surveys);
    http_cors_init(&parts->cors);
    net_timer_init(&server->close_timer, on_close_check);
    /* The engine first: it leaves something that can be deinitialised even when it fails. */
    int error = eio_engine_init(&server->engine, server->loop, &parts->engine, &sio_client_ops,
                                server, &parts->cors, &server->metrics, &server->log);
    if (error == 0)
        error = sio_options_make_cors(server->options, &parts->cors);
    if (error == 0)
        error = sio_options_make_proxies(server->options, &parts->proxies);
    if (parts->proxies.count)
        server->proxies = parts->engine.proxies = &parts->proxies;
    return error == 0 ? sio_namespace_make(server, STR("/"), NULL, &server->root) : error;
}

int sioc_server_new(struct sioc_loop *loop, struct sioc_options *options,
                    struct sioc_server **ret_server)
{
    struct whole_server *whole = mem_zalloc(sizeof *whole);
    if (!options)
        options = sioc_options_new();
    if (!whole || !options) {
        mem_free(whole);
        sioc_options_free(options);
        return SIOC_ENOMEM;
    }
    struct sioc_server *server = &whole->server;
    server->loop = sio_net_loop(loop);
    server->options = options;
    int error = server_init(server);
    if (error < 0) {
        sioc_server_free(server);
        return error;
    }
    *ret_server = server;
    return 0;
}

void sioc_server_set_log(struct sioc_server *server, enum sioc_log_level level, sioc_log_fn fn,
                         void *user)
{
    server->log = (struct log){level, fn, user, &server->log_limit};
}

int sioc_server_set_client_dir(struct sioc_server *server, const char *dir)
{
    struct http_client_files *files;
    int error = http_client_files_new(dir, &files);
    if (error < 0)
        return error;
    http_client_files_free(server->client_files);
    server->client_files = files;
    return 0;
}

void sioc_server_on_socket_save(struct sioc_server *server,
                                int (*fn)(void *user, struct sioc_socket *socket,
                                          struct sioc_sink *sink),
                                void *user)
{
    server->socket_save = fn;
    server->socket_save_user = user;
}

void sioc_server_on_socket_gone(struct sioc_server *server,
                                void (*fn)(void *owner, intptr_t host_ref))
{
    server->socket_gone = fn;
}

/* ---- closing ---- */

static bool all_out(const struct sioc_server *server)
{
    return list_empty(&server->connections) && list_empty(&server->engine.websockets) &&
           sio_raws_all_out(server);
}

static void on_close_check(struct net_timer *timer)
{
    struct sioc_server *server = LIST_ENTRY(timer, struct sioc_server, close_timer);
    bool late = net_loop_now_ms(server->loop) >= server->close_deadline_ms;
    if (!late && !all_out(server)) {
        net_timer_start(server->loop, timer, CLOSE_CHECK_MS);
        return;
    }
    if (server->closed)
        server->closed(server->closed_user);
}

void sioc_server_close(struct sioc_server *server, void (*done)(void *user), void *user)
{
    if (server->closing)
        return;
    server->closing = true;
    server->closed = done;
    server->closed_user = user;
    sio_server_stop_listening(server);
    eio_engine_close_all(&server->engine, "server shutting down");
    sio_raws_close(server);
    sio_adapters_close(server);
    sio_websockets_close(server);
    http_conns_close(&server->http);
    double timeout = server->options->close_timeout;
    server->close_deadline_ms = net_loop_now_ms(server->loop) + (uint64_t)(timeout * 1000);
    net_timer_start(server->loop, &server->close_timer, 0);
}

static void free_namespaces(struct sioc_server *server)
{
    size_t pos = 0;
    struct sioc_namespace *nsp;
    while ((nsp = map_next(&server->namespaces, &pos)))
        if (!nsp->parent)
            sio_namespace_free(nsp);
    map_deinit(&server->namespaces);
    sio_dynamic_free_all(server);
}

void sioc_server_free(struct sioc_server *server)
{
    if (!server)
        return;
    net_timer_stop(&server->close_timer);
    server->closing = true;
    sio_server_stop_listening(server);
    mem_free(server->addresses);
    net_tls_unref(server->tls);
    eio_engine_close_all(&server->engine, "server shutting down");
    sio_raws_close(server);
    sio_websockets_close(server);
    sio_adapters_close(server);
    sio_surveys_end(server);
    sio_questions_end(server);
    ws_conns_destroy(&server->engine.websockets);
    sio_raws_destroy(server);
    http_conns_destroy(&server->http);
    net_loop_flush(
        server->loop); /* frees what the closing left: nothing may point here afterwards */
    http_gate_deinit(&server->gate);
    sio_engine_forget_hooks(server);
    sio_raws_free(server);
    eio_engine_deinit(&server->engine);
    http_router_deinit(&server->router);
    http_router_deinit(&server->websocket_routes);
    map_deinit(&server->topics);
    handle_table_deinit(&server->websockets);
    http_client_files_free(server->client_files);
    sio_message_drop_spare(server);
    free_namespaces(server);
    handle_table_deinit(&server->sockets);
    handle_table_deinit(&server->requests);
    sio_conns_deinit(server);
    handle_table_deinit(&server->matches);
    handle_table_deinit(&server->survey_handles);
    handle_table_deinit(&server->questions);
    buf_deinit(&server->scratch);
    http_cors_deinit(&parts_of(server)->cors);
    mem_free(parts_of(server)->proxies.ranges);
    sioc_options_free(server->options);
    mem_free(server);
}

/* ---- facts ---- */

struct sioc_loop *sioc_server_loop(const struct sioc_server *server)
{
    return (struct sioc_loop *)(void *)server->loop;
}

size_t sioc_server_client_count(const struct sioc_server *server)
{
    return server->engine.sessions.count;
}

bool sioc_server_metric(const struct sioc_server *server, size_t index, const char **ret_name,
                        uint64_t *ret_value)
{
    const uint64_t connection_bytes = net_loop_pool(server->loop)->used_bytes;
    static const char *const names[] = {
#define METRIC_NAME_(name, help) #name,
        METRICS(METRIC_NAME_)
#undef METRIC_NAME_
            "connection_bytes",
    };
    const uint64_t values[] = {
#define METRIC_VALUE_(name, help) server->metrics.name,
        METRICS(METRIC_VALUE_)
#undef METRIC_VALUE_
            connection_bytes,
    };
    if (index >= sizeof names / sizeof names[0])
        return false;
    *ret_name = names[index];
    *ret_value = values[index];
    return true;
}
