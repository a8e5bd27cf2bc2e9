/* socketio/topic.c -- topics of plain WebSockets.
 *
 * As with rooms (room.c): a dense array of members, each entry knows its counterpart's place,
 * so joining, leaving and publishing cost what they touch.  A topic lives while it has members.
 * Invariant: topic->members[i].websocket->topics[topic->members[i].place] is {topic, i}.
 */
#include "base/mem.h"
#include "socketio/websocket.h"

struct sio_member_of_topic {
    struct sioc_websocket *websocket;
    uint32_t place; /* in websocket->topics */
};

struct sio_topic {
    struct sio_member_of_topic *members;
    size_t count, cap;
    uint32_t name_len;
    char name[];
};

static struct sioc_str topic_name(const struct sio_topic *t)
{
    return sioc_str_n(t->name, t->name_len);
}

static struct sio_topic *topic_create(struct sioc_server *server, struct sioc_str name)
{
    struct sio_topic *t = mem_zalloc(sizeof *t + name.len);
    if (!t)
        return NULL;
    t->name_len = (uint32_t)name.len;
    if (name.len)
        memcpy(t->name, name.ptr, name.len);
    if (map_add(&server->topics, topic_name(t), t) < 0) {
        mem_free(t);
        return NULL;
    }
    return t;
}

static void drop_if_empty(struct sioc_server *server, struct sio_topic *t)
{
    if (t->count)
        return;
    map_remove(&server->topics, topic_name(t));
    mem_free(t->members);
    mem_free(t);
}

static bool find_place(const struct sioc_websocket *w, const struct sio_topic *t,
                       uint32_t *ret_place)
{
    for (uint32_t i = 0; i < w->topic_count; i++) {
        if (w->topics[i].topic == t) {
            *ret_place = i;
            return true;
        }
    }
    return false;
}

/* Room for one more on both sides. */
static int make_room(struct sioc_websocket *w, struct sio_topic *t)
{
    size_t cap = w->topic_cap;
    if (mem_grow((void **)&t->members, &t->cap, t->count + 1, sizeof *t->members) < 0 ||
        mem_grow((void **)&w->topics, &cap, w->topic_count + 1, sizeof *w->topics) < 0)
        return SIOC_ENOMEM;
    w->topic_cap = (uint32_t)cap;
    return 0;
}

int sioc_websocket_subscribe(struct sioc_websocket *w, struct sioc_str name)
{
    struct sioc_server *server = w->server;
    uint32_t place;
    if (!w->conn)
        return SIOC_ECLOSED;
    if (name.len > SIO_MAX_ROOM_NAME)
        return SIOC_ETOOBIG;
    struct sio_topic *t = map_get(&server->topics, name);
    if (t && find_place(w, t, &place))
        return 0;
    if (w->topic_count >= (uint32_t)server->options->max_rooms)
        return SIOC_ELIMIT;
    if (!t && !(t = topic_create(server, name)))
        return SIOC_ENOMEM;
    if (make_room(w, t) < 0) {
        drop_if_empty(server, t);
        return SIOC_ENOMEM;
    }
    t->members[t->count] = (struct sio_member_of_topic){w, w->topic_count};
    w->topics[w->topic_count++] = (struct sio_subscription){t, (uint32_t)t->count++};
    return 0;
}

static void leave_at(struct sioc_websocket *w, uint32_t place)
{
    struct sio_topic *t = w->topics[place].topic;
    uint32_t index = w->topics[place].index;

    struct sio_member_of_topic last = t->members[--t->count];
    t->members[index] = last;
    last.websocket->topics[last.place].index = index;

    struct sio_subscription moved = w->topics[--w->topic_count];
    w->topics[place] = moved;
    if (place < w->topic_count)
        moved.topic->members[moved.index].place = place;
    drop_if_empty(w->server, t);
}

void sioc_websocket_unsubscribe(struct sioc_websocket *w, struct sioc_str name)
{
    struct sio_topic *t = map_get(&w->server->topics, name);
    uint32_t place;
    if (t && find_place(w, t, &place))
        leave_at(w, place);
}

void sio_topics_leave_all(struct sioc_websocket *w)
{
    while (w->topic_count)
        leave_at(w, w->topic_count - 1);
    mem_free(w->topics);
    w->topics = NULL;
    w->topic_cap = 0;
}

bool sioc_websocket_topic_next(const struct sioc_websocket *w, size_t *pos,
                               struct sioc_str *ret_topic)
{
    if (*pos >= w->topic_count)
        return false;
    *ret_topic = topic_name(w->topics[(*pos)++].topic);
    return true;
}

/* Sending calls nobody back, so the members stay where they are. */
int sioc_publish(struct sioc_server *server, struct sioc_str name, struct sioc_str data,
                 bool is_binary, uint64_t except)
{
    int error, sent = 0;
    struct eio_frame *frame = sio_websocket_frame(data, is_binary, &error);
    if (!frame)
        return error;
    const struct sio_topic *t = map_get(&server->topics, name);
    for (size_t i = 0; t && i < t->count; i++) {
        struct sioc_websocket *w = t->members[i].websocket;
        if (w->handle != except && sio_websocket_send_frame(w, frame) == 0)
            sent++;
    }
    eio_frame_unref(frame);
    return sent;
}
