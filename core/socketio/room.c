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

struct sio_room *sio_room_find(const struct sioc_namespace *nsp, struct sioc_str name)
{
    return map_get(&nsp->rooms, name);
}

static struct sioc_str room_name(const struct sio_room *room)
{
    return sioc_str_n(room->name, room->name_len);
}

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
    return room;
}

static void room_drop_if_empty(struct sioc_namespace *nsp, struct sio_room *room)
{
    if (room->count)
        return;
    map_remove(&nsp->rooms, room_name(room));
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

int sio_room_join(struct sioc_socket *socket, struct sioc_str name)
{
    struct sioc_namespace *nsp = socket->nsp;
    struct sio_room *room = sio_room_find(nsp, name);
    uint32_t place;
    if (room && is_member(socket, room, &place))
        return 0;
    if (socket->room_count >= (uint32_t)nsp->server->options->max_rooms)
        return SIOC_ELIMIT;
    if (!room && !(room = room_create(nsp, name)))
        return SIOC_ENOMEM;
    if (mem_grow((void **)&room->members, &room->cap, room->count + 1, sizeof *room->members) <
            0 ||
        grow_memberships(socket) < 0) {
        room_drop_if_empty(nsp, room);
        return SIOC_ENOMEM;
    }
    room->members[room->count] = (struct sio_member){socket, socket->room_count};
    socket->rooms[socket->room_count] = (struct sio_membership){room, (uint32_t)room->count};
    room->count++;
    socket->room_count++;
    return 0;
}

static void leave_at(struct sioc_socket *socket, uint32_t place)
{
    struct sio_room *room = socket->rooms[place].room;
    uint32_t index = socket->rooms[place].index;

    struct sio_member last = room->members[--room->count];
    room->members[index] = last;
    last.socket->rooms[last.place].index = index;

    struct sio_membership moved = socket->rooms[--socket->room_count];
    socket->rooms[place] = moved;
    if (place < socket->room_count)
        moved.room->members[moved.index].place = place;
    room_drop_if_empty(socket->nsp, room);
}

void sio_room_leave(struct sioc_socket *socket, struct sioc_str name)
{
    struct sio_room *room = sio_room_find(socket->nsp, name);
    uint32_t place;
    if (room && is_member(socket, room, &place))
        leave_at(socket, place);
}

void sio_room_leave_all(struct sioc_socket *socket)
{
    while (socket->room_count)
        leave_at(socket, socket->room_count - 1);
    mem_free(socket->rooms);
    socket->rooms = NULL;
    socket->room_cap = 0;
}
