/* socketio/survey.h -- a broadcast that asks for answers: one id, many sockets, one outcome.
 *
 * Each receiver waits with an ordinary ack (ack.h) that reports here.  A receiver that leaves
 * is no longer waited for.  The outcome is one SIOC_EVENT_ACK: all first arguments, in the
 * order they came; with status SIOC_ETIMEDOUT when some are missing.  Invariant: it comes
 * exactly once, never inside the broadcast.
 */
#ifndef SOCKETIO_SURVEY_H
#define SOCKETIO_SURVEY_H

#include "socketio/internal.h"

struct sio_survey;

/* What adapters know it by (<sioc/adapter.h>), and the survey of such a number, or NULL. */
uint64_t sio_survey_handle(const struct sio_survey *survey);
struct sio_survey *sio_survey_find(const struct sioc_server *server, uint64_t handle);
/* NULL when out of memory.  The handler is taken on success. */
struct sio_survey *sio_survey_new(struct sioc_namespace *nsp, const struct sioc_emit *emit);
/* Before the packet goes to the socket: waits for its answer `id`.  0, SIOC_ELIMIT,
 * SIOC_ENOMEM. */
int sio_survey_ask(struct sio_survey *survey, struct sioc_socket *socket, uint64_t id);
/* The packet could not be sent after all. */
void sio_survey_unask(struct sio_survey *survey, struct sioc_socket *socket, uint64_t id);
/* All are asked: from here on the survey ends by itself. */
void sio_survey_begin(struct sio_survey *survey);
/* Nobody was asked after all, and the handler is not called.  It is not dropped. */
void sio_survey_cancel(struct sio_survey *survey);
/* Of a server that is freed: ends them without waiting. */
void sio_surveys_end(struct sioc_server *server);

#endif
