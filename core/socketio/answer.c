/* socketio/answer.c -- <sioc/http.h>: how an application answers a request, whole or in pieces.
 *
 * Knows no routes.  Invariant: a field that HTTP forbids is refused before anything is sent.
 */
#include "socketio/internal.h"

/* ---- fields ---- */

static bool field_ok(const struct sioc_http_field *f)
{
    for (size_t i = 0; i < f->name.len; i++) {
        char c = f->name.ptr[i];
        bool token = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9') || (c && strchr("!#$%&'*+-.^_`|~", c));
        if (!token)
            return false;
    }
    for (size_t i = 0; i < f->value.len; i++) {
        unsigned char c = (unsigned char)f->value.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return f->name.len > 0;
}

#define MAX_FIELDS 64

/* Fields as the floor below wants them: with names that end in NUL, which are kept in `names`.
 */
struct checked {
    struct http_field fields[MAX_FIELDS];
    struct buf names;
};

static int check(struct checked *c, const struct sioc_http_field *fields, size_t count)
{
    buf_init(&c->names);
    if (count > MAX_FIELDS)
        return SIOC_EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (!field_ok(&fields[i]))
            return SIOC_EINVAL;
        buf_put_str(&c->names, fields[i].name);
        buf_putc(&c->names, '\0');
    }
    if (c->names.error)
        return c->names.error;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        c->fields[i] = (struct http_field){(const char *)c->names.bytes + at, fields[i].value};
        at += fields[i].name.len + 1;
    }
    return 0;
}

/* Whether the application may begin to answer. */
static int may_answer(const struct sioc_request *r, int status)
{
    if (!r->http)
        return SIOC_ECLOSED;
    if (!r->route || r->sending) /* the engine's, or begun already */
        return SIOC_ESTATE;
    return status < 200 || status > 599 ? SIOC_EINVAL : 0;
}

/* ---- whole ---- */

int sioc_request_respond(struct sioc_request *r, int status,
                         const struct sioc_http_field *fields, size_t field_count,
                         struct sioc_str body)
{
    struct checked checked;
    int error = may_answer(r, status);
    if (error < 0)
        return error;
    error = check(&checked, fields, field_count);
    if (error == 0) {
        struct http_request *http = r->http;
        sio_request_retire(r);
        error = http_respond(http, status, checked.fields, field_count, body);
    }
    buf_deinit(&checked.names);
    return error;
}

/* ---- in pieces ---- */

void sioc_request_watch(struct sioc_request *r, const struct sioc_request_watcher *watcher)
{
    r->watcher = watcher ? *watcher : (struct sioc_request_watcher){0};
}

/* What the floor below said; but for SIOC_EAGAIN and SIOC_ETOOBIG the request is gone with any
 * error. */
static int sent(struct sioc_request *r, int result)
{
    if (result < 0 && result != SIOC_EAGAIN && result != SIOC_ETOOBIG)
        sio_request_retire(r);
    return result;
}

int sioc_request_begin(struct sioc_request *r, int status, const struct sioc_http_field *fields,
                       size_t field_count, uint64_t len)
{
    struct checked checked;
    int error = may_answer(r, status);
    if (error < 0)
        return error;
    error = check(&checked, fields, field_count);
    if (error == 0) {
        r->sending = true;
        error = sent(r, http_respond_begin(r->http, status, checked.fields, field_count, len));
    }
    buf_deinit(&checked.names);
    return error;
}

int sioc_request_write(struct sioc_request *r, struct sioc_str bytes)
{
    if (!r->http)
        return SIOC_ECLOSED;
    return r->sending ? sent(r, http_respond_piece(r->http, bytes)) : SIOC_ESTATE;
}

int sioc_request_end(struct sioc_request *r)
{
    if (!r->http)
        return SIOC_ECLOSED;
    if (!r->sending)
        return SIOC_ESTATE;
    struct http_request *http = r->http;
    sio_request_retire(r);
    return http_respond_end(http);
}

void sioc_request_abort(struct sioc_request *r)
{
    if (r->http && r->route)
        http_conn_destroy(r->http->conn);
}
