/* socketio/recovery.c -- see recovery.h.
 *
 * A session is saved when its connection is lost, found by its pid once, and from then on owned
 * by the socket that has asked for it; if that one is not let in, it goes back.
 * Invariant: a session is in `sessions` and `by_age`, or in one socket's tracking, never both.
 */
#include "socketio/recovery.h"
#include "base/mem.h"
#include "codec/cursor.h"
#include "socketio/adapter.h"
#include "socketio/backlog.h"
#include "socketio/client.h"
#include "socketio/connect.h"
#include "socketio/dynamic.h"
#include "socketio/message.h"
#include "socketio/namespace.h"
#include "socketio/offset.h"
#include "socketio/saved.h"
#include "socketio/socket.h"

#define SWEEP_MIN_MS 20
#define SWEEP_MAX_MS 5000

struct sio_tracking {
    struct sio_span span;
    uint64_t from; /* the first packet that may have been missed */
    char pid[RAND_ID_LEN + 1];
    struct sioc_session *session; /* what is recovered; NULL: nothing */
    bool asked;                   /* an adapter, and it has not answered yet */
    bool waiting;                 /* ... when it was asked, so that the client waits */
};

struct sio_recovery {
    struct sioc_namespace *nsp;
    struct sio_backlog backlog;
    struct map sessions; /* by pid */
    struct list by_age;
    size_t session_bytes, max_sessions;
    struct net_timer sweep;
    struct sio_offset offset; /* of the message that is made now */
};

/* ---- life ---- */

static uint64_t now_of(const struct sio_recovery *r)
{
    return net_loop_now_ms(r->nsp->server->loop);
}

static void unlist(struct sio_recovery *r, struct sioc_session *session)
{
    map_remove(&r->sessions, sioc_str_n(session->pid, RAND_ID_LEN));
    list_remove(&session->node);
    r->session_bytes -= session->bytes;
}

static bool is_over(const struct sio_recovery *r, const struct sioc_session *session)
{
    return now_of(r) - session->left_ms > r->backlog.max_age_ms;
}

static struct sioc_session *oldest(const struct sio_recovery *r)
{
    return list_empty(&r->by_age) ? NULL
                                  : LIST_ENTRY(r->by_age.next, struct sioc_session, node);
}

static void drop_oldest(struct sio_recovery *r)
{
    struct sioc_session *session = oldest(r);
    unlist(r, session);
    sioc_session_free(session);
}

/* While there is something that grows old. */
static void arm(struct sio_recovery *r)
{
    uint64_t delay = r->backlog.max_age_ms / 4;
    delay = delay < SWEEP_MIN_MS ? SWEEP_MIN_MS : delay > SWEEP_MAX_MS ? SWEEP_MAX_MS : delay;
    if (!net_timer_active(&r->sweep))
        net_timer_start(r->nsp->server->loop, &r->sweep, delay);
}

static void on_sweep(struct net_timer *timer)
{
    struct sio_recovery *r = LIST_ENTRY(timer, struct sio_recovery, sweep);
    bool held = sio_recovery_holds(r->nsp);
    sio_backlog_expire(&r->backlog, now_of(r));
    while (oldest(r) && is_over(r, oldest(r)))
        drop_oldest(r);
    if (oldest(r) || r->backlog.first < r->backlog.next)
        arm(r);
    if (held)
        sio_dynamic_sweep(r->nsp); /* perhaps this was what kept it */
}

int sio_recovery_init(struct sioc_namespace *nsp)
{
    const struct sioc_options *o = nsp->server->options;
    if (!o->recovery)
        return 0;
    struct sio_recovery *r = mem_zalloc(sizeof *r);
    if (!r || sio_offset_init(&r->offset) < 0) {
        mem_free(r);
        return SIOC_ENOMEM;
    }
    r->nsp = nsp;
    r->max_sessions = (size_t)o->recovery_max_sessions;
    sio_backlog_init(&r->backlog, (size_t)o->recovery_max_packets,
                     (size_t)o->recovery_max_bytes, sio_ms(o->recovery_duration));
    map_init(&r->sessions);
    list_init(&r->by_age);
    net_timer_init(&r->sweep, on_sweep);
    nsp->recovery = r;
    return 0;
}

