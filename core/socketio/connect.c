/* socketio/connect.c -- see connect.h (protocol.md 3.3).
 *
 * CONNECT makes a socket in state CONNECTING and runs the namespace's middleware, one after the
 * other; each answers through sioc_admit, at once or later.  Then the socket joins, or the
 * client gets CONNECT_ERROR; its connection stays open in any case.
 */
#include "socketio/connect.h"
#include "http/url.h"
#include "socketio/adopt.h"
#include "socketio/client.h"
#include "socketio/dynamic.h"
#include "socketio/event.h"
#include "socketio/message.h"
#include "socketio/namespace.h"
#include "socketio/recovery.h"
#include "socketio/socket.h"

/* {"message": text, "data": data} */
static void put_error(struct buf *json, const char *text, struct sioc_str data)
{
    buf_put_str(json, STR("{\"message\":"));
    json_put_string(json, sioc_str(text));
    if (data.len) {
        buf_put_str(json, STR(",\"data\":"));
        buf_put_str(json, data);
    }
    buf_putc(json, '}');
}

/* What v3 clients get from middleware: the data, or if there is none (to JavaScript: what is
 * false) the text. */
static void put_error_v3(struct buf *json, const char *text, struct sioc_str data)
{
    bool none = data.len == 0 || str_eq(data, STR("null")) || str_eq(data, STR("false")) ||
                str_eq(data, STR("0")) || str_eq(data, STR("\"\""));
    if (none)
        json_put_string(json, sioc_str(text));
    else
        buf_put_str(json, data);
}

static void send_connect_error(struct sio_client *client, struct sioc_str nsp, struct buf *json)
{
    struct eio_frame *frame =
        json->error
            ? NULL
            : sio_packet_frame(client->server, SIOC_PACKET_CONNECT_ERROR, nsp, buf_str(json));
    if (frame)
        sio_client_send(client, frame);
    eio_frame_unref(frame);
    buf_deinit(json);
}

static void refuse_by_middleware(struct sioc_socket *s, const char *text, struct sioc_str data)
{
    struct buf json;
    buf_init(&json);
    if (s->client->is_v3)
        put_error_v3(&json, text, data);
    else
        put_error(&json, text, data);
    send_connect_error(s->client, sio_namespace_name(s->nsp), &json);
}

void sio_connect_refuse(struct sio_client *client, struct sioc_str nsp, const char *text)
{
    struct buf json;
    buf_init(&json);
    put_error(&json, text, STR("")); /* the same for clients of all versions */
    client->server->metrics.reject_nsp_limit++;
    send_connect_error(client, nsp, &json);
}

/* Runs middleware from where the socket stands, as long as each answers at once. */
static void advance(struct sioc_socket *s)
{
    struct sioc_namespace *nsp = s->nsp;
    const struct sioc_handler *next;
    while (s->state == SIO_CONNECTING &&
           (next = sio_namespace_middleware(nsp, s->middleware_at))) {
        struct sioc_handler handler = *next;
        struct sioc_event event = {.kind = SIOC_EVENT_MIDDLEWARE, .socket = s, .nsp = nsp};
        s->admitted = false;
        s->in_middleware = true;
        handler.call(handler.user, handler.ref, &event);
        s->in_middleware = false;
        if (!s->admitted)
            return; /* it answers later, or the socket is gone */
    }
    if (s->state == SIO_CONNECTING)
        sio_socket_join_namespace(s);
}

int sioc_admit(struct sioc_server *server, uint64_t handle, const char *error,
               struct sioc_str data_json)
{
    struct sioc_socket *s = sioc_socket_find(server, handle);
    if (!s || s->state != SIO_CONNECTING)
        return SIOC_ECLOSED;
    if (s->admitted)
        return SIOC_ESTATE;
    if (error) {
        refuse_by_middleware(s, error, data_json);
        sio_socket_close(s, "", "");
        return 0;
    }
    s->admitted = true;
    if (sio_socket_rehost(s))
        s->middleware_at = 0; /* it came in time to be asked by the new ones */
    else
        s->middleware_at++;
    if (!s->in_middleware)
        advance(s);
    return 0;
}

void sio_connect_begun(struct sioc_socket *s)
{
    if (sioc_socket_recovered(s) && s->nsp->server->options->recovery_skip_middlewares)
        sio_socket_join_namespace(s);
    else
        advance(s);
}

