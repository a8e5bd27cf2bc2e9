/* A WebSocket client of a few lines, in the thread of the server's loop: what it sends and gets
 * is exact. Waiting means stepping the loop, with a limit of turns. */
#ifndef HELPER_CLIENT_H
#define HELPER_CLIENT_H

#include <sioc/sioc.h>

struct wire {
    int fd;
    struct sioc_loop *loop;
    unsigned char in[65536];
    size_t len;
    bool eof;
};

/* Connects and sends the upgrade request; the head of the answer is read by wire_open. */
void wire_connect(struct wire *w, struct sioc_loop *loop, uint16_t port);
/* The same with another query. */
void wire_connect_query(struct wire *w, struct sioc_loop *loop, uint16_t port,
                        const char *query);
/* The same with another path; what comes behind the head of the answer is left to wire_next. */
void wire_connect_path(struct wire *w, struct sioc_loop *loop, uint16_t port, const char *path);
bool wire_upgraded(struct wire *w);
/* One HTTP request on a connection of its own: the body of the answer as text in a static
 * buffer, "" when there was none.
 *   head  "GET /path", perhaps with "\n" and header lines behind, each ended by "\r\n" */
const char *wire_http(struct sioc_loop *loop, uint16_t port, const char *head, const void *body,
                      size_t len);
/* Reads the 101 head and the open packet: false when the server closed instead. */
bool wire_open(struct wire *w);
void wire_text(struct wire *w, const char *text);
void wire_binary(struct wire *w, const void *bytes, size_t len);
/* The payload of the next frame as text in a static buffer ("CLOSE" for a close frame, "EOF"),
 * or NULL when none came in time. */
const char *wire_next(struct wire *w);
void wire_close(struct wire *w);
/* Runs the loop a little, so that what was sent is worked on. */
void wire_settle(struct sioc_loop *loop);

#endif
