/* script/probation.c -- see probation.h. */
#include "script/probation.h"
#include <stdio.h>

static double share(uint64_t failed, uint64_t handled)
{
    return handled > 0 ? (double)failed / (double)handled : 0;
}

void script_probation_begin(struct script_probation *p,
                            const struct sioc_script_rollback *rules,
                            const struct sioc_script_stats *old, uint64_t now_ms)
{
    double before = share(old->failed, old->handled);
    bool proven = !p->active;
    double unproven = p->before;
    *p = (struct script_probation){.rules = *rules, .old = *old, .before = before};
    if (!proven && unproven < before)
        p->before = unproven;
    p->active = rules->window_ms > 0;
    p->ends_ms = now_ms + rules->window_ms;
}

/* Handlers that are called again for sockets that were there are counted apart: so many of them
 * go well in a moment that they would hide those that do not. */
static bool jumps(const struct script_probation *p, uint64_t failed, uint64_t handled)
{
    return handled >= p->rules.min_handlers &&
           share(failed, handled) + 1e-9 >= p->before + p->rules.threshold;
}

enum script_verdict script_probation_judge(struct script_probation *p,
                                           const struct sioc_script_stats *stats,
                                           uint64_t now_ms, char *ret_why, size_t cap)
{
    bool events = jumps(p, stats->failed, stats->handled);
    if (events || jumps(p, stats->replays_failed, stats->replays)) {
        uint64_t failed = events ? stats->failed : stats->replays_failed;
        uint64_t handled = events ? stats->handled : stats->replays;
        p->active = false;
        snprintf(ret_why, cap, "%llu of %llu %s threw, %llu of %llu before",
                 (unsigned long long)failed, (unsigned long long)handled,
                 events ? "handlers" : "connection handlers that were called again",
                 (unsigned long long)p->old.failed, (unsigned long long)p->old.handled);
        return SCRIPT_FAILED;
    }
    if (now_ms < p->ends_ms)
        return SCRIPT_GOES_ON;
    p->active = false;
    return SCRIPT_PASSED;
}
