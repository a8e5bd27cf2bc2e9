/* socketio/offset.h -- numbers of packets, as clients keep them: a text behind an event's
 * arguments (protocol.md 3.5), a prefix of the namespace's own and the number in base 64.
 */
#ifndef SOCKETIO_OFFSET_H
#define SOCKETIO_OFFSET_H

#include "base/rand.h"
#include <sioc/base.h>

#define OFFSET_SIZE 24

struct sio_offset {
    char prefix[RAND_ID_LEN + 1]; /* tells ours from other texts, and namespaces apart */
    char text[OFFSET_SIZE];
};

/* With a prefix by chance.  0, or as rand_id. */
int sio_offset_init(struct sio_offset *offset);
/* Good until the next one is written. */
struct sioc_str sio_offset_write(struct sio_offset *offset, uint64_t number);
/* false: the text is none of these offsets. */
bool sio_offset_read(const struct sio_offset *offset, struct sioc_str text,
                     uint64_t *ret_number);

#endif
