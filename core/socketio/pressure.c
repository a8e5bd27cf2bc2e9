/* socketio/pressure.c -- see pressure.h.
 *
 * Who is closed is found in two walks over all clients: the first adds up what waits, by its
 * order of magnitude, the second closes from the largest on.
 */
#include "socketio/pressure.h"
#include "base/mem.h"
#include "socketio/internal.h"
#include "socketio/websocket.h"
#include <unistd.h>

#define LOOK_EVERY_MS  250
#define SOFT_PERCENT   80
#define HARD_PERCENT   95
#define WORTHWHILE_BIT 14 /* queues of less than 16 KiB are no help */

enum sio_pressure_level sio_pressure_level(uint64_t budget, uint64_t used)
{
    uint64_t percent = budget / 100;
    if (used > percent * HARD_PERCENT)
        return SIO_PRESSURE_HARD;
    return used > percent * SOFT_PERCENT ? SIO_PRESSURE_SOFT : SIO_PRESSURE_NONE;
}

/* ---- who is closed ---- */

struct eviction {
    struct sioc_server *server;
    uint64_t bytes[64]; /* first walk: what waits in queues of 2^n bytes and more */
    unsigned bit;       /* second walk: queues of at least 2^bit go ... */
    uint64_t want;      /* ... until so much is freed */
};

static unsigned bit_of(size_t bytes)
{
    unsigned bit = 0;
    while (bytes >>= 1)
        bit++;
    return bit;
}

/* Whether this one goes; counted in either walk. */
static bool goes(struct eviction *e, size_t bytes, bool second)
{
    unsigned bit = bit_of(bytes);
    if (!second) {
        e->bytes[bit] += bytes;
        return false;
    }
    if (bit < e->bit || e->want == 0)
        return false;
    e->want -= bytes < e->want ? bytes : e->want;
    e->server->metrics.memory_evicted++;
    return true;
}

static void walk(struct eviction *e, bool second)
{
    struct sioc_server *server = e->server;
    struct eio_session *s;
    uint32_t pos = 0;
    while ((s = keyset_next(&server->engine.sessions, &pos)))
        if (goes(e, eio_session_queued_bytes(s), second))
            eio_session_choke(s);
    for (struct list *l = server->plain_websockets.next; l != &server->plain_websockets;
         l = l->next) {
        struct sioc_websocket *w = LIST_ENTRY(l, struct sioc_websocket, node);
        if (goes(e, ws_conn_queued(w->conn), second))
            sio_websocket_choke(w);
    }
}

static void evict(struct sioc_server *server, uint64_t want)
{
    struct eviction e = {.server = server, .bit = 63, .want = want};
    walk(&e, false);
    uint64_t sum = e.bytes[e.bit];
    while (e.bit > WORTHWHILE_BIT && sum < want)
        sum += e.bytes[--e.bit];
    if (sum > 0)
        walk(&e, true);
}

/* ---- looking ---- */

static uint64_t budget_of(const struct sioc_server *server)
{
    return server->options->max_memory > 0 ? (uint64_t)server->options->max_memory
                                           : server->pressure.machine;
}

static void tell(struct sioc_server *server, enum sio_pressure_level level, uint64_t used)
{
    static const char *const texts[] = {
        "memory is enough again: %llu MB of %llu",
        "memory is short: %llu MB of %llu (max_memory); nobody new is let in",
        "memory is very short: %llu MB of %llu (max_memory); closing who reads too slowly",
    };
    log_write(&server->log, level ? SIOC_LOG_WARN : SIOC_LOG_INFO, texts[level],
              (unsigned long long)used >> 20, (unsigned long long)budget_of(server) >> 20);
}

static void on_look(struct net_timer *timer)
{
    struct sioc_server *server = LIST_ENTRY(timer, struct sioc_server, pressure.timer);
    uint64_t budget = budget_of(server), used = mem_resident(server->pressure.fd);
    enum sio_pressure_level level = sio_pressure_level(budget, used);
    if (level > SIO_PRESSURE_NONE) { /* some of it may be free, and only not given back */
        mem_give_back();
        used = mem_resident(server->pressure.fd);
        level = sio_pressure_level(budget, used);
    }
    if ((int)level != server->pressure.level)
        tell(server, level, used);
    server->pressure.level = (int)level;
    server->gate.memory_short = level > SIO_PRESSURE_NONE;
    if (level == SIO_PRESSURE_HARD)
        evict(server, used - budget / 100 * SOFT_PERCENT);
    net_timer_start(server->loop, timer, LOOK_EVERY_MS);
}

void sio_pressure_start(struct sioc_server *server)
{
    struct sio_pressure *p = &server->pressure;
    if (p->started)
        return;
    p->started = true;
    p->fd = mem_resident_open();
    p->machine = mem_machine();
    net_timer_init(&p->timer, on_look);
    on_look(&p->timer);
}

void sio_pressure_stop(struct sioc_server *server)
{
    struct sio_pressure *p = &server->pressure;
    if (!p->started)
        return;
    p->started = false;
    net_timer_stop(&p->timer);
    if (p->fd >= 0)
        close(p->fd);
}
