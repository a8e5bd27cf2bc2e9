/* socketio/handlers.c -- see handlers.h. */
#include "socketio/handlers.h"
#include "base/mem.h"

static struct sioc_str name_of(const struct sio_listener *l)
{
    return sioc_str_n(l->name, l->name_len);
}

/* Eight bytes of a name: most names are told apart by them, and those of up to eight bytes by
 * nothing else, as then every byte of the name is in it. */
static uint64_t tag_of(struct sioc_str name)
{
    const unsigned char *bytes = (const unsigned char *)name.ptr;
    uint64_t tag = 0;
    uint32_t first, last;
    if (name.len >= 8) {
        memcpy(&tag, bytes, 8);
    } else if (name.len >= 4) {
        memcpy(&first, bytes, 4);
        memcpy(&last, bytes + name.len - 4, 4);
        tag = (uint64_t)last << 32 | first;
    } else if (name.len > 0) {
        tag =
            (uint64_t)bytes[0] << 16 | (uint64_t)bytes[name.len / 2] << 8 | bytes[name.len - 1];
    }
    return tag;
}

static bool is_of(const struct sio_listener *l, struct sioc_str name, uint64_t tag)
{
    if (!l->name || !name.ptr)
        return !l->name && !name.ptr;
    return l->tag == tag && l->name_len == name.len &&
           (name.len <= sizeof tag || str_eq(name_of(l), name));
}

static int make_room(struct sio_listeners **list)
{
    struct sio_listeners *old = *list;
    uint32_t cap = old ? old->cap : 0;
    if (old && old->count < cap)
        return 0;
    cap = cap ? cap * 2 : 4;
    struct sio_listeners *grown = mem_realloc(old, sizeof *old + cap * sizeof old->items[0]);
    if (!grown)
        return SIOC_ENOMEM;
    if (!old)
        grown->count = grown->every = 0;
    grown->cap = cap;
    *list = grown;
    return 0;
}

int sio_listeners_add(struct sio_listeners **list, struct sioc_str name,
                      struct sioc_handler handler, unsigned flags)
{
    struct sio_listener entry = {
        .tag = tag_of(name), .name_len = (uint32_t)name.len, .handler = handler};
    entry.once = (flags & SIOC_ONCE) != 0;
    if (name.ptr && !(entry.name = mem_dup(name.ptr, name.len)))
        return SIOC_ENOMEM;
    if (make_room(list) < 0) {
        mem_free(entry.name);
        return SIOC_ENOMEM;
    }
    struct sio_listeners *l = *list;
    uint32_t at = l->count;
    if (flags & SIOC_PREPEND) {
        memmove(l->items + 1, l->items, l->count * sizeof l->items[0]);
        at = 0;
    }
    l->items[at] = entry;
    l->count++;
    l->every += !name.ptr;
    return 0;
}

static void remove_at(struct sio_listeners *l, uint32_t at)
{
    struct sio_listener gone = l->items[at];
    l->count--;
    l->every -= !gone.name;
    memmove(l->items + at, l->items + at + 1, (l->count - at) * sizeof l->items[0]);
    mem_free(gone.name);
    sio_handler_drop(&gone.handler);
}

int sio_listeners_remove(struct sio_listeners **list, struct sioc_str name, const void *user,
                         intptr_t ref)
{
    int removed = 0;
    uint64_t tag = tag_of(name);
    for (uint32_t i = 0; *list && i < (*list)->count;) {
        const struct sio_listener *l = &(*list)->items[i];
        bool match = is_of(l, name, tag) &&
                     (!user || (l->handler.user == user && l->handler.ref == ref));
        if (match) {
            remove_at(*list, i);
            removed++;
        } else {
            i++;
        }
    }
    return removed;
}

void sio_listeners_free(struct sio_listeners **list)
{
    struct sio_listeners *l = *list;
    *list = NULL;
    if (!l)
        return;
    for (uint32_t i = 0; i < l->count; i++) {
        mem_free(l->items[i].name);
        sio_handler_drop(&l->items[i].handler);
    }
    mem_free(l);
}

bool sio_listeners_have(const struct sio_listeners *l, struct sioc_str name)
{
    uint64_t tag = tag_of(name);
    for (uint32_t i = 0; l && i < l->count; i++)
        if (is_of(&l->items[i], name, tag))
            return true;
    return false;
}

bool sio_listeners_next(const struct sio_listeners *l, struct sioc_str name, size_t *pos,
                        struct sioc_handler *ret_handler)
{
    uint64_t tag = tag_of(name);
    while (l && *pos < l->count) {
        const struct sio_listener *entry = &l->items[(*pos)++];
        if (is_of(entry, name, tag)) {
            *ret_handler = entry->handler;
            return true;
        }
    }
    return false;
}

/* Calls one handler that was found; a once-handler leaves the list first, but is dropped after.
 */
static void call_one(struct sio_listeners **list, uint32_t at, struct sioc_event *event)
{
    struct sio_listener *l = &(*list)->items[at];
    struct sioc_handler handler = l->handler;
    if (l->once) {
        l->handler.drop = NULL;
        remove_at(*list, at);
        handler.call(handler.user, handler.ref, event);
        sio_handler_drop(&handler);
        return;
    }
    handler.call(handler.user, handler.ref, event);
}

/* The rare case: several handlers of one name, whose list may change under us.  Each is looked
 * up again by what it is before it is called. */
static void call_many(struct sio_listeners **list, struct sioc_str name,
                      struct sioc_event *event, uint32_t count)
{
    struct sioc_handler *snapshot = mem_alloc(count * sizeof *snapshot);
    if (!snapshot)
        return;
    uint32_t n = 0;
    uint64_t tag = tag_of(name);
    for (uint32_t i = 0; i < (*list)->count; i++)
        if (is_of(&(*list)->items[i], name, tag))
            snapshot[n++] = (*list)->items[i].handler;
    for (uint32_t i = 0; i < n && event->decode_error == 0; i++) {
        for (uint32_t at = 0; *list && at < (*list)->count; at++) {
            const struct sio_listener *l = &(*list)->items[at];
            if (is_of(l, name, tag) && l->handler.user == snapshot[i].user &&
                l->handler.ref == snapshot[i].ref && l->handler.call == snapshot[i].call) {
                call_one(list, at, event);
                break;
            }
        }
    }
    mem_free(snapshot);
}

bool sio_listeners_call(struct sio_listeners **list, struct sioc_str name,
                        struct sioc_event *event)
{
    struct sio_listeners *l = *list;
    uint32_t found = 0, first = 0;
    if (!l || (!name.ptr && !l->every))
        return false;
    uint64_t tag = tag_of(name);
    for (uint32_t i = 0; i < l->count; i++) {
        if (l->items[i].tag != tag) /* as nearly all of them, when they are many */
            continue;
        if (is_of(&l->items[i], name, tag) && found++ == 0)
            first = i;
    }
    if (found == 1)
        call_one(list, first, event);
    else if (found > 1)
        call_many(list, name, event, found);
    return found > 0;
}
