/* base/map.c -- byte-string keys to pointers: linear probing over a power of two.
 *
 * Knows nothing of the values.  The hash is keyed with a secret of this process, so that a peer
 * who chooses keys (room names, event names) cannot make them collide.
 * Invariant: at least a quarter of the slots was never used, so every probe ends.
 */
#include "base/map.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include <pthread.h>

#define MAP_FIRST_SLOTS 8

/* Written once under pthread_once, read-only ever after. */
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;
static uint64_t hash_key[2];

static void hash_key_init(void)
{
    if (rand_bytes(hash_key, sizeof hash_key) == 0)
        return;
    /* No randomness from the system: worse, but better than a constant or no server at all. */
    hash_key[0] = clock_mono_ns() ^ (uint64_t)clock_wall_ms() << 20;
    hash_key[1] = (uint64_t)(uintptr_t)&hash_once * 0x9e3779b97f4a7c15u ^ clock_mono_ns();
}

static inline uint64_t rotl(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

/* Little endian on every machine, as the algorithm's test vectors want it. */
static inline uint64_t load_le(const unsigned char *p, size_t len)
{
    uint64_t word = 0;
    for (size_t i = 0; i < len; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
}

uint64_t map_siphash13(const uint64_t key[2], struct sioc_str bytes)
{
    struct sip s = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                    key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;
    for (; left >= 8; left -= 8, p += 8)
        sip_word(&s, load_le(p, 8));
    sip_word(&s, (uint64_t)bytes.len << 56 | load_le(p, left));
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t map_hash(struct sioc_str key)
{
    pthread_once(&hash_once, hash_key_init);
    return map_siphash13(hash_key, key);
}

void map_init(struct map *m)
{
    memset(m, 0, sizeof *m);
}

void map_deinit(struct map *m)
{
    mem_free(m->slots);
    map_init(m);
}

/* The slot that holds `key`, or NULL. */
static struct map_slot *find(const struct map *m, struct sioc_str key, uint32_t hash)
{
    if (m->count == 0)
        return NULL;
    size_t mask = m->cap - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_slot *slot = &m->slots[i];
        if (!slot->value && !slot->dead)
            return NULL;
        if (slot->value && slot->hash == hash && str_eq(slot->key, key))
            return slot;
    }
}

/* A slot for a key that is not in the table; there is one.  Reuses dead slots. */
static struct map_slot *find_room(struct map_slot *slots, size_t cap, uint32_t hash)
{
    size_t i = hash & (cap - 1);
    while (slots[i].value)
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

/* Doubles, or stays as big when it is dead entries that fill the table. */
static int rebuild(struct map *m)
{
    size_t cap = m->cap ? m->cap : MAP_FIRST_SLOTS, size;
    if (m->cap && m->count >= m->cap / 2 && !mem_mul(cap, 2, &cap))
        return SIOC_ENOMEM;
    if (!mem_mul(cap, sizeof *m->slots, &size))
        return SIOC_ENOMEM;
    struct map_slot *slots = mem_zalloc(size);
    if (!slots)
        return SIOC_ENOMEM;
    for (size_t i = 0; i < m->cap; i++) {
        if (m->slots[i].value)
            *find_room(slots, cap, m->slots[i].hash) = m->slots[i];
    }
    mem_free(m->slots);
    m->slots = slots;
    m->cap = cap;
    m->used = m->count;
    return 0;
}

void *map_get(const struct map *m, struct sioc_str key)
{
    if (m->count == 0)
        return NULL;
    struct map_slot *slot = find(m, key, (uint32_t)map_hash(key));
    return slot ? slot->value : NULL;
}

int map_add(struct map *m, struct sioc_str key, void *value)
{
    if (!value)
        return SIOC_EINVAL;
    uint32_t hash = (uint32_t)map_hash(key);
    if (find(m, key, hash))
        return SIOC_EEXIST;
    if (m->used >= m->cap - m->cap / 4) {
        int rc = rebuild(m);
        if (rc < 0)
            return rc;
    }
    struct map_slot *slot = find_room(m->slots, m->cap, hash);
    if (!slot->dead)
        m->used++;
    *slot = (struct map_slot){.key = key, .value = value, .hash = hash};
    m->count++;
    return 0;
}

void *map_remove(struct map *m, struct sioc_str key)
{
    struct map_slot *slot = m->count ? find(m, key, (uint32_t)map_hash(key)) : NULL;
    if (!slot)
        return NULL;
    void *value = slot->value;
    *slot = (struct map_slot){.dead = true};
    m->count--;
    /* When no probe runs on past this slot, it and the dead ones before it are free again: a
     * table that is filled and emptied over and over then rarely needs a rebuild. */
    size_t mask = m->cap - 1, i = (size_t)(slot - m->slots);
    const struct map_slot *next = &m->slots[(i + 1) & mask];
    if (next->value || next->dead)
        return value;
    for (; m->slots[i].dead; i = (i - 1) & mask) {
        m->slots[i].dead = false;
        m->used--;
    }
    return value;
}

void *map_next(const struct map *m, size_t *pos)
{
    while (*pos < m->cap) {
        void *value = m->slots[(*pos)++].value;
        if (value)
            return value;
    }
    return NULL;
}