void sio_recovery_free(struct sioc_namespace *nsp)
{
    struct sio_recovery *r = nsp->recovery;
    nsp->recovery = NULL;
    if (!r)
        return;
    net_timer_stop(&r->sweep);
    while (oldest(r))
        drop_oldest(r);
    map_deinit(&r->sessions);
    sio_backlog_deinit(&r->backlog);
    mem_free(r);
}

bool sio_recovery_holds(const struct sioc_namespace *nsp)
{
    return nsp->recovery && nsp->recovery->sessions.count > 0;
}

/* ---- packets ---- */

void sio_recovery_stamp(struct sioc_namespace *nsp, struct sioc_message *m, bool is_volatile)
{
    struct sio_recovery *r = nsp->recovery;
    m->offset = sio_offset_write(&r->offset, r->backlog.next - is_volatile);
}

static uint64_t keep(struct sio_recovery *r, struct eio_frame *frame,
                     const struct sio_audience *audience)
{
    uint64_t number = r->backlog.next, evicted = r->backlog.evicted;
    sio_backlog_add(&r->backlog, now_of(r), frame, audience);
    r->nsp->server->metrics.recov_evict += r->backlog.evicted - evicted;
    arm(r);
    return number;
}

uint64_t sio_recovery_keep(struct sioc_namespace *nsp, struct eio_frame *frame,
                           const struct sioc_target *target)
{
    struct sio_audience audience = {.rooms = target->rooms,
                                    .room_count = target->room_count,
                                    .except = target->except,
                                    .except_count = target->except_count};
    const struct sioc_socket *sender =
        target->except_socket ? sioc_socket_find(nsp->server, target->except_socket) : NULL;
    if (sender)
        audience.sender = sio_socket_id(sender);
    return keep(nsp->recovery, frame, &audience);
}

uint64_t sio_recovery_keep_own(struct sioc_socket *s, struct eio_frame *frame)
{
    struct sioc_str id = sio_socket_id(s);
    const struct sio_audience audience = {.rooms = &id, .room_count = 1};
    return keep(s->nsp->recovery, frame, &audience);
}

void sio_recovery_sent(struct sioc_socket *s, uint64_t number)
{
    if (s->tracking)
        s->tracking->span.sent = number;
}

/* ---- asking for a session ---- */

struct claim {
    struct sioc_str pid, offset;
    bool has_pid, has_offset, bad;
};

/* Takes the value that comes next, a text of letters that need no escape; null is none. */
static void take_text(struct sioc_cursor *c, struct sioc_str *ret_text, bool *ret_has,
                      bool *bad)
{
    if (sioc_cursor_str(c, ret_text) == 0) {
        *ret_has = true;
        return;
    }
    *bad = *bad || sioc_cursor_peek(c) != SIOC_KIND_NULL;
    sioc_cursor_skip(c);
}

static void read_claim(const struct sioc_socket *s, struct claim *claim)
{
    struct sioc_cursor c;
    struct sioc_str key;
    *claim = (struct claim){.bad = false};
    if (!s->auth || json_cursor_map(&c, sioc_str_n(s->auth, s->auth_len)) < 0)
        return;
    while (sioc_cursor_key(&c, &key) == 0) {
        if (str_eq(key, STR("pid")))
            take_text(&c, &claim->pid, &claim->has_pid, &claim->bad);
        else if (str_eq(key, STR("offset")))
            take_text(&c, &claim->offset, &claim->has_offset, &claim->bad);
        else if (sioc_cursor_skip(&c) < 0)
            return;
    }
}

/* Where the packets begin that may have been missed; false when that cannot be told, or they
 * are not all there any more. */
static bool missed_from(const struct sio_recovery *r, const struct sioc_session *session,
                        const struct claim *claim, uint64_t *ret_from)
{
    uint64_t seen = session->span.joined - 1, number;
    if (claim->has_offset) {
        if (!sio_offset_read(&r->offset, claim->offset, &number) || number >= r->backlog.next)
            return false;
        seen = number > seen ? number : seen; /* clients keep offsets of sessions before */
    }
    *ret_from = seen >= session->span.sent ? session->span.left : seen + 1;
    return *ret_from >= r->backlog.first;
}

/* The rooms by name; the session is what every name leads to. */
static int room_set(struct sioc_session *session, struct map *ret_rooms)
{
    size_t pos = 0;
    struct sioc_str room;
    int error = 0;
    map_init(ret_rooms);
    if (!session->left_own_room)
        error = map_add(ret_rooms, sioc_str_n(session->id, RAND_ID_LEN), session);
    while (error == 0 && sioc_session_room_next(session, &pos, &room))
        error = map_add(ret_rooms, room, session);
    return error;
}

