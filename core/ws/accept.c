/* ws/accept.c -- see accept.h. */
#include "ws/accept.h"
#include "base/mem.h"
#include "ws/handshake.h"

static int check(const struct ws_config *config, const struct http_head *head,
                 struct buf *answer, struct ws_agreement *ret)
{
    const struct ws_deflate_pool *pool = config->deflate;
    if (ws_handshake_check(head, answer) < 0)
        return SIOC_EPROTO;
    ret->deflates = false;
    if (!pool)
        return 0;
    int taken = ws_extension_negotiate(head, ws_deflate_pool_options(pool),
                                       ws_deflate_pool_windows_left(pool), &ret->extension);
    ret->deflates = taken > 0;
    return taken < 0 ? ws_handshake_refuse_extensions(answer) : 0;
}

int ws_accept_check(const struct ws_config *config, struct http_request *request,
                    struct ws_agreement *ret_agreement)
{
    struct buf answer;
    buf_init(&answer);
    int error = check(config, &request->head, &answer, ret_agreement);
    if (error < 0) {
        config->metrics->reject_ws_handshake++;
        http_respond_raw_close(request, buf_str(&answer));
    }
    buf_deinit(&answer);
    return error;
}

static struct ws_conn *open_conn(const struct ws_config *config, struct http_request *request,
                                 struct sioc_str answer, const struct ws_conn_events *events,
                                 void *user)
{
    struct ws_conn *ws = NULL;
    uint8_t *rest = NULL;
    size_t rest_len = 0;
    struct net_stream *stream = http_upgrade(request, answer, &rest, &rest_len);
    if (stream)
        ws_conn_open(config, stream, sioc_str_n(rest, rest_len), events, user, &ws);
    mem_free(rest);
    return ws;
}

struct ws_conn *ws_accept(const struct ws_config *config, struct http_request *request,
                          const struct ws_agreement *agreement,
                          const struct ws_conn_events *events, void *user)
{
    struct buf answer;
    struct ws_deflate *deflate = NULL;
    struct ws_conn *ws = NULL;
    buf_init(&answer);
    if (agreement->deflates) /* without memory for it there is no compression */
        deflate = ws_deflate_new(config->deflate, &agreement->extension.params);
    if (ws_handshake_accept(&request->head, deflate ? &agreement->extension : NULL,
                            buf_str(&request->extra_headers), &answer) < 0)
        http_conn_destroy(request->conn);
    else
        ws = open_conn(config, request, buf_str(&answer), events, user);
    if (ws && deflate)
        ws_conn_set_deflate(ws, deflate);
    else
        ws_deflate_free(deflate);
    buf_deinit(&answer);
    return ws;
}
