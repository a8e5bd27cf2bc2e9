/* socketio/conn_hold.c -- messages of a connection that wait until its handler is ready.
 *
 * Invariant: what was kept is delivered once, in order, and before what comes after it.
 */
#include "base/mem.h"
#include "socketio/conn.h"

#define MAX_KEPT       64
#define MAX_KEPT_BYTES ((size_t)256 * 1024)

struct sio_kept {
    uint32_t count;
    size_t bytes;
    struct {
        struct sioc_buffer *data;
        bool is_binary;
    } messages[MAX_KEPT];
};

bool sio_conn_keep(struct sioc_conn *c, struct sioc_str data, bool is_binary)
{
    if (!c->kept)
        c->kept = mem_zalloc(sizeof *c->kept);
    struct sio_kept *kept = c->kept;
    bool fits = kept && kept->count < MAX_KEPT && data.len <= MAX_KEPT_BYTES - kept->bytes;
    struct sioc_buffer *copy = fits ? sioc_buffer_new(data) : NULL;
    if (!copy) {
        sio_conn_let_go(c);
        return false;
    }
    kept->messages[kept->count].data = copy;
    kept->messages[kept->count++].is_binary = is_binary;
    kept->bytes += data.len;
    return true;
}

void sio_conn_let_go(struct sioc_conn *c)
{
    struct sio_kept *kept = c->kept;
    c->kept = NULL;
    c->holds = 0;
    for (uint32_t i = 0; kept && i < kept->count; i++) {
        sio_conn_deliver(c, sioc_buffer_bytes(kept->messages[i].data),
                         kept->messages[i].is_binary);
        sioc_buffer_unref(kept->messages[i].data);
    }
    mem_free(kept);
}

void sioc_conn_hold(struct sioc_conn *c)
{
    c->holds++;
}

void sioc_conn_release(struct sioc_conn *c)
{
    if (c->holds && --c->holds == 0)
        sio_conn_let_go(c);
}
