/* bindings/bench/polling.c -- packets by HTTP long-polling, over one connection per client: a
 * GET waits for what comes, and only when it has ended a POST takes what was said.  So a client
 * asks only while it has something to wait for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client.h"

#define SEPARATOR '\x1e'
#define HEAD_MAX  16384

/* ---- requests ---- */

static void request(struct run *r, struct client *c, const char *method)
{
    bench_client_request(r, method, "polling");
    if (c->sid) {
        bench_bytes_text(&r->write, "&sid=");
        bench_bytes_text(&r->write, c->sid);
    }
    bench_client_host(r);
}

static void post(struct run *r, struct client *c)
{
    char length[64];

    request(r, c, "POST ");
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", c->outbox.len);
    bench_bytes_text(&r->write, "Content-Type: text/plain;charset=UTF-8\r\n");
    bench_bytes_text(&r->write, length);
    bench_bytes_text(&r->write, "\r\n");
    bench_bytes_add(&r->write, c->outbox.at, c->outbox.len);
    c->outbox.len = 0;
}

static bool waits(const struct run *r, const struct client *c)
{
    return c->state < CLIENT_JOINED || r->opt.mode == MODE_IDLE ||
           c->sent_count > c->answered_count;
}

static void flush(struct run *r, struct client *c)
{
    if (c->asking || c->link != LINK_UP)
        return;
    if (c->outbox.len) {
        post(r, c);
    } else if (c->state != CLIENT_LEAVING && waits(r, c)) {
        request(r, c, "GET ");
        bench_bytes_text(&r->write, "\r\n");
    } else {
        return;
    }
    c->asking = true;
    bench_client_send(r, c);
}

static void packet(struct run *r, struct client *c, const char *text, size_t len)
{
    const char separator = SEPARATOR;

    (void)r;
    if (c->outbox.len)
        bench_bytes_add(&c->outbox, &separator, 1);
    bench_bytes_add(&c->outbox, text, len);
}

static void message(struct run *r, struct client *c)
{
    struct message_text *t = bench_message_text(&r->message, c->index, c->sent_count++);

    packet(r, c, t->bytes, t->len);
}

static void leave(struct run *r, struct client *c)
{
    packet(r, c, "1", 1);
    flush(r, c);
}

/* Between two requests a server may hang up. */
static bool ended(struct run *r, struct client *c)
{
    if (c->asking)
        return false;
    bench_client_reopen(r, c);
    return true;
}

/* ---- responses ---- */

/* A header's value within the head, NULL when it is not there. */
static const char *header(const char *head, size_t len, const char *name)
{
    size_t name_len = strlen(name);

    for (const char *at = head, *end = head + len; at && at + name_len < end;
         at = memchr(at, '\n', (size_t)(end - at))) {
        at += *at == '\n';
        if (at + name_len < end && strncasecmp(at, name, name_len) == 0 && at[name_len] == ':')
            return at + name_len + 1 + strspn(at + name_len + 1, " ");
    }
    return NULL;
}

static void payload(struct run *r, struct client *c, const char *text, size_t len)
{
    const char *end = text + len;

    while (text < end && c->link == LINK_UP) {
        const char *stop = memchr(text, SEPARATOR, (size_t)(end - text));
        if (!stop)
            stop = end;
        bench_client_packet(r, c, text, (size_t)(stop - text));
        text = stop + 1;
    }
}

static void response(struct run *r, struct client *c, const char *body, size_t len)
{
    bool said = len != 2 || memcmp(body, "ok", 2) != 0;

    c->asking = false;
    if (c->state == CLIENT_LEAVING && c->outbox.len == 0) {
        bench_client_left(r, c);
        return;
    }
    if (said)
        payload(r, c, body, len);
    if (c->reconnect && c->link == LINK_UP)
        bench_client_reopen(r, c);
}

static size_t parse(struct run *r, struct client *c, const uint8_t *bytes, size_t len)
{
    const char *head = (const char *)bytes, *end = memmem(bytes, len, "\r\n\r\n", 4);
    size_t head_len = end ? (size_t)(end - head) + 2 : 0;
    const char *length = end ? header(head, head_len, "content-length") : NULL;
    const char *connection = end ? header(head, head_len, "connection") : NULL;
    size_t body = length ? (size_t)strtoul(length, NULL, 10) : 0;

    if (!end && len < HEAD_MAX && memcmp(head, "HTTP/1.1 200 ", len < 13 ? len : 13) == 0)
        return 0;
    if (!c->asking || !end || memcmp(head, "HTTP/1.1 200 ", 13) != 0) {
        bench_client_wrong(r, c, "no answer to a poll", head, len);
        return 0;
    }
    if (!length || body > r->read.cap - HEAD_MAX) {
        bench_client_wrong(r, c, "an answer without a Content-Length that is expected here",
                           head, len);
        return 0;
    }
    if (len < head_len + 2 + body)
        return 0;
    c->reconnect = connection && strncasecmp(connection, "close", 5) == 0;
    response(r, c, end + 4, body);
    return head_len + 2 + body;
}

const struct transport bench_polling = {
    .first = CLIENT_OPENING,
    .start = flush,
    .parse = parse,
    .packet = packet,
    .message = message,
    .flush = flush,
    .leave = leave,
    .ended = ended,
};
