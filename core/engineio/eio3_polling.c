/* engineio/eio3_polling.c -- see eio3_polling.h.  Invariant: the index of a JSONP session is
 * that of its first request; only its digits ever get into a script. */
#include "engineio/eio3_polling.h"
#include "engineio/eio3.h"
#include "engineio/handshake.h"
#include "engineio/inflow.h"
#include "http/url.h"

/* ---- receiving ---- */

/* False: too many packets, and nothing was done. */
static bool receive_text(struct eio_polling *p, struct sioc_str text, struct buf *scratch)
{
    if (text.len)
        return eio_polling_take_text(p, EIO_FORM_V3, text, scratch);
    buf_deinit(scratch);
    p->session->engine->metrics->reject_eio_packet++;
    eio_session_fail(p->session, "parse error", "");
    return true;
}

/* A form with one field d.  Without it, or with more of them, it means nothing. */
static bool receive_form(struct eio_polling *p, struct sioc_str body)
{
    struct buf field, payload;
    struct sioc_str name, value;
    size_t found = 0;
    bool fitted = true;
    buf_init(&field);
    buf_init(&payload);
    while (url_query_next(&body, &field, &name, &value))
        if (str_eq(name, STR("d")) && ++found == 1)
            eio_v3_jsonp_unescape(&payload, value);
    if (field.error || payload.error)
        eio_session_fail(p->session, "transport error", "out of memory");
    else if (found == 1)
        fitted = receive_text(p, buf_str(&payload), &payload);
    if (found != 1 || field.error || payload.error)
        buf_deinit(&payload);
    buf_deinit(&field);
    return fitted;
}

bool eio_v3_receive(struct eio_polling *p, struct http_request *post)
{
    struct sioc_str body = buf_str(&post->body);
    struct buf none;
    buf_init(&none);
    if (p->jsonp)
        return receive_form(p, body);
    if (str_eq(http_header_get(&post->head, STR("content-type")), STR(EIO_TYPE_BYTES)))
        return eio_inflow_begin(p, EIO_FORM_V3_BINARY, body, &none);
    return receive_text(p, body, &none);
}

/* ---- answering ---- */

static bool queue_has_binary(const struct eio_polling *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (eio_v3_has_binary(p->queue[i]))
            return true;
    return false;
}

static void put_payload(const struct eio_polling *p, bool binary_form, struct sioc_str last,
                        struct buf *out)
{
    struct sioc_str packet;
    for (size_t i = 0; i < p->count; i++)
        eio_v3_put_frame(out, binary_form, p->queue[i]);
    while (last.len && str_next(&last, EIO_SEPARATOR, &packet))
        eio_v3_put_packet(out, binary_form, packet);
}

/* The j of the handshake: asked for so rarely that it is not worth keeping. */
static struct sioc_str jsonp_index(const struct eio_session *s, struct buf *scratch)
{
    return url_query_get(eio_handshake_query(s->handshake), STR("j"), scratch);
}

bool eio_v3_wants_jsonp(const struct eio_session *s)
{
    struct buf scratch;
    buf_init(&scratch);
    bool wants = jsonp_index(s, &scratch).ptr != NULL;
    buf_deinit(&scratch);
    return wants;
}

static void put_script(const struct eio_polling *p, struct sioc_str last, struct buf *out)
{
    struct buf payload, index;
    buf_init(&payload);
    buf_init(&index);
    put_payload(p, false, last, &payload);
    eio_v3_jsonp_put(out, jsonp_index(p->session, &index), buf_str(&payload));
    if (payload.error && !out->error)
        out->error = payload.error;
    buf_deinit(&payload);
    buf_deinit(&index);
}

const char *eio_v3_put_answer(const struct eio_polling *p, struct sioc_str last,
                              struct buf *out)
{
    bool binary_form = !p->jsonp && !p->session->base64 && queue_has_binary(p);
    if (p->jsonp)
        put_script(p, last, out);
    else
        put_payload(p, binary_form, last, out);
    return binary_form ? EIO_TYPE_BYTES : EIO_TYPE_TEXT;
}
