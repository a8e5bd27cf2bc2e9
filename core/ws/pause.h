/* ws/pause.h -- connections that have just said something which deserves to be heard on its
 * own.
 *
 * A client that waits for the answer to its request, and only then begins to listen for what
 * comes next, misses a message that arrives in the same segment.  The public suites of
 * Engine.IO do so behind the 101 ("open", then "message": sends and receives a plain text
 * packet), that of Socket.IO behind the answer to CONNECT (then "auth": all cases of connect).
 * So after such an answer a connection pauses: what it queues leaves some milliseconds later,
 * in one write.  Nothing is lost or reordered.
 *
 * Stock clients listen from the beginning, so the pause must cost them next to nothing.  It is
 * over as soon as the peer says something: it has read the answer, or does not wait for it.
 * And it is for those who come alone: while WS_PAUSES_MAX connections pause, others do not, so
 * a crowd connects as fast as the machine can.  (A write in the next turn of the loop would be
 * cheaper still, but that is microseconds later, and one read of the client's finds both.)
 * One timer serves all.  Invariant: a task that pauses is in one of the two lists and in no
 * other; whoever cancels it takes it out of there.
 */
#ifndef WS_PAUSE_H
#define WS_PAUSE_H

#include "net/loop.h"
#include "net/timer.h"

#define WS_PAUSES_MAX 8

struct ws_pauses {
    struct net_loop *loop;
    struct net_timer timer;
    uint32_t ms;            /* at least so long, at most twice */
    struct list fresh, old; /* of the nodes of tasks */
};

void ws_pauses_init(struct ws_pauses *pauses, struct net_loop *loop, uint32_t ms);
void ws_pauses_deinit(struct ws_pauses *pauses); /* nobody may be pausing */
/* The task runs when the pause is over, whether it was added meanwhile or not.  Adding it does
 * nothing until then; to end the pause, cancel and add it.  False: too many pause, nothing was
 * done. */
bool ws_pause(struct ws_pauses *pauses, struct net_task *task);

#endif
