/* tests/bench/loadgen_modes.h -- what the clients say, and what they must hear. */
#ifndef LOADGEN_MODES_H
#define LOADGEN_MODES_H

#include "loadgen_run.h"

void mode_start(struct run *r);                    /* all have joined: fill the pipe */
void mode_joined(struct run *r, struct client *c); /* this one has */
void mode_closed(struct run *r, struct client *c); /* left as it was told to */
void mode_event(struct run *r, struct client *c, const char *text, size_t len);
void mode_turn_end(struct run *r);             /* every ready connection was served */
uint64_t mode_unanswered(const struct run *r); /* messages under way */

#endif
