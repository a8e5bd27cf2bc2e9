/* socketio/event.h -- making events for handlers. */
#ifndef SOCKETIO_EVENT_H
#define SOCKETIO_EVENT_H

#include "socketio/internal.h"

/* Makes sure the arguments are well-formed, reading them if nobody has.  0, or what is wrong.
 */
int sio_event_check(struct sioc_event *event);
/* Frees what a handler's cursor has read; to be called when the handlers have run. */
void sio_event_deinit(struct sioc_event *event);

#endif
