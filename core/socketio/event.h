/* socketio/event.h -- making events for handlers. */
#ifndef SOCKETIO_EVENT_H
#define SOCKETIO_EVENT_H

#include "socketio/internal.h"

/* Makes sure the arguments are well-formed JSON, reading them if nobody has.  0, or what is
 * wrong. */
int sio_event_check(struct sioc_event *event);

/* Appends the text of a JSON string, unescaped.  0, or what is wrong with it. */
int sio_json_unescape(struct sioc_str json_string, struct buf *out);

#endif
