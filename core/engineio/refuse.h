/* engineio/refuse.h -- requests that do not become, or do not belong to, a session (protocol.md
 * 1.4): the answer, the counter, and the news for the floor above.
 */
#ifndef ENGINEIO_REFUSE_H
#define ENGINEIO_REFUSE_H

#include "engineio/engine.h"

/* Codes and texts are those of the wire. */
enum eio_refusal {
    EIO_REFUSE_TRANSPORT,
    EIO_REFUSE_SID,
    EIO_REFUSE_METHOD,
    EIO_REFUSE_REQUEST,
    EIO_REFUSE_FORBIDDEN,
    EIO_REFUSE_VERSION,
    EIO_ACCEPT = -1,
};

/* What is told about a refusal beside its code (features.md 1.3). */
struct eio_refused {
    int code;
    struct sioc_str message;
    struct eio_fact {
        const char *name;
        struct sioc_str value;
    } facts[3];
    size_t fact_count;
};

/* Answers: JSON, or plain text and a closed connection to who wanted to upgrade.
 *   name  which of the bad requests it is, e.g. "TRANSPORT_MISMATCH"; NULL for other codes
 *   text  FORBIDDEN: replaces the message, valid UTF-8; ptr NULL: none */
void eio_refuse(struct eio_engine *engine, struct http_request *request, enum eio_refusal why,
                const char *name, struct sioc_str text);

/* 503, for everybody. */
void eio_refuse_busy(struct http_request *request);
/* 429, for an address that asks too much; when to try again, in seconds. */
void eio_refuse_flood(struct http_request *request, const char *retry_after_s);

#endif
