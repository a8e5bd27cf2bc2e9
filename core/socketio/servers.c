/* socketio/servers.c -- events between the servers of a cluster.
 *
 * The local adapter has no peers: nobody is told, and nobody answers.  Adapters that have some
 * come in here.
 */
#include "socketio/message.h"
#include "socketio/survey.h"

int sioc_message_new_for_servers(struct sioc_namespace *nsp, struct sioc_str event,
                                 struct sioc_message **ret_message)
{
    static const char *const reserved[] = {"connect", "connection", "new_namespace"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (str_eq(event, sioc_str(reserved[i])))
            return SIOC_ERESERVED;
    struct sioc_message *m;
    int error = sioc_message_new_answer(nsp, &m);
    if (error < 0)
        return error;
    if ((error = sioc_put_str(sioc_message_sink(m), event)) < 0) {
        sioc_message_free(m);
        return error;
    }
    *ret_message = m;
    return 0;
}

int sioc_server_side_emit(struct sioc_namespace *nsp, struct sioc_message *m,
                          const struct sioc_emit *emit)
{
    int error = m->text.error;
    sioc_message_free(m);
    if (error < 0 || !emit || !emit->ack.call)
        return error;
    struct sio_survey *survey = sio_survey_new(nsp, emit);
    if (!survey)
        return SIOC_ENOMEM;
    sio_survey_begin(survey);
    return 0;
}
