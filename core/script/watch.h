/* script/watch.h -- what tests may know of a watch beyond <sioc/watch.h>. */
#ifndef SCRIPT_WATCH_H
#define SCRIPT_WATCH_H

#include <sioc/watch.h>

/* How often it has looked at the files: events of their neighbours must not raise it. */
uint64_t script_watch_looks(const struct sioc_files_watch *watch);
/* Whether it polls, by option or because there is nothing better. */
bool script_watch_polls(const struct sioc_files_watch *watch);
/* How long it waits for events at most before it looks anyway (5 s). */
void script_watch_set_lost_event_ms(struct sioc_files_watch *watch, uint32_t pause_ms);

#endif
