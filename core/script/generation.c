/* script/generation.c -- <sioc/script.h>: load aside, swap, re-bind, retire, and go back.
 *
 * One reload is at work at a time; it goes through the phases below, each begun by a timer, so
 * that nothing of a script is on the stack when generations come and go.  A refusal at any time
 * before the swap leaves everything as it was.  Going back is a reload from another source.
 * Invariant: at most one generation loads, one serves, and retired_max finish.
 */
#include "base/mem.h"
#include "net/timer.h"
#include "script/probation.h"
#include "socketio/loop.h"
#include <sioc/script.h>
#include <stdio.h>
#include <time.h>

#define RETIRE_CHECK_MS 50
#define MAX_RETIRED     8
#define ERROR_BYTES     8192
#define RECHECK         8 /* sockets between two looks at the clock */
#define JUDGE_MS        100

enum phase { IDLE, LOADING, LOADED, REBINDING };

struct retired {
    void *generation;
    unsigned number;
    uint64_t deadline_ms;
};

/* What a generation that does not serve any more was loaded from. */
struct past {
    void *source;
    unsigned script; /* whose script it is */
};

struct sioc_script {
    struct sioc_loop *loop;
    const struct sioc_script_ops *ops;
    void *user;
    struct sioc_script_limits limits;

    void *current, *next;
    unsigned number; /* of current; a script that was refused leaves no gap */
    struct retired retired[MAX_RETIRED]; /* the oldest first */
    unsigned retired_count;

    enum phase phase;
    bool again; /* asked for once more meanwhile */
    bool starting;
    bool stopped;
    struct net_timer step, deadline, check, judge;
    struct sioc_script_outcome outcome;
    double began_ms;
    bool in_turn;
    double turn_ms, turn_work_ms; /* when this turn began, by two clocks */
    char error[ERROR_BYTES];

    unsigned script; /* whose script serves: `number`, or an earlier one that was loaded back */
    struct past history[SIOC_SCRIPT_HISTORY]; /* the oldest first */
    unsigned history_count;
    struct sioc_script_rollback rules;
    struct script_probation probation;
    bool back;          /* a rollback is asked for */
    unsigned back_from; /* ... of this generation */
    char why[160];
};

