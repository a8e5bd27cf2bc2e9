/* helper_frames.h -- client frames for tests: masked, any defect on request. */
#ifndef TEST_WS_HELPER_FRAMES_H
#define TEST_WS_HELPER_FRAMES_H

#include "base/buf.h"

/* Appends a masked frame; first is the whole first byte, e.g. 0x81 for a final text frame. */
void put_frame(struct buf *out, unsigned first, const void *payload, size_t len);
void put_text(struct buf *out, const char *text);
/* A close frame; code 0: empty body. */
void put_close(struct buf *out, unsigned code, const char *reason);

#endif
