/* script/shared.h -- the store from inside, for its tests. */
#ifndef SCRIPT_SHARED_H
#define SCRIPT_SHARED_H

#include <sioc/shared.h>

/* Whose milliseconds count; the system's monotonic ones at first.  Drafts ask their parent. */
void script_shared_set_clock(struct sioc_shared *store, uint64_t (*now_ms)(void));

#endif