static double read_ms(clockid_t clock)
{
    struct timespec t = {0};
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double clock_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

static void start(struct sioc_script *s, struct net_timer *timer, uint64_t delay_ms)
{
    net_timer_start(sio_net_loop(s->loop), timer, delay_ms);
}

/* The next phase begins in the next turn. */
static void next_step(struct sioc_script *s)
{
    if (!net_timer_active(&s->step))
        start(s, &s->step, 0);
}

/* ---- the end of a reload ---- */

static void note_turn(struct sioc_script *s)
{
    struct sioc_script_outcome *o = &s->outcome;
    double ms = clock_ms() - s->turn_ms,
           work_ms = read_ms(CLOCK_THREAD_CPUTIME_ID) - s->turn_work_ms;
    if (s->in_turn && ms > o->stall_ms)
        o->stall_ms = ms;
    if (s->in_turn && work_ms > o->work_ms)
        o->work_ms = work_ms;
}

static void finish(struct sioc_script *s, int code)
{
    note_turn(s);
    s->phase = IDLE;
    s->outcome.code = code;
    s->outcome.error = s->error;
    s->outcome.generation = s->number;
    s->outcome.script = s->script;
    s->outcome.why = s->outcome.rollback ? s->why : "";
    s->ops->outcome(s->user, &s->outcome);
    if ((s->again || s->back) && !s->stopped)
        next_step(s);
}

static void refuse(struct sioc_script *s, int code, const char *error)
{
    void *failed = s->next;
    if (error)
        snprintf(s->error, sizeof s->error, "%s", error);
    net_timer_stop(&s->deadline);
    net_timer_stop(&s->step);
    s->next = NULL;
    if (failed)
        s->ops->drop(s->user, failed);
    finish(s, code);
}

/* ---- those that finish ---- */

static void drop_retired(struct sioc_script *s, unsigned i)
{
    struct retired gone = s->retired[i];
    s->retired_count--;
    for (; i < s->retired_count; i++)
        s->retired[i] = s->retired[i + 1];
    s->ops->retired(s->user, gone.number, s->ops->drop(s->user, gone.generation));
}

static void on_check(struct net_timer *timer)
{
    struct sioc_script *s = LIST_ENTRY(timer, struct sioc_script, check);
    uint64_t now = sioc_loop_now_ms(s->loop);
    for (unsigned i = 0; i < s->retired_count && s->phase != REBINDING;) {
        struct retired *r = &s->retired[i];
        if (now >= r->deadline_ms || !s->ops->busy(s->user, r->generation))
            drop_retired(s, i);
        else
            i++;
    } /* while sockets are re-bound they may still hold objects of the last one */
    if (s->retired_count > 0)
        start(s, timer, RETIRE_CHECK_MS);
}

static void retire(struct sioc_script *s, void *generation, unsigned number)
{
    while (s->retired_count >= s->limits.retired_max)
        drop_retired(s, 0);
    s->retired[s->retired_count++] = (struct retired){
        generation, number, sioc_loop_now_ms(s->loop) + s->limits.retire_timeout_ms};
    s->ops->retire(s->user, generation);
    if (!net_timer_active(&s->check))
        start(s, &s->check, RETIRE_CHECK_MS);
}

/* ---- the way back ---- */

static bool can_go_back(const struct sioc_script *s)
{
    return s->ops->keep && s->ops->forget && s->ops->load_back && s->ops->stats;
}

static void forget_past(struct sioc_script *s, unsigned i)
{
    s->ops->forget(s->user, s->history[i].source);
    s->history_count--;
    for (; i < s->history_count; i++)
        s->history[i] = s->history[i + 1];
}

/* It has served: its script may be wanted again. */
static void remember(struct sioc_script *s, void *generation, unsigned script)
{
    void *source = can_go_back(s) ? s->ops->keep(s->user, generation) : NULL;
    if (!source)
        return;
    if (s->history_count == SIOC_SCRIPT_HISTORY)
        forget_past(s, 0);
    s->history[s->history_count++] = (struct past){source, script};
}

static void judge_soon(struct sioc_script *s)
{
    if (s->probation.active && s->history_count > 0)
        start(s, &s->judge, JUDGE_MS);
}

static void on_judge(struct net_timer *timer)
{
    struct sioc_script *s = LIST_ENTRY(timer, struct sioc_script, judge);
    struct sioc_script_stats stats = {0};
    if (s->phase != IDLE) { /* another comes in its place, or is refused */
        judge_soon(s);
        return;
    }
    s->ops->stats(s->user, s->current, &stats);
    enum script_verdict verdict = script_probation_judge(
        &s->probation, &stats, sioc_loop_now_ms(s->loop), s->why, sizeof s->why);
    if (verdict == SCRIPT_GOES_ON) {
        judge_soon(s);
    } else if (verdict == SCRIPT_FAILED) {
        s->back = true;
        s->back_from = s->number;
        next_step(s);
    }
}

/* The one that serves now has taken the place of `old`. */
static void begin_probation(struct sioc_script *s, void *old)
{
    struct sioc_script_stats stats = {0};
    net_timer_stop(&s->judge);
    if (!can_go_back(s) || s->outcome.rollback) {
        s->probation.active = false;
        return;
    }
    s->ops->stats(s->user, old, &stats);
    script_probation_begin(&s->probation, &s->rules, &stats, sioc_loop_now_ms(s->loop));
}

/* ---- the phases ---- */

static void on_deadline(struct net_timer *timer)
{
    struct sioc_script *s = LIST_ENTRY(timer, struct sioc_script, deadline);
    char error[512];
    snprintf(error, sizeof error, "the script was not loaded after %g s",
             (double)s->limits.load_timeout_ms / 1e3);
    if (s->ops->late && s->next)
        s->ops->late(s->user, s->next, error, sizeof error);
    refuse(s, SIOC_ETIMEDOUT, error);
}

/* Why there is no way back from where we are, or NULL. */
static const char *no_way_back(const struct sioc_script *s)
{
    if (s->back_from != s->number)
        return "another generation serves by now";
    return s->history_count == 0 ? "there is no earlier script" : NULL;
}

static void *load(struct sioc_script *s)
{
    if (!s->outcome.rollback)
        return s->ops->load(s->user, s->number + 1);
    return s->ops->load_back(s->user, s->number + 1, s->history[s->history_count - 1].source);
}

static void begin(struct sioc_script *s)
{
    s->phase = LOADING;
    s->outcome = (struct sioc_script_outcome){.rollback = s->back};
    s->error[0] = '\0';
    s->began_ms = clock_ms();
    if (s->back)
        s->back = false;
    else
        s->again = false;
    if (s->outcome.rollback && no_way_back(s)) {
        refuse(s, SIOC_ESTATE, no_way_back(s));
        return;
    }
    start(s, &s->deadline, s->limits.load_timeout_ms);
    s->starting = true;
    void *generation = load(s);
    s->starting = false;
    if (!generation)
        refuse(s, SIOC_ENOMEM, "not enough memory");
    else
        s->next = generation;
}

void sioc_script_loaded(struct sioc_script *s, void *generation, int code, const char *error)
{
    if (s->phase != LOADING || (s->next != generation && !s->starting))
        return;
    s->phase = LOADED;
    s->outcome.code = code;
    snprintf(s->error, sizeof s->error, "%s", error ? error : "");
    next_step(s);
}

/* Between two events: from here on the new one serves. */
static void swap(struct sioc_script *s)
{
    void *old = s->current;
    unsigned old_number = s->number, old_script = s->script;
    char error[512] = "";
    if (s->outcome.code < 0) {
        refuse(s, s->outcome.code, NULL);
        return;
    }
    net_timer_stop(&s->deadline);
    int code = s->ops->swap(s->user, s->next, error, sizeof error);
    if (code < 0) {
        refuse(s, code, error);
        return;
    }
    s->current = s->next;
    s->next = NULL;
    s->number++;
    s->script = s->number;
    s->outcome.load_ms = clock_ms() - s->began_ms;
    s->phase = REBINDING;
    begin_probation(s, old);
    if (s->outcome.rollback) {
        s->script = s->history[s->history_count - 1].script;
        forget_past(s, s->history_count - 1);
    } else {
        remember(s, old, old_script);
    }
    judge_soon(s);
    retire(s, old, old_number);
    next_step(s);
}

/* One slice; then the loop turns for everybody else. */
static void rebind(struct sioc_script *s)
{
    double start = clock_ms(), now = start;
    size_t left = s->limits.slice;
    bool more = true;
    while (more && left > 0 && now - start < s->limits.slice_ms) {
        size_t part = left < RECHECK ? left : RECHECK;
        more = s->ops->rebind(s->user, s->current, part, &s->outcome.rebound);
        left -= part;
        now = clock_ms();
    }
    s->outcome.rebind_ms = now - s->began_ms - s->outcome.load_ms;
    if (more)
        next_step(s);
    else
        finish(s, 0);
}

static void on_step(struct net_timer *timer)
{
    struct sioc_script *s = LIST_ENTRY(timer, struct sioc_script, step);
    s->in_turn = true;
    s->turn_ms = clock_ms();
    s->turn_work_ms = read_ms(CLOCK_THREAD_CPUTIME_ID);
    switch (s->phase) {
    case IDLE:
        begin(s);
        break;
    case LOADED:
        swap(s);
        break;
    case REBINDING:
        rebind(s);
        break;
    case LOADING:
    default:
        break;
    }
    note_turn(s);
    s->in_turn = false;
}

/* ---- from outside ---- */

void sioc_script_reload(struct sioc_script *s)
{
    if (s->stopped)
        return;
    s->again = true;
    if (s->phase == IDLE)
        next_step(s);
}

void sioc_script_set_rollback(struct sioc_script *s, const struct sioc_script_rollback *rules)
{
    s->rules = *rules;
}

void sioc_script_rollback(struct sioc_script *s)
{
    if (s->stopped || s->back)
        return;
    s->back = true;
    s->back_from = s->number;
    s->why[0] = '\0';
    if (s->phase == IDLE)
        next_step(s);
}

void sioc_script_stop(struct sioc_script *s)
{
    void *next = s->next;
    s->stopped = true;
    s->next = NULL;
    net_timer_stop(&s->step);
    net_timer_stop(&s->deadline);
    net_timer_stop(&s->judge);
    if (next)
        s->ops->drop(s->user, next);
    if (s->phase == REBINDING) /* nothing of the old one may be left when it goes */
        while (s->ops->rebind(s->user, s->current, SIZE_MAX, &s->outcome.rebound))
            ;
    s->phase = IDLE;
}

void sioc_script_limits_init(struct sioc_script_limits *limits)
{
    *limits = (struct sioc_script_limits){.load_timeout_ms = 10000,
                                          .retire_timeout_ms = 30000,
                                          .retired_max = 2,
                                          .slice = 500,
                                          .slice_ms = 4};
}

int sioc_script_new(struct sioc_loop *loop, const struct sioc_script_ops *ops, void *user,
                    const struct sioc_script_limits *limits, void *current,
                    struct sioc_script **ret_script)
{
    struct sioc_script *s = mem_zalloc(sizeof *s);
    if (!s)
        return SIOC_ENOMEM;
    s->loop = loop;
    s->ops = ops;
    s->user = user;
    sioc_script_limits_init(&s->limits);
    if (limits)
        s->limits = *limits;
    if (s->limits.retired_max > MAX_RETIRED)
        s->limits.retired_max = MAX_RETIRED;
    s->current = current;
    s->number = s->script = 1;
    net_timer_init(&s->judge, on_judge);
    net_timer_init(&s->step, on_step);
    net_timer_init(&s->deadline, on_deadline);
    net_timer_init(&s->check, on_check);
    *ret_script = s;
    return 0;
}

void sioc_script_free(struct sioc_script *s)
{
    if (!s)
        return;
    sioc_script_stop(s);
    while (s->retired_count > 0)
        drop_retired(s, 0);
    while (s->history_count > 0)
        forget_past(s, s->history_count - 1);
    net_timer_stop(&s->check);
    mem_free(s);
}

void *sioc_script_current(const struct sioc_script *s)
{
    return s->current;
}

unsigned sioc_script_number(const struct sioc_script *s)
{
    return s->number;
}

unsigned sioc_script_retired_count(const struct sioc_script *s)
{
    return s->retired_count;
}

bool sioc_script_busy(const struct sioc_script *s)
{
    return s->phase != IDLE || net_timer_active(&s->step);
}
