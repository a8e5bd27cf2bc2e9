/* script/shared.c -- <sioc/shared.h>: entries by name and key, and drafts over them.
 *
 * Everything that is done to a store is a *step*: plain data, done under the one lock of the
 * undermost store.  A draft does it to its own entries, which hide those of its parent, and
 * writes it down; committing does the same steps with the parent.  Values are counted blobs, so
 * reading holds the lock for a look only.
 * Invariant: bytes is what the entries and the written steps of this store cost; an entry
 * without a value (of a draft only) says that the key is gone.
 */
#include "script/shared.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "script/shared_expiry.h"
#include "script/shared_value.h"
#include <pthread.h>
#include <stdatomic.h>

#define SWEEP      8  /* entries that are over, looked at with each step */
#define ENTRY_COST 96 /* of an entry beside key and value: itself, its place in the map */
#define KEY_BYTES  (2 + SIOC_SHARED_MAX_NAME + SIOC_SHARED_MAX_KEY)

struct blob {
    atomic_uint refs;
    size_t len;
    char bytes[];
};

struct entry {
    struct script_expiry expiry;
    struct blob *value; /* NULL: gone */
    size_t key_len;
    char key[];
};

enum kind { SET, ADD, REMOVE, CAS, INCR };

struct step {
    enum kind kind;
    struct sioc_str key;    /* name and key in one */
    struct sioc_str before; /* CAS; ptr NULL: nothing is to be there */
    struct sioc_str value;  /* ptr NULL: it is to go */
    struct sioc_shared_number by;
    uint64_t ends_ms; /* 0: never */
};

/* A step that was written down, with its bytes. */
struct noted {
    struct step step;
    size_t cost;
    char bytes[];
};

struct sioc_shared {
    struct sioc_shared *parent; /* NULL: no draft */
    pthread_mutex_t lock;       /* these four: of the undermost one only */
    struct script_expiries expiries;
    size_t max_bytes;
    uint64_t (*now_ms)(void);
    struct map entries;
    size_t bytes;
    struct noted **noted; /* of a draft */
    size_t noted_count, noted_cap;
};

/* ---- parts ---- */

static struct blob *blob_new(struct sioc_str bytes)
{
    size_t size;
    struct blob *b = mem_add(sizeof *b, bytes.len, &size) ? mem_alloc(size) : NULL;
    if (!b)
        return NULL;
    atomic_init(&b->refs, 1);
    b->len = bytes.len;
    memcpy(b->bytes, bytes.ptr, bytes.len);
    return b;
}

static struct sioc_str blob_bytes(const struct blob *b)
{
    return b ? sioc_str_n(b->bytes, b->len) : sioc_str_n(NULL, 0);
}

static void blob_unref(struct blob *b)
{
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
        mem_free(b);
}

static struct sioc_str key_of(const struct entry *e)
{
    return sioc_str_n(e->key, e->key_len);
}

static size_t cost_of(const struct entry *e)
{
    return ENTRY_COST + e->key_len + (e->value ? e->value->len : 0);
}

static struct sioc_shared *root_of(struct sioc_shared *s)
{
    while (s->parent)
        s = s->parent;
    return s;
}

/* The key in `buffer`: how long the name is, the name, the key. */
static int make_key(struct sioc_str name, struct sioc_str key, char buffer[KEY_BYTES],
                    struct sioc_str *ret_key)
{
    if (name.len > SIOC_SHARED_MAX_NAME || key.len > SIOC_SHARED_MAX_KEY)
        return SIOC_ETOOBIG;
    buffer[0] = (char)(unsigned char)(name.len >> 8);
    buffer[1] = (char)(unsigned char)name.len;
    if (name.len)
        memcpy(buffer + 2, name.ptr, name.len);
    if (key.len)
        memcpy(buffer + 2 + name.len, key.ptr, key.len);
    *ret_key = sioc_str_n(buffer, 2 + name.len + key.len);
    return 0;
}

/* ---- entries ---- */

static void entry_drop(struct sioc_shared *s, struct entry *e)
{
    map_remove(&s->entries, key_of(e));
    script_expiry_remove(&s->expiries, &e->expiry);
    s->bytes -= cost_of(e);
    blob_unref(e->value);
    mem_free(e);
}

static bool is_over(const struct entry *e, uint64_t now)
{
    return e->expiry.at_ms != 0 && e->expiry.at_ms <= now;
}

