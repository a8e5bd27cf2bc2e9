/* bindings/bench/modes.h -- what the clients say, and what they must hear. */
#ifndef BENCH_MODES_H
#define BENCH_MODES_H

#include "run.h"

void bench_mode_start(struct run *r);                    /* all have joined: fill the pipe */
void bench_mode_joined(struct run *r, struct client *c); /* this one has */
void bench_mode_closed(struct run *r, struct client *c); /* left as it was told to */
void bench_mode_event(struct run *r, struct client *c, const char *text, size_t len);
void bench_mode_turn_end(struct run *r);             /* every ready connection was served */
uint64_t bench_mode_unanswered(const struct run *r); /* messages under way */
/* When the next message is due without any answer, UINT64_MAX: never. */
uint64_t bench_mode_due_ns(const struct run *r);

#endif
