/* socketio/incoming.c -- see incoming.h.
 * Invariant: a copy's text lies behind its attachments, in one piece of memory. */
#include "socketio/incoming.h"
#include "base/mem.h"

struct kept {
    struct sio_incoming in; /* first: what the caller knows */
    struct sioc_buffer *attachments[];
};

struct sio_incoming *sio_incoming_copy(const struct sio_incoming *in)
{
    size_t head = sizeof(struct kept) + in->attachment_count * sizeof(struct sioc_buffer *);
    struct kept *k = mem_alloc(head + in->args.len);
    if (!k)
        return NULL;
    k->in = *in;
    k->in.attachments = k->attachments;
    for (size_t i = 0; i < in->attachment_count; i++)
        k->attachments[i] = sioc_buffer_ref(in->attachments[i]);
    char *text = (char *)k + head;
    if (in->args.len)
        memcpy(text, in->args.ptr, in->args.len);
    k->in.args.ptr = text;
    return &k->in;
}

void sio_incoming_free(struct sio_incoming *copy)
{
    for (size_t i = 0; copy && i < copy->attachment_count; i++)
        sioc_buffer_unref(copy->attachments[i]);
    mem_free(copy);
}
