/* http/gate.c -- see gate.h. */
#include "http/gate.h"
#include "base/mem.h"

#define HANDSHAKE_WINDOW_MS   10000
#define UNKNOWN_SID_WINDOW_MS 60000
#define SWEEP_MIN             1024
#define PEERS_MAX             65536 /* beside those with a connection */

void http_gate_init(struct http_gate *gate, struct metrics *metrics)
{
    *gate = (struct http_gate){.metrics = metrics, .sweep_at = SWEEP_MIN};
    gate->limits.conns = SIZE_MAX;
    gate->anyone.gate = gate;
    map_init(&gate->peers);
}

void http_gate_deinit(struct http_gate *gate)
{
    size_t pos = 0;
    struct http_peer *peer;
    while ((peer = map_next(&gate->peers, &pos)))
        mem_free(peer);
    map_deinit(&gate->peers);
}

/* ---- addresses ---- */

static struct sioc_str key_of(const struct http_peer *peer)
{
    return sioc_str_n(peer->key, sizeof peer->key);
}

static bool is_over(const struct http_window *window, uint64_t length_ms, uint64_t now_ms)
{
    return window->count == 0 || now_ms - window->since_ms >= length_ms;
}

static bool is_forgotten(const struct http_peer *peer, uint64_t now_ms)
{
    return peer->conns == 0 && is_over(&peer->handshakes, HANDSHAKE_WINDOW_MS, now_ms) &&
           is_over(&peer->unknown_sids, UNKNOWN_SID_WINDOW_MS, now_ms);
}

static void forget(struct http_gate *gate, struct http_peer *peer)
{
    map_remove(&gate->peers, key_of(peer));
    mem_free(peer);
}

/* Looks at all of them, but so rarely that each new one pays for a few. */
static void sweep(struct http_gate *gate, uint64_t now_ms)
{
    size_t pos = 0;
    struct http_peer *peer;
    while ((peer = map_next(&gate->peers, &pos)))
        if (is_forgotten(peer, now_ms))
            forget(gate, peer);
    gate->sweep_at = gate->peers.count * 2 > SWEEP_MIN ? gate->peers.count * 2 : SWEEP_MIN;
}

static struct http_peer *add(struct http_gate *gate, const uint8_t *key, uint64_t now_ms)
{
    if (gate->peers.count >= gate->sweep_at)
        sweep(gate, now_ms);
    if (gate->peers.count >= PEERS_MAX + gate->conns)
        return &gate->anyone;
    struct http_peer *peer = mem_zalloc(sizeof *peer);
    if (!peer)
        return &gate->anyone;
    peer->gate = gate;
    memcpy(peer->key, key, sizeof peer->key);
    if (map_add(&gate->peers, key_of(peer), peer) < 0) {
        mem_free(peer);
        return &gate->anyone;
    }
    return peer;
}

static struct http_peer *find(struct http_gate *gate, const uint8_t *key, uint64_t now_ms)
{
    static const uint8_t nowhere[HTTP_GATE_KEY];
    const struct http_gate_limits *limits = &gate->limits;
    if (memcmp(key, nowhere, sizeof nowhere) == 0 ||
        !(limits->conns_per_ip || limits->handshakes_per_ip || limits->unknown_sids_per_ip))
        return &gate->anyone;
    struct http_peer *peer = map_get(&gate->peers, sioc_str_n(key, HTTP_GATE_KEY));
    return peer ? peer : add(gate, key, now_ms);
}

/* ---- connections ---- */

struct http_peer *http_gate_enter(struct http_gate *gate, const uint8_t key[HTTP_GATE_KEY],
                                  uint64_t now_ms)
{
    gate->now_ms = now_ms;
    if (gate->memory_short) {
        gate->metrics->reject_memory++;
        return NULL;
    }
    if (gate->conns >= gate->limits.conns) {
        gate->metrics->reject_conn_limit++;
        return NULL;
    }
    struct http_peer *peer = find(gate, key, now_ms);
    size_t limit = peer == &gate->anyone ? 0 : gate->limits.conns_per_ip;
    if (limit && peer->conns >= limit) {
        gate->metrics->reject_conn_ip++;
        return NULL;
    }
    peer->conns++;
    gate->conns++;
    return peer;
}

void http_gate_leave(struct http_peer *peer)
{
    struct http_gate *gate = peer->gate;
    peer->conns--;
    gate->conns--;
    if (peer != &gate->anyone && is_forgotten(peer, gate->now_ms))
        forget(gate, peer);
}

/* ---- requests ---- */

static bool take(struct http_window *window, uint64_t length_ms, size_t limit, uint64_t now_ms)
{
    if (is_over(window, length_ms, now_ms))
        *window = (struct http_window){.since_ms = now_ms};
    if (window->count >= limit)
        return false;
    window->count++;
    return true;
}

bool http_gate_handshake(struct http_peer *peer, uint64_t now_ms)
{
    struct http_gate *gate = peer->gate;
    size_t limit = gate->limits.handshakes_per_ip;
    if (peer == &gate->anyone || limit == 0 ||
        take(&peer->handshakes, HANDSHAKE_WINDOW_MS, limit, now_ms))
        return true;
    gate->metrics->reject_hs_rate++;
    return false;
}

bool http_gate_unknown_sid(struct http_peer *peer, uint64_t now_ms)
{
    struct http_gate *gate = peer->gate;
    size_t limit = gate->limits.unknown_sids_per_ip;
    if (peer == &gate->anyone || limit == 0 ||
        take(&peer->unknown_sids, UNKNOWN_SID_WINDOW_MS, limit, now_ms))
        return true;
    gate->metrics->reject_sid_flood++;
    return false;
}