/* More than a slow reader may leave waiting cannot be sent at once. */
static bool fits(const struct sio_recovery *r, struct sioc_session *session, uint64_t from)
{
    struct map rooms;
    size_t bytes = 0, max = (size_t)r->nsp->server->options->max_queue;
    bool ok = room_set(session, &rooms) == 0;
    for (uint64_t n = from; ok && n < r->backlog.next; n++) {
        const struct sio_kept *k = sio_backlog_get(&r->backlog, n);
        if (sio_kept_is_for(k, &rooms))
            ok = (bytes += k->frame->chunk.len) < max;
    }
    map_deinit(&rooms);
    return ok;
}

static struct sioc_session *claimed(struct sio_recovery *r, const struct claim *claim,
                                    uint64_t *ret_from)
{
    struct sioc_session *session = claim->has_pid ? map_get(&r->sessions, claim->pid) : NULL;
    if (!session || claim->bad || is_over(r, session) ||
        !missed_from(r, session, claim, ret_from) || !fits(r, session, *ret_from))
        return NULL;
    unlist(r, session);
    return session;
}

static void become(struct sioc_socket *s, const struct sioc_session *session)
{
    memcpy(s->tracking->pid, session->pid, sizeof session->pid);
    memcpy(s->id, session->id, sizeof session->id);
}

/* 1: it answers later. */
static int ask_adapter(struct sioc_socket *s, const struct claim *claim)
{
    struct sioc_adapter *adapter = s->nsp->adapter;
    s->tracking->asked = true;
    s->admitted = true; /* no middleware is asked, so nobody may answer for it */
    adapter->ops->restore_session(adapter, s->handle, claim->pid, claim->offset);
    s->tracking->waiting = s->tracking->asked;
    return s->tracking->waiting;
}

int sioc_session_restore(struct sioc_server *server, uint64_t handle,
                         struct sioc_session *session)
{
    struct sioc_socket *s = sioc_socket_find(server, handle);
    struct sio_tracking *t = s ? s->tracking : NULL;
    if (!s || s->state != SIO_CONNECTING || !t || !t->asked) {
        sioc_session_free(session);
        return s && t ? SIOC_ESTATE : SIOC_ECLOSED;
    }
    t->asked = false;
    t->session = session;
    if (session)
        become(s, session);
    else
        server->metrics.recovery_refused++;
    if (t->waiting)
        sio_connect_begun(s);
    return 0;
}

int sio_recovery_begin(struct sioc_socket *s)
{
    struct sio_recovery *r = s->nsp->recovery;
    struct claim claim;
    if (!r || s->client->is_v3) /* old clients know nothing of it */
        return 0;
    struct sio_tracking *t = mem_zalloc(sizeof *t);
    if (!t || rand_id(t->pid) < 0) {
        mem_free(t);
        return SIOC_ENOMEM;
    }
    s->tracking = t;
    t->span = (struct sio_span){.joined = r->backlog.next, .sent = r->backlog.next - 1};
    read_claim(s, &claim);
    if (sio_adapter_restores(s->nsp))
        return claim.has_pid && claim.has_offset && !claim.bad ? ask_adapter(s, &claim) : 0;
    t->session = claimed(r, &claim, &t->from);
    if (t->session) {
        t->span = t->session->span;
        become(s, t->session);
    } else if (claim.has_pid || claim.bad) {
        s->nsp->server->metrics.recovery_refused++;
    }
    return 0;
}

void sio_recovery_refused(struct sioc_socket *s)
{
    struct sio_recovery *r = s->nsp->recovery;
    struct sioc_session *session = s->tracking ? s->tracking->session : NULL;
    if (!session)
        return;
    s->tracking->session = NULL;
    if (sio_adapter_restores(s->nsp)) {
        sio_session_persist(s->nsp, session);
        return;
    }
    if (is_over(r, session) ||
        map_add(&r->sessions, sioc_str_n(session->pid, RAND_ID_LEN), session) < 0) {
        sioc_session_free(session);
        return;
    }
    list_append(&r->by_age, &session->node); /* a little younger than it is: it ends in time */
    r->session_bytes += session->bytes;
    arm(r);
}

/* ---- coming back ---- */

