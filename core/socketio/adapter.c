/* socketio/adapter.c -- see adapter.h and <sioc/adapter.h>.
 *
 * Everything here begins with a look at namespace->adapter: without one, or where it has no
 * function for what is asked, the local functions do the work.  What is sent to many is
 * broadcast.c's.  Invariant: an adapter is closed once, and never called after that.
 */
#include "socketio/adapter.h"
#include "base/mem.h"
#include "socketio/message.h"
#include "socketio/namespace.h"
#include "socketio/room.h"
#include "socketio/socket.h"
#include "socketio/survey.h"

/* ---- making and closing ---- */

int sio_adapter_open(struct sioc_namespace *nsp)
{
    struct sioc_server *server = nsp->server;
    struct sioc_adapter *adapter = NULL;
    if (!server->adapter_open || nsp->is_parent)
        return 0;
    int error = server->adapter_open(server->adapter_user, nsp, &adapter);
    if (error < 0)
        return error;
    nsp->adapter = adapter;
    return 0;
}

void sio_adapter_close(struct sioc_namespace *nsp)
{
    struct sioc_adapter *adapter = nsp->adapter;
    nsp->adapter = NULL;
    if (adapter && adapter->ops->close)
        adapter->ops->close(adapter);
}

void sio_adapters_close(struct sioc_server *server)
{
    size_t pos = 0;
    struct sioc_namespace *nsp;
    server->adapter_open = NULL;
    while ((nsp = map_next(&server->namespaces, &pos)))
        sio_adapter_close(nsp);
}

int sioc_server_set_adapter(struct sioc_server *server,
                            int (*open)(void *user, struct sioc_namespace *nsp,
                                        struct sioc_adapter **ret_adapter),
                            void *user)
{
    size_t pos = 0, count = server->namespaces.count;
    struct sioc_namespace *nsp;
    int error = 0;
    sio_adapters_close(server);
    server->adapter_open = open;
    server->adapter_user = user;
    while (error == 0 && (nsp = map_next(&server->namespaces, &pos))) {
        if (!nsp->adapter)
            error = sio_adapter_open(nsp);
        if (server->namespaces.count != count) { /* it has made others: the table has moved */
            count = server->namespaces.count;
            pos = 0;
        }
    }
    if (error < 0)
        sio_adapters_close(server);
    return error;
}

struct sioc_adapter *sioc_namespace_adapter(const struct sioc_namespace *nsp)
{
    return nsp->adapter;
}

/* ---- rooms of one socket ---- */

static int check_join(const struct sioc_socket *s, struct sioc_str room)
{
    if (s->state == SIO_GONE || s->rooms_closed)
        return SIOC_ECLOSED;
    if (room.len <= SIO_MAX_ROOM_NAME)
        return 0;
    s->nsp->server->metrics.reject_rooms++;
    return SIOC_ETOOBIG;
}

int sioc_local_add(struct sioc_socket *s, struct sioc_str room)
{
    int error = check_join(s, room);
    if (error < 0)
        return error;
    if (!str_eq(room, sio_socket_id(s)))
        return sio_room_join(s, room);
    if (s->left_own_room)
        sio_room_join_own(s);
    return 0;
}

void sioc_local_del(struct sioc_socket *s, struct sioc_str room)
{
    if (s->state == SIO_GONE)
        return;
    if (!str_eq(room, sio_socket_id(s)))
        sio_room_leave(s, room);
    else if (!s->left_own_room && s->state != SIO_CONNECTING)
        sio_room_leave_own(s);
}

void sioc_local_del_all(struct sioc_socket *s)
{
    bool closed = s->rooms_closed;
    if (s->state == SIO_GONE)
        return;
    if (s->state == SIO_CONNECTED && !s->left_own_room)
        sio_room_leave_own(s);
    sio_room_leave_all(s);
    s->rooms_closed = closed;
}

int sioc_socket_join(struct sioc_socket *s, struct sioc_str room)
{
    struct sioc_adapter *adapter = s->nsp->adapter;
    if (!adapter || !adapter->ops->add)
        return sioc_local_add(s, room);
    int error = check_join(s, room);
    return error < 0 ? error : adapter->ops->add(adapter, s, room);
}

int sioc_socket_leave(struct sioc_socket *s, struct sioc_str room)
{
    struct sioc_adapter *adapter = s->nsp->adapter;
    if (s->state == SIO_GONE)
        return SIOC_ECLOSED;
    if (adapter && adapter->ops->del)
        adapter->ops->del(adapter, s, room);
    else
        sioc_local_del(s, room);
    return 0;
}

int sio_adapter_add_own(struct sioc_socket *s)
{
    struct sioc_adapter *adapter = s->nsp->adapter;
    if (!adapter || !adapter->ops->add) {
        sio_room_join_own(s);
        return 0;
    }
    s->left_own_room = true; /* until it is added */
    return adapter->ops->add(adapter, s, sio_socket_id(s));
}

void sio_adapter_del_all(struct sioc_socket *s)
{
    struct sioc_adapter *adapter = s->nsp->adapter;
    if (adapter && adapter->ops->del_all)
        adapter->ops->del_all(adapter, s);
    sio_room_leave_all(s); /* in any case: its memory goes */
}

/* ---- rooms of many, and their end ---- */

struct move {
    const struct sioc_str *rooms;
    size_t count;
};

