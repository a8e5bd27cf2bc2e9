/* socketio/saved.c -- see saved.h.
 *
 * Invariant: a session that was brought has its names and data in `brought`, and they do not
 * grow any more once a socket has it.
 */
#include "socketio/saved.h"
#include "base/mem.h"
#include "codec/mpk_read.h"
#include "codec/mpk_write.h"
#include "socketio/backlog.h"
#include "socketio/message.h"
#include "socketio/socket.h"

struct sio_brought {
    struct buf names, data, stack;
    struct mpk_writer writer;
    struct eio_frame **missed;
    size_t count, cap;
};

/* ---- reading ---- */

struct sioc_str sioc_session_id(const struct sioc_session *session)
{
    return sioc_str_n(session->id, RAND_ID_LEN);
}

struct sioc_str sioc_session_pid(const struct sioc_session *session)
{
    return sioc_str_n(session->pid, RAND_ID_LEN);
}

bool sioc_session_room_next(const struct sioc_session *session, size_t *pos,
                            struct sioc_str *ret_room)
{
    if (*pos >= session->names_len)
        return false;
    const char *at = session->names + *pos;
    *ret_room = sio_names_next(&at);
    *pos = (size_t)(at - session->names);
    return true;
}

int sioc_session_read_data(const struct sioc_session *session, struct sioc_sink *sink)
{
    const struct sio_brought *b = session->brought;
    struct sioc_str data = sioc_str_n(session->data, session->data_len);
    struct mpk_reader reader = {.max_depth = MPK_DEPTH_MAX};
    if (b && b->writer.count == 1 && b->writer.depth == 0 && !b->data.error)
        data = buf_str(&b->data);
    return data.len ? mpk_read(&reader, data, sink) : SIOC_ENOTFOUND;
}

/* ---- of a socket that leaves ---- */

/* What the host wants to find again, as msgpack; nothing when it has nothing. */
static void write_data(struct sioc_socket *s, struct sioc_session *session)
{
    struct sioc_server *server = s->nsp->server;
    struct mpk_writer writer;
    struct buf out, stack;
    if (!server->socket_save)
        return;
    buf_init(&out);
    buf_init(&stack);
    mpk_writer_init(&writer, &out, &stack, (unsigned)server->options->max_depth);
    int result = server->socket_save(server->socket_save_user, s, &writer.sink);
    if (result >= 0 && out.error == 0 && writer.count == 1 && writer.depth == 0)
        session->data = buf_steal(&out, &session->data_len);
    buf_deinit(&out);
    buf_deinit(&stack);
}

struct sioc_session *sio_session_of(struct sioc_socket *s, const struct sio_span *span,
                                    const char *pid)
{
    size_t size = sizeof(struct sioc_session);
    for (uint32_t i = 0; i < s->room_count; i++)
        size += 2 + s->rooms[i].room->name_len;
    struct sioc_session *session = mem_zalloc(size);
    if (!session)
        return NULL;
    char *at = session->own;
    session->names = session->own;
    for (uint32_t i = 0; i < s->room_count; i++)
        at = sio_names_put(at, sioc_str_n(s->rooms[i].room->name, s->rooms[i].room->name_len));
    session->names_len = (size_t)(at - session->own);
    session->span = *span;
    session->left_own_room = s->left_own_room;
    memcpy(session->pid, pid, sizeof session->pid);
    memcpy(session->id, s->id, sizeof session->id); /* of v4 clients: as long as ours */
    write_data(s, session);
    session->bytes = size + session->data_len;
    return session;
}

/* ---- of an adapter ---- */

struct sioc_session *sioc_session_new(struct sioc_namespace *nsp, struct sioc_str pid,
                                      struct sioc_str id)
{
    if (pid.len != RAND_ID_LEN || id.len != RAND_ID_LEN)
        return NULL;
    struct sioc_session *session = mem_zalloc(sizeof *session);
    struct sio_brought *b = session ? mem_zalloc(sizeof *b) : NULL;
    if (!b) {
        mem_free(session);
        return NULL;
    }
    session->brought = b;
    memcpy(session->pid, pid.ptr, RAND_ID_LEN);
    memcpy(session->id, id.ptr, RAND_ID_LEN);
    buf_init(&b->names);
    buf_init(&b->data);
    buf_init(&b->stack);
    mpk_writer_init(&b->writer, &b->data, &b->stack, (unsigned)nsp->server->options->max_depth);
    return session;
}

static void brought_free(struct sio_brought *b)
{
    buf_deinit(&b->names);
    buf_deinit(&b->data);
    buf_deinit(&b->stack);
    while (b->count > 0)
        eio_frame_unref(b->missed[--b->count]);
    mem_free(b->missed);
    mem_free(b);
}

void sioc_session_free(struct sioc_session *session)
{
    if (!session)
        return;
    if (session->brought)
        brought_free(session->brought);
    mem_free(session->data);
    mem_free(session);
}

int sioc_session_add_room(struct sioc_session *session, struct sioc_str room)
{
    struct buf *names = session->brought ? &session->brought->names : NULL;
    if (!names || room.len > SIO_MAX_ROOM_NAME)
        return SIOC_EINVAL;
    char *to = (char *)buf_reserve(names, sio_names_size(room));
    if (!to)
        return names->error;
    sio_names_put(to, room);
    buf_commit(names, sio_names_size(room));
    session->names = (const char *)names->bytes;
    session->names_len = names->len;
    return 0;
}

struct sioc_sink *sioc_session_data(struct sioc_session *session)
{
    return &session->brought->writer.sink;
}

int sioc_session_add_missed(struct sioc_session *session, struct sioc_message *m)
{
    struct sio_brought *b = session->brought;
    int error = SIOC_ENOMEM;
    struct eio_frame *frame = NULL;
    if (mem_grow((void **)&b->missed, &b->cap, b->count + 1, sizeof(struct eio_frame *)) == 0)
        frame = sio_message_frame(m, SIOC_PACKET_EVENT, NULL, &error);
    if (frame)
        b->missed[b->count++] = frame;
    sioc_message_free(m);
    return frame ? 0 : error;
}

/* ---- using ---- */

int sio_session_send_missed(struct sioc_socket *s, const struct sioc_session *session)
{
    int error = 0;
    for (size_t i = 0; i < session->brought->count && error == 0; i++)
        error = sio_socket_send(s, session->brought->missed[i]);
    return error;
}

void sio_session_persist(struct sioc_namespace *nsp, struct sioc_session *session)
{
    struct sioc_adapter *adapter = nsp->adapter;
    if (adapter->ops->persist_session)
        adapter->ops->persist_session(adapter, session);
    sioc_session_free(session);
}
