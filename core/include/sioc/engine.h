/* sioc/engine.h -- the Engine.IO requests of clients: who may open a session, by which id,
 * which headers the answers carry, and what was refused.
 *
 * A hook gets a request of http.h to look at; it cannot answer it.
 */
#ifndef SIOC_ENGINE_H
#define SIOC_ENGINE_H

#include <sioc/conn.h>
#include <sioc/http.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- who may open a session ---- */

/* Asked for each request that would open a session, when method and transport were found right
 * and before the protocol's version is looked at.  hook.call must lead to one sioc_engine_allow
 * with the request's handle, now or later.  hook: taken; call NULL = everyone may. */
SIOC_API void sioc_engine_on_request(struct sioc_server *server, struct sioc_http_handler hook);
/* refusal: NULL = the request is allowed; else why not, as the client will read it (valid
 * UTF-8;
 * "" = "Forbidden").  Polling clients get 403 with code 4, others 400 with the text.
 * 0, or SIOC_ECLOSED: the client has gone, or the question was answered. */
SIOC_API int sioc_engine_allow(struct sioc_server *server, uint64_t request,
                               const char *refusal);

/* Asked for the id of each new session, instead of making a random one; answered by
 * sioc_engine_give_id.  The id is a secret of the client: whoever knows it can speak for it.
 * hook: taken; call NULL = random ids. */
SIOC_API void sioc_engine_on_id(struct sioc_server *server, struct sioc_http_handler hook);
/* id: 20 to 64 characters of A-Za-z0-9_- that no other session has; ptr NULL: there is none.
 * Anything else refuses the client with code 3, ID_GENERATION_ERROR.
 * 0, SIOC_ECLOSED, SIOC_EINVAL (no id of that form), SIOC_EEXIST (another session's). */
SIOC_API int sioc_engine_give_id(struct sioc_server *server, uint64_t request,
                                 struct sioc_str id);

/* ---- what happens ---- */

struct sioc_connection_error {
    int code;                /* 0 to 5 */
    struct sioc_str message; /* of the code; what a hook said instead is in the context */
    /* What is known beside the code: transport, sid, method, name, origin, protocol, ... */
    const struct sioc_http_field *context;
    size_t context_count;
};

struct sioc_headers;
/* Adds a header to an answer.  Of several with one name all are sent.
 * 0, SIOC_EINVAL (forbidden characters, or a header that the connection writes itself),
 * SIOC_ENOMEM. */
SIOC_API int sioc_headers_add(struct sioc_headers *headers, struct sioc_str name,
                              struct sioc_str value);

/* Calls with everything borrowed for the call; each may be NULL. */
struct sioc_engine_events {
    /* A request is refused, with the code and text that the client gets. */
    void (*connection_error)(void *user, struct sioc_request *request,
                             const struct sioc_connection_error *error);
    /* Asked for each request of the engine, before it is looked at (CORS apart): false refuses
     * it with code 3, MIDDLEWARE_FAILURE.  headers: for its answer, whatever that will be. */
    bool (*request)(void *user, struct sioc_request *request, struct sioc_headers *headers);
    /* An answer to a session's request goes out: 200 to GET and POST, 101 to upgrades; not the
     * refusals.  initial: it is the session's first. */
    void (*headers)(void *user, struct sioc_request *request, bool initial,
                    struct sioc_headers *headers);
    /* A client of the Socket.IO server has opened its session; the open packet is on its way.
     * The connection may be closed inside of these. */
    void (*connection)(void *user, struct sioc_conn *conn);
    /* Of each of these connections, as SIOC_CONN_FLUSH and SIOC_CONN_DRAIN (conn.h). */
    void (*flush)(void *user, struct sioc_conn *conn, const struct sioc_conn_event *event);
    void (*drain)(void *user, struct sioc_conn *conn);
    void *user;
};
/* events: copied; NULL = none. */
SIOC_API void sioc_engine_set_events(struct sioc_server *server,
                                     const struct sioc_engine_events *events);

#ifdef __cplusplus
}
#endif

#endif