static int join_rooms(struct sioc_socket *s, const struct sioc_session *session)
{
    size_t pos = 0;
    struct sioc_str room;
    while (sioc_session_room_next(session, &pos, &room)) {
        int error = sioc_socket_join(s, room);
        if (s->state != SIO_CONNECTED)
            return SIOC_ECLOSED; /* a handler of "join-room" has put it out */
        if (error == SIOC_ENOMEM)
            return error;
    }
    return 0;
}

static int send_missed(struct sioc_socket *s, struct sioc_session *session, uint64_t end)
{
    const struct sio_backlog *b = &s->nsp->recovery->backlog;
    struct map rooms;
    int error = room_set(session, &rooms);
    for (uint64_t n = s->tracking->from; n < end && error == 0; n++) {
        const struct sio_kept *k = sio_backlog_get(b, n);
        if (!sio_kept_is_for(k, &rooms))
            continue;
        sio_recovery_sent(s, n);
        error = sio_socket_send(s, k->frame);
    }
    map_deinit(&rooms);
    return error;
}

int sio_recovery_resume(struct sioc_socket *s)
{
    struct sio_tracking *t = s->tracking;
    if (!t || !t->session)
        return 0;
    const struct sio_backlog *b = &s->nsp->recovery->backlog;
    uint64_t end = b->next; /* what comes from here on is sent in the ordinary way */
    int error = join_rooms(s, t->session);
    if (error == 0 && sio_session_is_brought(t->session))
        error = sio_session_send_missed(s, t->session);
    else if (error == 0 && t->from < b->first)
        error = SIOC_ENOTFOUND; /* while middleware was thinking */
    else if (error == 0)
        error = send_missed(s, t->session, end);
    if (error == 0) {
        if (t->session->left_own_room)
            sioc_socket_leave(s, sio_socket_id(s));
        s->nsp->server->metrics.recoveries++;
    } else if (s->state == SIO_CONNECTED) {
        sio_client_violation(s->client, "what was missed cannot be sent");
    }
    return s->state == SIO_CONNECTED ? 0 : SIOC_ECLOSED;
}

bool sioc_socket_recovered(const struct sioc_socket *s)
{
    return s->tracking && s->tracking->session;
}

int sioc_socket_read_data(const struct sioc_socket *s, struct sioc_sink *sink)
{
    const struct sioc_session *session = s->tracking ? s->tracking->session : NULL;
    return session ? sioc_session_read_data(session, sink) : SIOC_ENOTFOUND;
}

struct sioc_str sio_recovery_pid(const struct sioc_socket *s)
{
    return s->tracking ? sioc_str_n(s->tracking->pid, RAND_ID_LEN) : STR("");
}

/* ---- going ---- */

void sio_recovery_leaving(struct sioc_socket *s)
{
    if (s->tracking)
        s->tracking->span.left = s->nsp->recovery->backlog.next;
}

static bool is_recoverable(const char *reason)
{
    static const char *const reasons[] = {"transport error", "transport close", "forced close",
                                          "ping timeout", "forced server close"};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strcmp(reasons[i], reason) == 0)
            return true;
    return false;
}

/* Makes room for one more; false when it alone is too much. */
static bool make_room(struct sio_recovery *r, size_t bytes)
{
    while (oldest(r) && (r->sessions.count >= r->max_sessions ||
                         r->session_bytes + bytes > r->backlog.max_bytes)) {
        drop_oldest(r);
        r->nsp->server->metrics.recov_evict++;
    }
    return bytes <= r->backlog.max_bytes;
}

void sio_recovery_save(struct sioc_socket *s, const char *reason)
{
    struct sio_recovery *r = s->nsp->recovery;
    if (!s->tracking || !is_recoverable(reason) || s->nsp->server->closing)
        return;
    struct sioc_session *session = sio_session_of(s, &s->tracking->span, s->tracking->pid);
    if (!session)
        return;
    if (sio_adapter_restores(s->nsp)) {
        sio_session_persist(s->nsp, session);
        return;
    }
    session->left_ms = now_of(r);
    if (!make_room(r, session->bytes) ||
        map_add(&r->sessions, sioc_str_n(session->pid, RAND_ID_LEN), session) < 0) {
        sioc_session_free(session);
        return;
    }
    list_append(&r->by_age, &session->node);
    r->session_bytes += session->bytes;
    arm(r);
}

void sio_tracking_free(struct sioc_socket *s)
{
    if (s->tracking)
        sioc_session_free(s->tracking->session);
    mem_free(s->tracking);
    s->tracking = NULL;
}
