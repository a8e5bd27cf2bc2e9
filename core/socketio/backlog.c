/* socketio/backlog.c -- see backlog.h. */
#include "socketio/backlog.h"
#include "base/mem.h"
#include "base/str.h"

#define FIRST_CAP      64
#define OVERHEAD_BYTES 64 /* a slot, and what the allocator keeps for itself */

/* ---- names ---- */

size_t sio_names_size(struct sioc_str name)
{
    return 2 + name.len;
}

char *sio_names_put(char *at, struct sioc_str name)
{
    at[0] = (char)(unsigned char)(name.len >> 8);
    at[1] = (char)(unsigned char)name.len;
    if (name.len)
        memcpy(at + 2, name.ptr, name.len);
    return at + 2 + name.len;
}

struct sioc_str sio_names_next(const char **at)
{
    const unsigned char *u = (const unsigned char *)*at;
    struct sioc_str name = sioc_str_n(*at + 2, (size_t)u[0] << 8 | u[1]);
    *at += 2 + name.len;
    return name;
}

/* No room has so long a name, cut or not. */
static struct sioc_str cut(struct sioc_str name)
{
    return str_part(name, 0, UINT16_MAX);
}

/* ---- one packet ---- */

static size_t names_size(const struct sio_audience *a)
{
    size_t size = a->sender.ptr ? sio_names_size(a->sender) : 0;
    for (size_t i = 0; i < a->room_count; i++)
        size += sio_names_size(cut(a->rooms[i]));
    for (size_t i = 0; i < a->except_count; i++)
        size += sio_names_size(cut(a->except[i]));
    return size;
}

static void put_names(struct sio_kept *k, const struct sio_audience *a)
{
    char *at = k->names;
    for (size_t i = 0; i < a->room_count; i++)
        at = sio_names_put(at, cut(a->rooms[i]));
    for (size_t i = 0; i < a->except_count; i++)
        at = sio_names_put(at, cut(a->except[i]));
    if (a->sender.ptr)
        sio_names_put(at, a->sender);
}

static struct sio_kept *kept_new(uint64_t now_ms, struct eio_frame *frame,
                                 const struct sio_audience *audience)
{
    size_t size = sizeof(struct sio_kept) + names_size(audience);
    struct sio_kept *k = mem_alloc(size);
    if (!k)
        return NULL;
    *k = (struct sio_kept){.frame = eio_frame_ref(frame),
                           .at_ms = now_ms,
                           .bytes = size + frame->chunk.len + OVERHEAD_BYTES,
                           .rooms = (uint32_t)audience->room_count,
                           .except = (uint32_t)audience->except_count +
                                     (audience->sender.ptr != NULL)};
    put_names(k, audience);
    return k;
}

static void kept_free(struct sio_kept *k)
{
    eio_frame_unref(k->frame);
    mem_free(k);
}

bool sio_kept_is_for(const struct sio_kept *k, const struct map *rooms)
{
    const char *at = k->names;
    bool meant = k->rooms == 0;
    for (uint32_t i = 0; i < k->rooms; i++)
        meant = map_get(rooms, sio_names_next(&at)) || meant;
    for (uint32_t i = 0; i < k->except && meant; i++)
        meant = !map_get(rooms, sio_names_next(&at));
    return meant;
}

/* ---- the ring ---- */

void sio_backlog_init(struct sio_backlog *b, size_t max_packets, size_t max_bytes,
                      uint64_t max_age_ms)
{
    *b = (struct sio_backlog){.first = 1,
                              .next = 1,
                              .max_packets = max_packets,
                              .max_bytes = max_bytes,
                              .max_age_ms = max_age_ms};
}

static struct sio_kept **slot(const struct sio_backlog *b, uint64_t number)
{
    return &b->slots[number & (b->cap - 1)];
}

static void drop_first(struct sio_backlog *b)
{
    struct sio_kept *k = *slot(b, b->first++);
    b->bytes -= k->bytes;
    kept_free(k);
}

static void drop_all(struct sio_backlog *b)
{
    while (b->first < b->next)
        drop_first(b);
}

void sio_backlog_deinit(struct sio_backlog *b)
{
    drop_all(b);
    mem_free(b->slots);
    b->slots = NULL;
    b->cap = 0;
}

/* Room for one more: twice the slots, each number where it belongs then. */
static int grow(struct sio_backlog *b)
{
    size_t count = (size_t)(b->next - b->first), cap = b->cap ? b->cap * 2 : FIRST_CAP, bytes;
    if (count < b->cap)
        return 0;
    struct sio_kept **slots =
        mem_mul(cap, sizeof(struct sio_kept *), &bytes) ? mem_alloc(bytes) : NULL;
    if (!slots)
        return SIOC_ENOMEM;
    for (uint64_t n = b->first; n < b->next; n++)
        slots[n & (cap - 1)] = *slot(b, n);
    mem_free(b->slots);
    b->slots = slots;
    b->cap = cap;
    return 0;
}

void sio_backlog_add(struct sio_backlog *b, uint64_t now_ms, struct eio_frame *frame,
                     const struct sio_audience *audience)
{
    struct sio_kept *k = grow(b) == 0 ? kept_new(now_ms, frame, audience) : NULL;
    uint64_t number = b->next;
    if (k) {
        *slot(b, b->next++) = k;
        b->bytes += k->bytes;
    } else {
        b->evicted += b->next - b->first + 1;
        drop_all(b);
        b->first = b->next = number + 1;
    }
    while (b->next - b->first > b->max_packets || b->bytes > b->max_bytes) {
        b->evicted++;
        drop_first(b);
    }
}

void sio_backlog_expire(struct sio_backlog *b, uint64_t now_ms)
{
    while (b->first < b->next && now_ms - (*slot(b, b->first))->at_ms > b->max_age_ms)
        drop_first(b);
}

const struct sio_kept *sio_backlog_get(const struct sio_backlog *b, uint64_t number)
{
    return *slot(b, number);
}
