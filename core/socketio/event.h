/* socketio/event.h -- making events for handlers. */
#ifndef SOCKETIO_EVENT_H
#define SOCKETIO_EVENT_H

#include "socketio/internal.h"

/* The arguments as their parser wants them; valid as long as the event is. */
struct sioc_packet_data sio_event_data(const struct sioc_event *event);
/* Its name, the first element of its args: borrowed from them, or from `room` (empty). */
int sio_event_read_name(const struct sioc_event *event, struct buf *room,
                        struct sioc_str *ret_name);
/* Drives the sink with the first argument only, or null when there is none. */
int sio_event_read_first(const struct sioc_event *event, struct sioc_sink *sink);
/* Makes sure the arguments are well-formed, reading them if nobody has.  0, or what is wrong.
 */
int sio_event_check(struct sioc_event *event);
/* Frees what a handler's cursor has read; to be called when the handlers have run. */
void sio_event_deinit(struct sioc_event *event);

/* Counts what is wrong with the data of a packet: 0 or an error of a parser. */
void sio_count_payload(struct sioc_server *server, int error);

#endif
