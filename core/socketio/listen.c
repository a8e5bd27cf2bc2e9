/* socketio/listen.c -- the addresses of a server, and its certificates. */
#include "socketio/listen.h"
#include "base/mem.h"
#include "socketio/internal.h"
#include <stdio.h>

/* ---- certificates ---- */

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
                                    .client_ca_file = o->tls_client_ca};
    int error = net_tls_new(&config, &tls, ret_error, cap);
    if (error < 0)
        return error;
    net_tls_unref(server->tls);
    server->tls = tls;
    for (size_t i = 0; i < server->listener_count; i++)
        net_listener_set_tls(server->listeners[i], tls);
    return 0;
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
    if (mem_grow((void **)&server->listeners, &server->listener_cap, server->listener_count + 1,
                 sizeof(struct net_listener *)) < 0)
        return SIOC_ENOMEM;
    int error = net_listen(server->loop, host, port, on_accept, server, &listener);
    if (error < 0)
        return error;
    if (server->tls)
        net_listener_set_tls(listener, server->tls);
    server->listeners[server->listener_count++] = listener;
    if (ret_port)
        *ret_port = net_listener_port(listener);
    return 0;
}

void sio_server_stop_listening(struct sioc_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        net_listener_close(server->listeners[i]);
    server->listener_count = 0;
}
