/* tests/bench/loadgen_modes.c -- see loadgen_modes.h.  All loads are closed loops: an answer
 * makes room for the next message, so a server is never asked for more than `in_flight` at
 * once. */
#include "loadgen_modes.h"

#include "loadgen_client.h"

static uint64_t *sent_slot(const struct run *r, const struct client *c, uint64_t number)
{
    return &r->sent_ns[(size_t)c->index * r->opt.in_flight + number % r->opt.in_flight];
}

static void message_send(struct run *r, struct client *c)
{
    *sent_slot(r, c, c->sent_count) = r->now_ns;
    client_queue_message(r, c);
}

static void broadcast_send(struct run *r)
{
    struct client *sender = &r->clients[0];
    r->receivers[sender->sent_count % r->opt.in_flight] = r->joined_count;
    message_send(r, sender);
}

static void count(struct run *r, uint64_t since_ns)
{
    if (!r->recording)
        return;
    r->measured++;
    hist_add(&r->hist, r->now_ns - since_ns);
}

void mode_start(struct run *r)
{
    r->sending = true;
    r->now_ns = clock_now_ns();
    if (r->opt.mode == MODE_FANOUT)
        r->broadcasts_due = r->opt.in_flight;
    if (r->opt.mode != MODE_ECHO && r->opt.mode != MODE_ACK)
        return;
    for (uint32_t i = 0; i < r->opt.clients; i++) {
        for (uint32_t k = 0; k < r->opt.in_flight; k++)
            message_send(r, &r->clients[i]);
        client_flush(r, &r->clients[i]);
    }
}

void mode_joined(struct run *r, struct client *c)
{
    if (r->opt.mode != MODE_CONNECT)
        return;
    count(r, c->opened_ns);
    client_leave(r, c);
}

void mode_closed(struct run *r, struct client *c)
{
    if (r->opt.mode == MODE_CONNECT && r->sending)
        client_open(r, c);
}

static void delivered(struct run *r, uint64_t number)
{
    uint32_t slot = (uint32_t)(number % r->opt.in_flight);
    count(r, r->sent_ns[slot]);
    if (--r->receivers[slot] == 0 && r->sending)
        r->broadcasts_due++;
}

/* Every client hears its own answers, or all broadcasts, in the order in which they were sent.
 */
void mode_event(struct run *r, struct client *c, const char *text, size_t len)
{
    bool fanout = r->opt.mode == MODE_FANOUT;
    struct client *speaker = fanout ? &r->clients[0] : c;
    if (c->answered_count >= speaker->sent_count ||
        !message_matches(&r->message, speaker->index, c->answered_count, text, len)) {
        r->wrong_count++;
        run_complain(r, c, "wrong answer", text, len);
        if (c->answered_count >= speaker->sent_count)
            return;
    }
    uint64_t number = c->answered_count++;
    if (fanout) {
        delivered(r, number);
        return;
    }
    count(r, *sent_slot(r, c, number));
    if (r->sending)
        message_send(r, c);
}

void mode_turn_end(struct run *r)
{
    if (!r->broadcasts_due || !r->sending)
        return;
    if (r->clients[0].state != CLIENT_JOINED) {
        r->broadcasts_due = 0; /* the fault is counted already */
        return;
    }
    r->now_ns = clock_now_ns();
    for (; r->broadcasts_due; r->broadcasts_due--)
        broadcast_send(r);
    client_flush(r, &r->clients[0]);
}

uint64_t mode_unanswered(const struct run *r)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < r->opt.clients; i++) {
        const struct client *c = &r->clients[i];
        uint64_t sent = r->opt.mode == MODE_FANOUT ? r->clients[0].sent_count : c->sent_count;
        sum += sent - c->answered_count;
    }
    return sum;
}