static void join(void *user, struct sioc_socket *s)
{
    const struct move *m = user;
    for (size_t i = 0; i < m->count; i++)
        sioc_socket_join(s, m->rooms[i]);
}

static void leave(void *user, struct sioc_socket *s)
{
    const struct move *m = user;
    for (size_t i = 0; i < m->count; i++)
        sioc_socket_leave(s, m->rooms[i]);
}

static void disconnect(void *user, struct sioc_socket *s)
{
    sioc_socket_disconnect(s, *(const bool *)user);
}

void sioc_local_join(struct sioc_namespace *nsp, const struct sioc_target *target,
                     const struct sioc_str *rooms, size_t count)
{
    struct move m = {rooms, count};
    sioc_for_each_socket(nsp, target, join, &m);
}

void sioc_local_leave(struct sioc_namespace *nsp, const struct sioc_target *target,
                      const struct sioc_str *rooms, size_t count)
{
    struct move m = {rooms, count};
    sioc_for_each_socket(nsp, target, leave, &m);
}

void sioc_local_disconnect(struct sioc_namespace *nsp, const struct sioc_target *target,
                           bool close)
{
    sioc_for_each_socket(nsp, target, disconnect, &close);
}

/* What is asked of a parent is asked of each child. */
struct wish {
    enum { WISH_JOIN, WISH_LEAVE, WISH_DISCONNECT } what;
    const struct sioc_target *target;
    const struct sioc_str *rooms;
    size_t count;
    bool close;
};

static void grant(struct sioc_namespace *nsp, const struct wish *w)
{
    struct sioc_adapter *adapter = nsp->adapter;
    const struct sioc_adapter_ops none = {0}, *ops = adapter ? adapter->ops : &none;
    if (w->what == WISH_JOIN && ops->join)
        ops->join(adapter, w->target, w->rooms, w->count);
    else if (w->what == WISH_JOIN)
        sioc_local_join(nsp, w->target, w->rooms, w->count);
    else if (w->what == WISH_LEAVE && ops->leave)
        ops->leave(adapter, w->target, w->rooms, w->count);
    else if (w->what == WISH_LEAVE)
        sioc_local_leave(nsp, w->target, w->rooms, w->count);
    else if (ops->disconnect)
        ops->disconnect(adapter, w->target, w->close);
    else
        sioc_local_disconnect(nsp, w->target, w->close);
}

static void grant_all(struct sioc_namespace *nsp, const struct wish *w)
{
    size_t count;
    if (!nsp->is_parent) {
        grant(nsp, w);
        return;
    }
    struct sioc_namespace **children = sio_namespace_children(nsp, &count);
    for (size_t i = 0; i < count; i++) {
        grant(children[i], w);
        sioc_namespace_unref(children[i]);
    }
    mem_free(children);
}

void sioc_sockets_join(struct sioc_namespace *nsp, const struct sioc_target *target,
                       const struct sioc_str *rooms, size_t count)
{
    grant_all(nsp, &(struct wish){WISH_JOIN, target, rooms, count, false});
}

void sioc_sockets_leave(struct sioc_namespace *nsp, const struct sioc_target *target,
                        const struct sioc_str *rooms, size_t count)
{
    grant_all(nsp, &(struct wish){WISH_LEAVE, target, rooms, count, false});
}

void sioc_sockets_disconnect(struct sioc_namespace *nsp, const struct sioc_target *target,
                             bool close)
{
    grant_all(nsp, &(struct wish){WISH_DISCONNECT, target, NULL, 0, close});
}

/* ---- who is there ---- */

struct fetch {
    struct sioc_server *server;
    uint64_t survey;
};

static int put_id(void *user, struct sioc_sink *sink)
{
    return sioc_put_str(sink, sio_socket_id(user));
}

static void found(void *user, struct sioc_socket *s)
{
    const struct fetch *f = user;
    if (sioc_survey_expect(f->server, f->survey, 1) == 0)
        sioc_survey_answer(f->server, f->survey, put_id, s);
}

void sioc_local_fetch(struct sioc_namespace *nsp, const struct sioc_target *target,
                      uint64_t survey)
{
    struct fetch f = {nsp->server, survey};
    sioc_for_each_socket(nsp, target, found, &f);
}

int sioc_fetch_sockets(struct sioc_namespace *nsp, const struct sioc_target *target, bool ids,
                       const struct sioc_emit *emit)
{
    struct sioc_adapter *adapter = nsp->adapter;
    if (!adapter || !adapter->ops->fetch)
        return SIOC_ENOTFOUND;
    struct sio_survey *survey = sio_survey_new(nsp, emit);
    if (!survey)
        return SIOC_ENOMEM;
    adapter->ops->fetch(adapter, target, ids, sio_survey_handle(survey));
    sio_survey_begin(survey);
    return 0;
}

/* ---- one socket ---- */

int sio_adapter_emit(struct sioc_socket *s, struct sioc_message *m,
                     const struct sioc_emit *emit)
{
    struct sioc_adapter *adapter = s->nsp->adapter;
    struct sioc_str id = sio_socket_id(s);
    const struct sioc_target target = {.rooms = &id, .room_count = 1};
    m->nsp = s->nsp;
    int error = sio_message_complete(m);
    if (error < 0)
        return error;
    return adapter->ops->broadcast ? adapter->ops->broadcast(adapter, &target, m, emit)
                                   : sioc_local_broadcast(s->nsp, &target, m, emit);
}