/* Up to `count` entries that are over; whether there was one. */
static bool sweep(struct sioc_shared *root, uint64_t now, int count)
{
    struct script_expiry *due;
    bool any = false;
    while (count-- > 0 && (due = script_expiry_due(&root->expiries, now))) {
        entry_drop(root, (struct entry *)(void *)due); /* its first member */
        any = true;
    }
    return any;
}

/* What the store shows for that key. */
static struct entry *look(const struct sioc_shared *s, struct sioc_str key, uint64_t now)
{
    for (; s; s = s->parent) {
        struct entry *e = map_get(&s->entries, key);
        if (e)
            return e->value && !is_over(e, now) ? e : NULL;
    }
    return NULL;
}

/* Whether that many bytes more fit, when what is over has gone. */
static bool has_room(struct sioc_shared *s, size_t more, uint64_t now)
{
    struct sioc_shared *root = root_of(s);
    do {
        size_t all = more;
        for (const struct sioc_shared *at = s; at; at = at->parent)
            all += at->bytes;
        if (all <= root->max_bytes)
            return true;
    } while (sweep(root, now, 1));
    return false;
}

static struct entry *entry_new(struct sioc_shared *s, struct sioc_str key)
{
    struct entry *e = mem_alloc(sizeof *e + key.len);
    if (!e)
        return NULL;
    *e = (struct entry){.key_len = key.len};
    memcpy(e->key, key.ptr, key.len);
    if (map_add(&s->entries, key_of(e), e) < 0) {
        mem_free(e);
        return NULL;
    }
    s->bytes += cost_of(e);
    return e;
}

/* The entry of this store itself, unless it is over. */
static struct entry *own(struct sioc_shared *s, struct sioc_str key, uint64_t now)
{
    struct entry *e = map_get(&s->entries, key);
    if (!e || s->parent || !is_over(e, now))
        return e;
    entry_drop(s, e);
    return NULL;
}

/* Everything that may fail comes first. */
static int put(struct sioc_shared *s, struct sioc_str key, struct sioc_str value,
               uint64_t ends_ms, uint64_t now)
{
    struct entry *e = own(s, key, now);
    size_t before = e && e->value ? e->value->len : 0;
    size_t more = e ? 0 : ENTRY_COST + key.len;
    more += value.len > before ? value.len - before : 0;
    if (more > 0 && !has_room(s, more, now))
        return SIOC_EFULL;
    if (!s->parent && script_expiry_reserve(&s->expiries) < 0)
        return SIOC_ENOMEM;
    struct blob *blob = value.ptr ? blob_new(value) : NULL;
    if ((value.ptr && !blob) || (!e && !(e = entry_new(s, key)))) {
        blob_unref(blob);
        return SIOC_ENOMEM;
    }
    if (s->parent)
        e->expiry.at_ms = ends_ms;
    else
        script_expiry_set(&s->expiries, &e->expiry, ends_ms);
    s->bytes -= cost_of(e);
    blob_unref(e->value);
    e->value = blob;
    s->bytes += cost_of(e);
    return 0;
}

/* A draft remembers that it is gone. */
static int take_out(struct sioc_shared *s, struct sioc_str key, uint64_t now)
{
    if (s->parent)
        return put(s, key, sioc_str_n(NULL, 0), 0, now);
    struct entry *e = map_get(&s->entries, key);
    if (e)
        entry_drop(s, e);
    return 0;
}

/* ---- steps ---- */

