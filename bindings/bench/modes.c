/* bindings/bench/modes.c -- see modes.h.  Without --rate all loads are closed loops: an answer
 * makes room for the next message, so a server is never asked for more than `in_flight` at
 * once.
 */
#include "modes.h"

#include "client.h"

static uint64_t *sent_slot(const struct run *r, const struct client *c, uint64_t number)
{
    return &r->sent_ns[(size_t)c->index * r->opt.in_flight + number % r->opt.in_flight];
}

static void message_send(struct run *r, struct client *c, uint64_t since_ns)
{
    *sent_slot(r, c, c->sent_count) = since_ns;
    r->transport->message(r, c);
}

static void count(struct run *r, uint64_t since_ns)
{
    if (!r->recording)
        return;
    r->measured++;
    bench_hist_add(&r->hist, r->now_ns > since_ns ? r->now_ns - since_ns : 0);
}

/* ---- as answers come ---- */

static void start_rooms(struct run *r)
{
    for (uint32_t i = 0; i < r->room_count; i++) {
        r->rooms[i].members = (r->opt.clients - i - 1) / r->room_count + 1;
        r->rooms[i].due = r->opt.in_flight;
    }
    r->any_due = true;
}

void bench_mode_start(struct run *r)
{
    r->sending = true;
    r->rate_begin_ns = r->now_ns = bench_clock_now_ns();
    if (r->opt.mode == MODE_FANOUT)
        start_rooms(r);
    if ((r->opt.mode != MODE_ECHO && r->opt.mode != MODE_ACK) || r->opt.rate > 0)
        return;
    for (uint32_t i = 0; i < r->opt.clients; i++) {
        struct client *c = &r->clients[i];
        for (uint32_t k = 0; k < r->opt.in_flight && c->state == CLIENT_JOINED; k++)
            message_send(r, c, r->now_ns);
        r->transport->flush(r, c);
    }
}

void bench_mode_joined(struct run *r, struct client *c)
{
    if (r->opt.mode != MODE_CONNECT)
        return;
    count(r, c->opened_ns);
    bench_client_leave(r, c);
}

void bench_mode_closed(struct run *r, struct client *c)
{
    if (r->opt.mode == MODE_CONNECT && r->sending)
        bench_client_open(r, c);
}

static uint32_t room_of(const struct run *r, const struct client *c)
{
    return r->room_count == 1 ? 0 : c->index % r->room_count;
}

static void delivered(struct run *r, uint32_t room, uint64_t number)
{
    uint32_t *receivers =
        &r->receivers[(size_t)room * r->opt.in_flight + number % r->opt.in_flight];

    count(r, *sent_slot(r, &r->clients[room], number));
    if (--*receivers == 0 && r->sending) {
        r->rooms[room].due++;
        r->any_due = true;
    }
}

/* Every client hears its own answers, or all broadcasts, in the order in which they were sent.
 */
void bench_mode_event(struct run *r, struct client *c, const char *text, size_t len)
{
    bool fanout = r->opt.mode == MODE_FANOUT;
    uint32_t room = fanout ? room_of(r, c) : 0;
    const struct client *speaker = fanout ? &r->clients[room] : c;

    if (c->answered_count >= speaker->sent_count ||
        !bench_message_matches(&r->message, speaker->index, c->answered_count, text, len)) {
        r->wrong_count++;
        bench_run_complain(r, c, "wrong answer", text, len);
        if (c->answered_count >= speaker->sent_count)
            return;
    }
    uint64_t number = c->answered_count++;
    if (fanout) {
        delivered(r, room, number);
        return;
    }
    count(r, *sent_slot(r, c, number));
    if (r->sending && r->opt.rate <= 0)
        message_send(r, c, r->now_ns);
}

static void broadcast(struct run *r, uint32_t room)
{
    struct client *sender = &r->clients[room];

    if (sender->state != CLIENT_JOINED)
        r->rooms[room].due = 0; /* the fault is counted already */
    for (; r->rooms[room].due; r->rooms[room].due--) {
        r->receivers[(size_t)room * r->opt.in_flight + sender->sent_count % r->opt.in_flight] =
            r->rooms[room].members;
        message_send(r, sender, r->now_ns);
    }
    r->transport->flush(r, sender);
}

/* ---- as time goes ---- */

static uint64_t due_ns(const struct run *r, uint64_t number)
{
    return r->rate_begin_ns + (uint64_t)((double)number * 1e9 / r->opt.rate);
}

uint64_t bench_mode_due_ns(const struct run *r)
{
    return r->sending && r->opt.rate > 0 ? due_ns(r, r->rate_sent) : UINT64_MAX;
}

/* Clients speak in turn.  One that owes too many answers holds up the others, and what waits is
 * late by that: its time counts from when it was due. */
static void send_due(struct run *r)
{
    uint64_t due;

    while ((due = due_ns(r, r->rate_sent)) <= r->now_ns) {
        struct client *c = &r->clients[r->rate_sent % r->opt.clients];
        if (c->state != CLIENT_JOINED || c->sent_count - c->answered_count == r->opt.in_flight)
            return;
        message_send(r, c, due);
        r->transport->flush(r, c);
        r->rate_sent++;
    }
}

void bench_mode_turn_end(struct run *r)
{
    if (!r->sending || (!r->any_due && r->opt.rate <= 0))
        return;
    r->now_ns = bench_clock_now_ns();
    if (r->opt.rate > 0)
        send_due(r);
    if (!r->any_due)
        return;
    r->any_due = false;
    for (uint32_t i = 0; i < r->room_count; i++)
        if (r->rooms[i].due)
            broadcast(r, i);
}

uint64_t bench_mode_unanswered(const struct run *r)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < r->opt.clients; i++) {
        const struct client *c = &r->clients[i];
        const struct client *speaker =
            r->opt.mode == MODE_FANOUT ? &r->clients[room_of(r, c)] : c;
        sum += speaker->sent_count - c->answered_count;
    }
    return sum;
}
