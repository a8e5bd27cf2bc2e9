/* script/probation.h -- whether a new generation fails more often than the one before.
 *
 * For some time after a swap the share of handlers that throw is compared with what it was
 * before.  Knows counters and the clock that it is told; starts nothing, ends nothing.
 */
#ifndef SCRIPT_PROBATION_H
#define SCRIPT_PROBATION_H

#include <sioc/script.h>

struct script_probation {
    struct sioc_script_rollback rules;
    struct sioc_script_stats old; /* of the generation before, for the message */
    double before;                /* the share that is compared with */
    uint64_t ends_ms;
    bool active;
};

enum script_verdict { SCRIPT_GOES_ON = 1, SCRIPT_PASSED, SCRIPT_FAILED };

/* A generation begins to serve.  old: what the one before has done; if that one was on
 * probation itself, the better share of the two counts. */
void script_probation_begin(struct script_probation *p,
                            const struct sioc_script_rollback *rules,
                            const struct sioc_script_stats *old, uint64_t now_ms);
/* FAILED: why, in a part of a sentence ("12 of 20 handlers threw, 1 of 1000 before").  After
 * PASSED and FAILED it is not active any more. */
enum script_verdict script_probation_judge(struct script_probation *p,
                                           const struct sioc_script_stats *stats,
                                           uint64_t now_ms, char *ret_why, size_t cap);

#endif
