/* socketio/listen.c -- the addresses of a server, and its certificates. */
#include "socketio/listen.h"
#include "base/mem.h"
#include "socketio/internal.h"
#include "socketio/pressure.h"
#include <stdio.h>

/* ---- certificates ---- */

static void set_tls(struct sioc_server *server)
{
    for (size_t i = 0; i < server->address_count; i++)
        net_listener_set_tls(server->addresses[i].listener, server->tls);
}

int sioc_server_load_tls(struct sioc_server *server, char *ret_error, size_t cap)
{
    const struct sioc_options *o = server->options;
    struct net_tls *tls;
    if (o->tls_cert.count == 0 && o->tls_key.count == 0)
        return 0;
    if (o->tls_cert.count != o->tls_key.count) {
        snprintf(ret_error, cap,
                 "option \"tls\" needs a key for each certificate: %zu cert, %zu key",
                 o->tls_cert.count, o->tls_key.count);
        return SIOC_EINVAL;
    }
    struct net_tls_config config = {.cert_files = (const char *const *)o->tls_cert.items,
                                    .key_files = (const char *const *)o->tls_key.items,
                                    .count = o->tls_cert.count,
                                    .client_ca_file = o->tls_client_ca,
                                    .handshake_timeout_ms = sio_ms(o->tls_handshake_timeout),
                                    .max_key_updates = (uint32_t)o->tls_max_key_updates};
    int error = net_tls_new(&config, &tls, ret_error, cap);
    if (error < 0)
        return error;
    net_tls_unref(server->tls);
    server->tls = tls;
    set_tls(server);
    return 0;
}

void sio_listen_swap_tls(struct sioc_server *server, struct sioc_server *draft)
{
    struct net_tls *tls = server->tls;
    server->tls = draft->tls;
    draft->tls = tls;
    set_tls(server);
}

bool sioc_server_secure(const struct sioc_server *server)
{
    return server->options->tls_cert.count > 0;
}

/* ---- addresses ---- */

static void on_accept(void *user, struct net_stream *stream)
{
    struct sioc_server *server = user;
    http_conn_open(&server->http, stream);
}

int sioc_server_listen(struct sioc_server *server, const char *host, uint16_t port,
                       uint16_t *ret_port)
{
    struct net_listener *listener;
    char text[256];
    if (server->closing)
        return SIOC_ESTATE;
    if (!server->tls && sioc_server_load_tls(server, text, sizeof text) < 0)
        return SIOC_EINVAL;
    if (server->options->proxy_protocol && !server->proxies) {
        log_write(&server->log, SIOC_LOG_ERROR,
                  "option \"proxy_protocol\" needs \"trusted_proxies\"");
        return SIOC_EINVAL;
    }
    char *copy = mem_dup(host, strlen(host));
    if (!copy || mem_grow((void **)&server->addresses, &server->address_cap,
                          server->address_count + 1, sizeof *server->addresses) < 0) {
        mem_free(copy);
        return SIOC_ENOMEM;
    }
    int error = net_listen(server->loop, host, port, on_accept, server, &listener);
    if (error < 0) {
        mem_free(copy);
        return error;
    }
    net_listener_count(listener, &server->metrics);
    if (server->tls)
        net_listener_set_tls(listener, server->tls);
    if (server->options->proxy_protocol)
        net_listener_expect_proxies(listener, server->proxies->ranges, server->proxies->count);
    server->addresses[server->address_count++] = (struct sio_address){listener, copy, port};
    sio_pressure_start(server);
    if (ret_port)
        *ret_port = net_listener_port(listener);
    return 0;
}

static size_t find_address(const struct sioc_server *server, const char *host, uint16_t port)
{
    size_t i = 0;
    while (i < server->address_count &&
           (server->addresses[i].port != port || strcmp(server->addresses[i].host, host) != 0))
        i++;
    return i;
}

static void close_address(struct sioc_server *server, size_t i)
{
    net_listener_close(server->addresses[i].listener);
    mem_free(server->addresses[i].host);
    server->addresses[i] = server->addresses[--server->address_count];
}

bool sioc_server_listens(const struct sioc_server *server, const char *host, uint16_t port)
{
    return find_address(server, host, port) < server->address_count;
}

int sioc_server_unlisten(struct sioc_server *server, const char *host, uint16_t port)
{
    size_t i = find_address(server, host, port);
    if (i == server->address_count)
        return SIOC_ENOTFOUND;
    close_address(server, i);
    return 0;
}

bool sioc_server_address_next(const struct sioc_server *server, size_t *pos,
                              const char **ret_host, uint16_t *ret_port)
{
    if (*pos >= server->address_count)
        return false;
    *ret_host = server->addresses[*pos].host;
    *ret_port = server->addresses[(*pos)++].port;
    return true;
}

void sio_server_stop_listening(struct sioc_server *server)
{
    sio_pressure_stop(server);
    while (server->address_count > 0)
        close_address(server, server->address_count - 1);
}
