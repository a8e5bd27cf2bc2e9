/* ws/variants.c -- see variants.h.  A form that would not be shorter is remembered as the plain
 * one, so that nobody tries again. */
#include "ws/variants.h"
#include "base/mem.h"

struct ws_variant {
    struct ws_variant *next;
    struct net_chunk *chunk; /* NULL: the plain one will do */
    uint8_t bits;            /* of the window */
};

void ws_variants_init(struct ws_variants *v)
{
    atomic_init(&v->first, NULL);
}

void ws_variants_deinit(struct ws_variants *v)
{
    struct ws_variant *variant = atomic_load_explicit(&v->first, memory_order_relaxed);
    while (variant) {
        struct ws_variant *next = variant->next;
        net_chunk_unref(variant->chunk);
        mem_free(variant);
        variant = next;
    }
}

/* 0 with one reference or NULL in *ret_chunk, or SIOC_ENOMEM. */
static int compress(struct ws_deflate *d, const struct net_chunk *plain,
                    struct net_chunk **ret_chunk)
{
    struct buf frames;
    bool any;
    buf_init(&frames);
    int error = ws_deflate_frames(d, sioc_str_n(plain->bytes, plain->len), &frames, &any);
    *ret_chunk = NULL;
    if (error == 0 && any && !(*ret_chunk = net_chunk_new(buf_str(&frames))))
        error = SIOC_ENOMEM;
    buf_deinit(&frames);
    return error;
}

static struct ws_variant *add(struct ws_variants *v, struct ws_deflate *d,
                              const struct net_chunk *plain, uint8_t bits)
{
    struct ws_variant *variant = mem_zalloc(sizeof *variant);
    if (!variant)
        return NULL;
    if (compress(d, plain, &variant->chunk) < 0) {
        mem_free(variant);
        return NULL;
    }
    variant->bits = bits;
    variant->next = atomic_load_explicit(&v->first, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&v->first, &variant->next, variant,
                                                  memory_order_release, memory_order_relaxed))
        ;
    return variant;
}

struct net_chunk *ws_variants_get(struct ws_variants *v, struct ws_deflate *d,
                                  struct net_chunk *plain)
{
    if (!d || plain->len < ws_deflate_options(d)->threshold)
        return plain;
    uint8_t bits = ws_deflate_params(d)->server_bits;
    struct ws_variant *variant = atomic_load_explicit(&v->first, memory_order_acquire);
    while (variant && variant->bits != bits)
        variant = variant->next;
    if (!variant)
        variant = add(v, d, plain, bits);
    return variant && variant->chunk ? variant->chunk : plain;
}

struct net_chunk *ws_variants_make(struct ws_deflate *d, struct net_chunk *plain)
{
    struct net_chunk *chunk;
    if (compress(d, plain, &chunk) < 0) {
        ws_deflate_forget(d);
        return NULL;
    }
    return chunk ? chunk : net_chunk_ref(plain);
}
