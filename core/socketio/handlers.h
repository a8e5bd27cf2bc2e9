/* socketio/handlers.h -- lists of handlers: adding, removing, calling while the list changes.
 */
#ifndef SOCKETIO_HANDLERS_H
#define SOCKETIO_HANDLERS_H

#include "socketio/internal.h"

/* name: copied; ptr NULL = every event.  0 or SIOC_ENOMEM. */
int sio_listeners_add(struct sio_listeners **list, struct sioc_str name,
                      struct sioc_handler handler, unsigned flags);
/* Removes all of that name, or only those with that user and ref; returns how many. */
int sio_listeners_remove(struct sio_listeners **list, struct sioc_str name, const void *user,
                         intptr_t ref);
void sio_listeners_free(struct sio_listeners **list);

/* Whether anybody listens: of that name, or (ptr NULL) to every event. */
bool sio_listeners_have(const struct sio_listeners *list, struct sioc_str name);

/* Walks those of that name; *pos starts at 0. */
bool sio_listeners_next(const struct sio_listeners *list, struct sioc_str name, size_t *pos,
                        struct sioc_handler *ret_handler);

/* Calls those of that name (ptr NULL: those for every event), in order, as the list was when
 * the call began; a handler may add and remove any.  `list` must outlive the call (its owner is
 * discarded at the end of the turn at the earliest).  Stops when the event's text turned out to
 * be malformed.  Returns whether there are any. */
bool sio_listeners_call(struct sio_listeners **list, struct sioc_str name,
                        struct sioc_event *event);

/* Those for every event; as a rule there are none. */
static inline void sio_listeners_call_every(struct sio_listeners **list,
                                            struct sioc_event *event)
{
    static const struct sioc_str every = {NULL, 0};
    if (*list && (*list)->every)
        sio_listeners_call(list, every, event);
}

static inline void sio_handler_drop(const struct sioc_handler *handler)
{
    if (handler->drop)
        handler->drop(handler->user, handler->ref);
}

#endif
