/* socketio/room.c -- see room.h.
 *
 * A room is a dense array of members, and a socket has a dense array of its rooms; each entry
 * knows its counterpart's place, so both removals are a swap with the last one.  A room lives
 * while it has members. A socket's own id is a room without a record: it is looked up among the
 * sockets (broadcast.c). Invariant: room->members[i].socket->rooms[room->members[i].place] is
 * {room, i}.
 */
#include "socketio/room.h"
#include "base/mem.h"
#include "socketio/namespace.h"

struct sio_room *sio_room_find(const struct sioc_namespace *nsp, struct sioc_str name)
{
    return map_get(&nsp->rooms, name);
}

static struct sioc_str room_name(const struct sio_room *room)
{
    return sioc_str_n(room->name, room->name_len);
}

/* ---- telling: handlers may do anything, so it comes after every change ---- */

static bool is_heard(const struct sioc_namespace *nsp)
{
    return nsp->hears_rooms || (nsp->parent && nsp->parent->hears_rooms);
}

static void tell(struct sioc_namespace *nsp, struct sioc_socket *socket, const char *what,
                 struct sioc_str room)
{
    struct sioc_event event = {.kind = SIOC_EVENT_ROOM,
                               .socket = socket,
                               .nsp = nsp,
                               .name = sioc_str(what),
                               .room = room};
    sio_namespace_tell(nsp, event.name, &event);
}

static bool is_own_room(const struct sioc_namespace *nsp, struct sioc_str name)
{
    const struct sioc_socket *own = keyset_get(&nsp->sockets_by_id, name);
    return own && !own->left_own_room;
}

/* ---- records ---- */

static struct sio_room *room_create(struct sioc_namespace *nsp, struct sioc_str name)
{
    struct sio_room *room = mem_zalloc(sizeof *room + name.len);
    if (!room)
        return NULL;
    room->name_len = (uint32_t)name.len;
    if (name.len)
        memcpy(room->name, name.ptr, name.len);
    if (map_add(&nsp->rooms, room_name(room), room) < 0) {
        mem_free(room);
        return NULL;
    }
    nsp->server->room_count++;
    return room;
}

/* Out of the table, but not free yet. */
static bool take_out_if_empty(struct sioc_namespace *nsp, struct sio_room *room)
{
    if (room->count)
        return false;
    map_remove(&nsp->rooms, room_name(room));
    nsp->server->room_count--;
    return true;
}

static void room_free(struct sio_room *room)
{
    mem_free(room->members);
    mem_free(room);
}

static bool is_member(const struct sioc_socket *socket, const struct sio_room *room,
                      uint32_t *ret_place)
{
    for (uint32_t i = 0; i < socket->room_count; i++) {
        if (socket->rooms[i].room == room) {
            *ret_place = i;
            return true;
        }
    }
    return false;
}

static int grow_memberships(struct sioc_socket *socket)
{
    size_t cap = socket->room_cap;
    int error =
        mem_grow((void **)&socket->rooms, &cap, socket->room_count + 1, sizeof *socket->rooms);
    if (error == 0)
        socket->room_cap = (uint32_t)cap;
    return error;
}

static void tell_of_joining(struct sioc_socket *socket, struct sioc_str name, bool created)
{
    struct sioc_namespace *nsp = socket->nsp;
    uint32_t place;
    if (created && !is_own_room(nsp, name))
        tell(nsp, NULL, "create-room", name);
    struct sio_room *room = sio_room_find(nsp, name);
    if (room && is_member(socket, room, &place)) /* still */
        tell(nsp, socket, "join-room", name);
}