void sio_connect_to(struct sio_client *client, struct sioc_namespace *nsp, struct sioc_str auth)
{
    struct sioc_socket *s = sio_socket_new(client, nsp, auth);
    int waits = s ? sio_recovery_begin(s) : SIOC_ENOMEM;
    if (waits < 0)
        sio_client_violation(client, "out of memory");
    else if (!waits)
        sio_connect_begun(s);
}

/* auth: JSON, checked. */
static void find_namespace(struct sio_client *client, struct sioc_str name,
                           struct sioc_str auth)
{
    struct sioc_server *server = client->server;
    struct sioc_namespace *nsp = sio_namespace_find(server, name);
    if ((nsp && nsp->missing) || (!nsp && list_empty(&server->parents))) {
        sio_connect_refuse(client, name, "Invalid namespace");
        return;
    }
    if ((nsp && sio_client_socket(client, nsp)) || sio_match_waits(client, name)) {
        sio_client_violation(client, "CONNECT for a namespace that is joined or being joined");
        return;
    }
    if (client->socket_count + client->match_count >=
        (uint32_t)server->options->max_namespaces) {
        sio_connect_refuse(client, name, "Too many namespaces");
        return;
    }
    if (nsp)
        sio_connect_to(client, nsp, auth);
    else
        sio_match(client, name, auth);
}

static bool name_ok(struct sioc_server *server, struct sioc_str name)
{
    if (name.len <= (size_t)server->options->max_namespace_name && sio_namespace_name_ok(name))
        return true;
    server->metrics.reject_nsp_name++;
    return false;
}

/* The data of CONNECT as JSON.  Binary data has no place in there, and is refused. */
static int read_auth(struct sioc_server *server, struct sioc_str bytes, struct buf *json)
{
    struct json_writer writer;
    const struct sioc_packet_data data = {.bytes = bytes,
                                          .max_depth = (unsigned)server->options->max_depth,
                                          .max_values = (size_t)server->options->max_values,
                                          .scratch = buf_out(&server->scratch)};
    json_writer_init(&writer, json, NULL, data.max_depth);
    int error = bytes.len ? server->parser->read_value(&data, &writer.sink) : 0;
    sio_count_payload(server, error);
    return error;
}

void sio_connect(struct sio_client *client, struct sioc_str name, struct sioc_str data)
{
    struct buf json;
    buf_init(&json);
    if (name_ok(client->server, name) && read_auth(client->server, data, &json) == 0)
        find_namespace(client, name, buf_str(&json));
    else
        sio_client_malformed(client, "invalid payload");
    buf_deinit(&json);
}

/* ---- v3 clients ---- */

struct sioc_str sio_namespace_split(struct sioc_str written, struct sioc_str *ret_query)
{
    struct sioc_str whole = str_part(written, 0, str_find(written, '#'));
    size_t mark = str_find(whole, '?');
    *ret_query = mark < whole.len ? str_from(whole, mark + 1) : sioc_str_n("", 0);
    return str_part(whole, 0, mark);
}

/* {"name":"value",...}: all values are texts. */
static void put_query(struct buf *json, struct sioc_str query)
{
    struct buf pair;
    struct sioc_str name, value;
    buf_init(&pair);
    buf_putc(json, '{');
    while (url_query_next(&query, &pair, &name, &value)) {
        if (json->len > 1)
            buf_putc(json, ',');
        json_put_string(json, name);
        buf_putc(json, ':');
        json_put_string(json, value);
    }
    buf_putc(json, '}');
    if (pair.error && !json->error)
        json->error = pair.error;
    buf_deinit(&pair);
}

void sio_connect_v3(struct sio_client *client, struct sioc_str name, struct sioc_str query)
{
    struct buf auth;
    buf_init(&auth);
    if (query.len)
        put_query(&auth, query);
    if (auth.error)
        sio_client_violation(client, "out of memory");
    else if (!name_ok(client->server, name))
        sio_client_malformed(client, "invalid payload");
    else
        find_namespace(client, name, buf_str(&auth));
    buf_deinit(&auth);
}

/* ---- leaving ---- */

void sio_disconnect_from_namespace(struct sioc_socket *s)
{
    struct eio_frame *frame = sio_packet_frame(s->nsp->server, SIOC_PACKET_DISCONNECT,
                                               sio_namespace_name(s->nsp), STR(""));
    if (frame && (s->state == SIO_CONNECTED || s->state == SIO_CONNECTING))
        sio_socket_send(s, frame);
    eio_frame_unref(frame);
    sio_socket_close(s, "server namespace disconnect", "");
}