static bool same(struct sioc_str a, struct sioc_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static struct sioc_shared_number sum_of(struct sioc_shared_number a,
                                        struct sioc_shared_number b)
{
    struct sioc_shared_number sum = {.number = a.number + b.number};
    sum.is_integer = a.is_integer && b.is_integer &&
                     !__builtin_add_overflow(a.integer, b.integer, &sum.integer);
    if (sum.is_integer)
        sum.number = (double)sum.integer;
    return sum;
}

static int increase(struct sioc_shared *s, const struct step *step, const struct entry *e,
                    uint64_t now, struct sioc_shared_number *ret_sum)
{
    struct sioc_shared_number old = {.is_integer = true};
    struct buf bytes;
    if (e && !script_value_number(blob_bytes(e->value), &old))
        return SIOC_ESTATE;
    struct sioc_shared_number sum = sum_of(old, step->by);
    buf_init(&bytes);
    script_value_put_number(&bytes, sum);
    int error = bytes.error;
    if (error == 0)
        error = put(s, step->key, buf_str(&bytes), e ? e->expiry.at_ms : step->ends_ms, now);
    buf_deinit(&bytes);
    if (error == 0 && ret_sum)
        *ret_sum = sum;
    return error;
}

static int change(struct sioc_shared *s, const struct step *step, uint64_t now,
                  struct sioc_shared_number *ret_sum)
{
    const struct entry *e = look(s, step->key, now);
    struct sioc_str there = blob_bytes(e ? e->value : NULL);
    if (step->kind == ADD && e)
        return SIOC_EEXIST;
    if (step->kind == REMOVE && !e)
        return SIOC_ENOTFOUND;
    if (step->kind == CAS &&
        ((e != NULL) != (step->before.ptr != NULL) || !same(there, step->before)))
        return SIOC_ESTATE;
    if (step->kind == INCR)
        return increase(s, step, e, now, ret_sum);
    return step->value.ptr ? put(s, step->key, step->value, step->ends_ms, now)
                           : take_out(s, step->key, now);
}

static struct sioc_str copy_to(char **at, struct sioc_str s)
{
    char *to = *at;
    if (!s.ptr)
        return s;
    memcpy(to, s.ptr, s.len);
    *at += s.len;
    return sioc_str_n(to, s.len);
}

/* 0, or why it cannot be written down. */
static int note(struct sioc_shared *s, const struct step *step, uint64_t now)
{
    size_t len = step->key.len + step->before.len + step->value.len;
    size_t cost = sizeof(struct noted) + sizeof(struct noted *) + len;
    if (!has_room(s, cost, now))
        return SIOC_EFULL;
    if (mem_grow((void **)&s->noted, &s->noted_cap, s->noted_count + 1,
                 sizeof(struct noted *)) < 0)
        return SIOC_ENOMEM;
    struct noted *n = mem_alloc(sizeof *n + len);
    if (!n)
        return SIOC_ENOMEM;
    char *at = n->bytes;
    n->step = *step;
    n->step.key = copy_to(&at, step->key);
    n->step.before = copy_to(&at, step->before);
    n->step.value = copy_to(&at, step->value);
    n->cost = cost;
    s->bytes += cost;
    s->noted[s->noted_count++] = n;
    return 0;
}

static void forget_last(struct sioc_shared *s)
{
    struct noted *n = s->noted[--s->noted_count];
    s->bytes -= n->cost;
    mem_free(n);
}

/* Under the lock. */
static int perform(struct sioc_shared *s, const struct step *step, uint64_t now,
                   struct sioc_shared_number *ret_sum)
{
    sweep(root_of(s), now, SWEEP);
    int error = s->parent ? note(s, step, now) : 0;
    if (error < 0)
        return error;
    error = change(s, step, now, ret_sum);
    if (error < 0 && s->parent)
        forget_last(s);
    return error;
}

static int run(struct sioc_shared *s, struct sioc_str name, struct sioc_str key,
               struct step step, uint64_t ttl_ms, struct sioc_shared_number *ret_sum)
{
    char buffer[KEY_BYTES];
    struct sioc_shared *root = root_of(s);
    int error = make_key(name, key, buffer, &step.key);
    if (error < 0)
        return error;
    pthread_mutex_lock(&root->lock);
    uint64_t now = root->now_ms();
    if (ttl_ms)
        step.ends_ms = ttl_ms < UINT64_MAX - now ? now + ttl_ms : UINT64_MAX;
    error = perform(s, &step, now, ret_sum);
    pthread_mutex_unlock(&root->lock);
    return error;
}

/* ---- the public steps ---- */

int sioc_shared_get(struct sioc_shared *s, struct sioc_str name, struct sioc_str key,
                    struct sioc_sink *sink)
{
    char buffer[KEY_BYTES];
    struct sioc_shared *root = root_of(s);
    struct blob *blob = NULL;
    int error = make_key(name, key, buffer, &key);
    if (error < 0)
        return error;
    pthread_mutex_lock(&root->lock);
    const struct entry *e = look(s, key, root->now_ms());
    if (e) {
        blob = e->value;
        atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&root->lock);
    if (!blob)
        return SIOC_ENOTFOUND;
    error = script_value_read(blob_bytes(blob), sink);
    blob_unref(blob);
    return error;
}

static int write(struct sioc_shared *s, struct sioc_str name, struct sioc_str key,
                 enum kind kind, const struct sioc_shared_value *value, uint64_t ttl_ms)
{
    struct step step = {.kind = kind, .value = script_value_bytes(value)};
    return step.value.len ? run(s, name, key, step, ttl_ms, NULL) : SIOC_EINVAL;
}

int sioc_shared_set(struct sioc_shared *s, struct sioc_str name, struct sioc_str key,
                    const struct sioc_shared_value *value, uint64_t ttl_ms)
{
    return write(s, name, key, SET, value, ttl_ms);
}

int sioc_shared_add(struct sioc_shared *s, struct sioc_str name, struct sioc_str key,
                    const struct sioc_shared_value *value, uint64_t ttl_ms)
{
    return write(s, name, key, ADD, value, ttl_ms);
}

int sioc_shared_remove(struct sioc_shared *s, struct sioc_str name, struct sioc_str key)
{
    return run(s, name, key, (struct step){.kind = REMOVE}, 0, NULL);
}

int sioc_shared_cas(struct sioc_shared *s, struct sioc_str name, struct sioc_str key,
                    const struct sioc_shared_value *before,
                    const struct sioc_shared_value *value, uint64_t ttl_ms)
{
    struct step step = {.kind = CAS};
    if (before)
        step.before = script_value_bytes(before);
    if (value)
        step.value = script_value_bytes(value);
    if ((before && !step.before.len) || (value && !step.value.len))
        return SIOC_EINVAL;
    return run(s, name, key, step, ttl_ms, NULL);
}

int sioc_shared_incr(struct sioc_shared *s, struct sioc_str name, struct sioc_str key,
                     struct sioc_shared_number by, uint64_t ttl_ms,
                     struct sioc_shared_number *ret_sum)
{
    return run(s, name, key, (struct step){.kind = INCR, .by = by}, ttl_ms, ret_sum);
}

/* ---- life ---- */

static struct sioc_shared *store_new(void)
{
    struct sioc_shared *s = mem_zalloc(sizeof *s);
    if (s)
        map_init(&s->entries);
    return s;
}

int sioc_shared_new(size_t max_bytes, struct sioc_shared **ret_store)
{
    struct sioc_shared *s = store_new();
    if (!s)
        return SIOC_ENOMEM;
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        mem_free(s);
        return SIOC_ENOMEM;
    }
    s->max_bytes = max_bytes;
    s->now_ms = clock_mono_ms;
    *ret_store = s;
    return 0;
}