int sio_room_join(struct sioc_socket *socket, struct sioc_str name)
{
    struct sioc_namespace *nsp = socket->nsp;
    struct sio_room *room = sio_room_find(nsp, name);
    bool created = !room;
    uint32_t place;
    if (room && is_member(socket, room, &place))
        return 0;
    const struct sioc_options *limits = nsp->server->options;
    if (socket->room_count >= (uint32_t)limits->max_rooms ||
        (created && nsp->server->room_count >= (size_t)limits->max_rooms_total)) {
        nsp->server->metrics.reject_rooms++;
        return SIOC_ELIMIT;
    }
    if (!room && !(room = room_create(nsp, name)))
        return SIOC_ENOMEM;
    if (mem_grow((void **)&room->members, &room->cap, room->count + 1, sizeof *room->members) <
            0 ||
        grow_memberships(socket) < 0) {
        if (take_out_if_empty(nsp, room))
            room_free(room);
        return SIOC_ENOMEM;
    }
    room->members[room->count] = (struct sio_member){socket, socket->room_count};
    socket->rooms[socket->room_count] = (struct sio_membership){room, (uint32_t)room->count};
    room->count++;
    socket->room_count++;
    if (is_heard(nsp))
        tell_of_joining(socket, name, created);
    return 0;
}

/* The name of a room that is not empty may go while its handlers run: it is copied. */
static void tell_of_leaving(struct sioc_socket *socket, const struct sio_room *room, bool empty)
{
    struct sioc_namespace *nsp = socket->nsp;
    char copy[SIO_MAX_ROOM_NAME];
    struct sioc_str name = sioc_str_n(copy, room->name_len);
    memcpy(copy, room->name, room->name_len);
    tell(nsp, socket, "leave-room", name);
    if (empty && !is_own_room(nsp, name) && !sio_room_find(nsp, name))
        tell(nsp, NULL, "delete-room", name);
}

static void leave_at(struct sioc_socket *socket, uint32_t place)
{
    struct sioc_namespace *nsp = socket->nsp;
    struct sio_room *room = socket->rooms[place].room;
    uint32_t index = socket->rooms[place].index;

    struct sio_member last = room->members[--room->count];
    room->members[index] = last;
    last.socket->rooms[last.place].index = index;

    struct sio_membership moved = socket->rooms[--socket->room_count];
    socket->rooms[place] = moved;
    if (place < socket->room_count)
        moved.room->members[moved.index].place = place;
    bool empty = take_out_if_empty(nsp, room);
    if (is_heard(nsp))
        tell_of_leaving(socket, room, empty);
    if (empty)
        room_free(room);
}

void sio_room_leave(struct sioc_socket *socket, struct sioc_str name)
{
    struct sio_room *room = sio_room_find(socket->nsp, name);
    uint32_t place;
    if (room && is_member(socket, room, &place))
        leave_at(socket, place);
}

void sio_room_join_own(struct sioc_socket *socket)
{
    struct sioc_namespace *nsp = socket->nsp;
    socket->left_own_room = false;
    if (!is_heard(nsp))
        return;
    if (!sio_room_find(nsp, sio_socket_id(socket)))
        tell(nsp, NULL, "create-room", sio_socket_id(socket));
    tell(nsp, socket, "join-room", sio_socket_id(socket));
}

void sio_room_leave_own(struct sioc_socket *socket)
{
    struct sioc_namespace *nsp = socket->nsp;
    socket->left_own_room = true;
    if (!is_heard(nsp))
        return;
    tell(nsp, socket, "leave-room", sio_socket_id(socket));
    if (!sio_room_find(nsp, sio_socket_id(socket)))
        tell(nsp, NULL, "delete-room", sio_socket_id(socket));
}

void sio_room_leave_all(struct sioc_socket *socket)
{
    socket->rooms_closed = true;
    if (socket->state == SIO_LEAVING && !socket->left_own_room)
        sio_room_leave_own(socket);
    while (socket->room_count)
        leave_at(socket, socket->room_count - 1);
    mem_free(socket->rooms);
    socket->rooms = NULL;
    socket->room_cap = 0;
}

/* Records first, then sockets whose own room has none. */
bool sioc_namespace_room_next(const struct sioc_namespace *nsp, size_t *pos,
                              struct sioc_str *ret_room)
{
    const struct sio_room *room = map_next(&nsp->rooms, pos);
    if (room) {
        *ret_room = room_name(room);
        return true;
    }
    while (*pos - nsp->rooms.cap < nsp->socket_count) {
        const struct sioc_socket *s = nsp->sockets[(*pos)++ - nsp->rooms.cap];
        if (!s->left_own_room && !sio_room_find(nsp, sio_socket_id(s))) {
            *ret_room = sio_socket_id(s);
            return true;
        }
    }
    return false;
}
