/* sioc/test.h -- clients without a network, for hosts that let scripts test themselves.
 *
 * A test client is a whole client: it has a session, joins namespaces (middleware and all),
 * sends events, gets what is sent to it and to its rooms, answers and is answered.  Only the
 * network is missing: what it sends is handled before the call returns, and what it gets waits
 * until it is asked for.  So the server it is opened in must not listen: a draft (reload.h), or
 * one that has not begun.  When the last test client is closed, the server's counters are what
 * they were before the first.
 */
#ifndef SIOC_TEST_H
#define SIOC_TEST_H

#include <sioc/http.h>
#include <sioc/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIOC_TEST_MAX_BYTES                                          \
    ((size_t)64 << 20) /* that may wait for a client to ask for them \
                        */

struct sioc_test_client;

/* Of its first request.  A slice with ptr NULL is left to the server. */
struct sioc_test_handshake {
    struct sioc_str query;   /* encoded pairs, behind those of Engine.IO; none */
    struct sioc_str address; /* at most 255 bytes; 127.0.0.1 */
    const struct sioc_http_field *headers;
    size_t header_count;
};

/* handshake: borrowed; NULL = nothing is said.  The server outlives the client.
 *   arrived  called at the end of the turn when something waits for sioc_test_next; may be NULL
 * 0, SIOC_ESTATE (the server listens), SIOC_ETOOBIG (the handshake, above 32 KiB), SIOC_ENOMEM
 */
SIOC_API int sioc_test_open(struct sioc_server *server,
                            const struct sioc_test_handshake *handshake,
                            void (*arrived)(void *user), void *user,
                            struct sioc_test_client **ret_client);
/* Closes the connection if it is open ("transport close"), and frees the client.  Accepts NULL.
 */
SIOC_API void sioc_test_close(struct sioc_test_client *client);
SIOC_API bool sioc_test_is_open(const struct sioc_test_client *client);

/* ---- sending ----
 *
 * All of these: SIOC_ECLOSED when the connection is over.  A client that sends what its state
 * does not allow (an event to a namespace that it has not joined) is closed as any other. */

/* auth_json: an object, or ptr NULL. */
SIOC_API int sioc_test_connect(struct sioc_test_client *client, struct sioc_str nsp,
                               struct sioc_str auth_json);
SIOC_API int sioc_test_disconnect(struct sioc_test_client *client, struct sioc_str nsp);
/* An event, made by sioc_message_new in the namespace that it is for: taken in any case.
 * ack_id: what the answer is known by, NULL = none is wanted. */
SIOC_API int sioc_test_send(struct sioc_test_client *client, struct sioc_message *message,
                            const uint64_t *ack_id);
/* The answer to an event, made by sioc_message_new_answer: taken in any case. */
SIOC_API int sioc_test_answer(struct sioc_test_client *client, struct sioc_message *message,
                              uint64_t ack_id);

/* ---- what it gets ---- */

enum sioc_test_kind {
    SIOC_TEST_NOTHING = 0,  /* nothing waits */
    SIOC_TEST_CONNECTED,    /* json: {"sid": ...} */
    SIOC_TEST_REFUSED,      /* json: {"message": ..., "data": ...} */
    SIOC_TEST_EVENT,        /* event: name and arguments; has_id: an answer is wanted */
    SIOC_TEST_ANSWER,       /* event: the arguments; id */
    SIOC_TEST_DISCONNECTED, /* from the namespace */
    SIOC_TEST_CLOSED,       /* the connection is over; nothing comes behind it */
};

/* Borrowed until the client is used again. */
struct sioc_test_packet {
    enum sioc_test_kind kind;
    struct sioc_str nsp;
    struct sioc_str json;
    const struct sioc_event *event; /* for sioc_event_name and sioc_event_read */
    bool has_id;
    uint64_t id;
};

/* The next thing, in order.  0, SIOC_EPROTO (a packet beyond the limits for clients, e.g. with
 * more attachments than max_attachments; it is left out), SIOC_ENOMEM. */
SIOC_API int sioc_test_next(struct sioc_test_client *client,
                            struct sioc_test_packet *ret_packet);

#ifdef __cplusplus
}
#endif

#endif