int sioc_shared_draft(struct sioc_shared *parent, struct sioc_shared **ret_draft)
{
    struct sioc_shared *s = store_new();
    if (!s)
        return SIOC_ENOMEM;
    s->parent = parent;
    *ret_draft = s;
    return 0;
}

static void clear(struct sioc_shared *s)
{
    size_t pos = 0;
    struct entry *e;
    while ((e = map_next(&s->entries, &pos)))
        entry_drop(s, e);
    while (s->noted_count > 0)
        forget_last(s);
}

size_t sioc_shared_commit(struct sioc_shared *s)
{
    struct sioc_shared *root = root_of(s);
    size_t lost = 0;
    pthread_mutex_lock(&root->lock);
    uint64_t now = root->now_ms();
    /* Its own copies make room first: what fitted beside them fits without them. */
    struct noted **noted = s->noted;
    size_t count = s->noted_count;
    s->noted = NULL;
    s->noted_count = s->noted_cap = 0;
    clear(s);
    s->bytes = 0;
    for (size_t i = 0; i < count; i++) {
        int error = perform(s->parent, &noted[i]->step, now, NULL);
        lost += error == SIOC_EFULL || error == SIOC_ENOMEM;
        mem_free(noted[i]);
    }
    mem_free(noted);
    pthread_mutex_unlock(&root->lock);
    return lost;
}

void sioc_shared_free(struct sioc_shared *s)
{
    if (!s)
        return;
    clear(s);
    map_deinit(&s->entries);
    mem_free(s->noted);
    script_expiries_deinit(&s->expiries);
    if (!s->parent)
        pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

void sioc_shared_set_limit(struct sioc_shared *s, size_t max_bytes)
{
    struct sioc_shared *root = root_of(s);
    pthread_mutex_lock(&root->lock);
    root->max_bytes = max_bytes;
    pthread_mutex_unlock(&root->lock);
}

size_t sioc_shared_bytes(struct sioc_shared *s)
{
    struct sioc_shared *root = root_of(s);
    pthread_mutex_lock(&root->lock);
    size_t bytes = s->bytes;
    pthread_mutex_unlock(&root->lock);
    return bytes;
}

void script_shared_set_clock(struct sioc_shared *s, uint64_t (*now_ms)(void))
{
    root_of(s)->now_ms = now_ms;
}
