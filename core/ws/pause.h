/* ws/pause.h -- connections that have just said something which deserves to be heard on its
 * own.
 *
 * A client that waits for the answer to its request, and only then begins to listen for what
 * comes next, misses a message that arrives in the same segment.  So after such an answer a
 * connection pauses: what it queues leaves a few milliseconds later, in one write.  Nothing is
 * lost or reordered, and nobody else waits.
 * One timer serves all.  Invariant: a task that pauses is in one of the two lists and in no
 * other; whoever cancels it takes it out of there.
 */
#ifndef WS_PAUSE_H
#define WS_PAUSE_H

#include "net/loop.h"
#include "net/timer.h"

#define WS_PAUSE_MS 2 /* at least so long, at most twice */

struct ws_pauses {
    struct net_loop *loop;
    struct net_timer timer;
    struct list fresh, old; /* of the nodes of tasks */
};

void ws_pauses_init(struct ws_pauses *pauses, struct net_loop *loop);
void ws_pauses_deinit(struct ws_pauses *pauses); /* nobody may be pausing */
/* The task runs when the pause is over, whether it was added meanwhile or not.  Adding it does
 * nothing until then. */
void ws_pause(struct ws_pauses *pauses, struct net_task *task);

#endif
