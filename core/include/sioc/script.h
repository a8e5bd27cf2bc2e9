/* sioc/script.h -- the generations of a script: what a language does, and when it has to.
 *
 * A loaded script with all its handlers is a *generation*.  Reloading makes the next one aside,
 * swaps it in between two events, re-binds the sockets in slices, and lets the old one finish
 * what it began.  This is the order of events and the limits; the language does the work behind
 * struct sioc_script_ops.  Nothing here knows a language, or what a generation is made of.
 */
#ifndef SIOC_SCRIPT_H
#define SIOC_SCRIPT_H

#include <sioc/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sioc_script;

/* What came of a reload. */
struct sioc_script_outcome {
    int code;            /* 0, or why it was refused: the old generation serves on */
    const char *error;   /* then a complete message, perhaps with a traceback; else "" */
    unsigned generation; /* the number of the one that serves now */
    double load_ms;      /* from the beginning to the swap */
    double rebind_ms;    /* from there to the last socket */
    size_t rebound;      /* sockets */
    double stall_ms;     /* the longest turn that it has taken of the loop */
    double work_ms;  /* the same in the processor's time: what it is where nobody else computes
                      */
    bool rollback;   /* it was no reload: an earlier script was to be loaded back */
    unsigned script; /* whose script serves now: `generation`, or the earlier one's number */
    const char *why; /* of a rollback: part of a sentence, "" = it was asked for */
};

/* What the handlers of a generation have come to, since it was made. */
struct sioc_script_stats {
    uint64_t handled, failed; /* handlers that were called, and how many of them have thrown */
    /* The same of "connection" handlers called again for sockets that were there (R7). */
    uint64_t replays, replays_failed;
};

/* All are called in the loop's thread, from the loop, never inside one another but where it is
 * said.  A generation is whatever `load` made. */
struct sioc_script_ops {
    /* Makes generation `number` and begins to load it; nothing of it may be visible yet.
     * sioc_script_loaded says how it ended, maybe before this returns.  NULL: out of memory. */
    void *(*load)(void *user, unsigned number);
    /* It has not loaded in time, and is dropped next.  May put a better message than that into
     * error, NUL-terminated.  May be NULL. */
    void (*late)(void *user, void *generation, char *error, size_t cap);
    /* Loaded: makes it the one that serves.  On failure nothing has changed, and a message is
     * in ret_error. */
    int (*swap)(void *user, void *generation, char *ret_error, size_t cap);
    /* Re-binds up to max sockets and adds how many to *ret_count; whether there are more. */
    bool (*rebind)(void *user, void *generation, size_t max, size_t *ret_count);
    /* It does not serve any more: stop what repeats, tell the script. */
    void (*retire)(void *user, void *generation);
    /* Whether a retired one still has work: waiting handlers, answers, one-shot timers. */
    bool (*busy)(void *user, void *generation);
    /* Frees it: one that was retired, or one that never served.  What still waits is ended;
     * returns how many that were. */
    unsigned (*drop)(void *user, void *generation);
    void (*outcome)(void *user, const struct sioc_script_outcome *outcome);
    /* A retired one is gone, `ended` of its waiting handlers with it. */
    void (*retired)(void *user, unsigned number, unsigned ended);

    /* ---- for going back; all four, or NULL: then there is no way back ---- */

    /* What the generation was loaded from, whole and as it was: texts, not names of files.  The
     * caller's; NULL when there is none. */
    void *(*keep)(void *user, void *generation);
    void (*forget)(void *user, void *source);
    /* As load, from what `keep` gave (borrowed until sioc_script_loaded). */
    void *(*load_back)(void *user, unsigned number, void *source);
    void (*stats)(void *user, void *generation, struct sioc_script_stats *ret_stats);
};

struct sioc_script_limits {
    uint64_t load_timeout_ms;   /* to load; 10 s */
    uint64_t retire_timeout_ms; /* to finish; 30 s */
    unsigned retired_max;       /* generations that still finish; 2 */
    size_t slice;               /* sockets re-bound per turn of the loop; 500 */
    double slice_ms;            /* ... or as many as fit into this time; 4 */
};

/* The defaults. */
SIOC_API void sioc_script_limits_init(struct sioc_script_limits *limits);

/* current: the generation that serves already, number 1.  loop, ops, user: borrowed, outlive
 * it.  limits: copied; NULL = the defaults above.  0, SIOC_ENOMEM. */
SIOC_API int sioc_script_new(struct sioc_loop *loop, const struct sioc_script_ops *ops,
                             void *user, const struct sioc_script_limits *limits, void *current,
                             struct sioc_script **ret_script);
/* Drops all generations but the current one, which is the caller's again.  Accepts NULL. */
SIOC_API void sioc_script_free(struct sioc_script *script);

/* Asks for a reload.  One at a time: whatever is asked for meanwhile becomes one more. */
SIOC_API void sioc_script_reload(struct sioc_script *script);

/* When a new generation is given up by itself: for window_ms after it has begun to serve, once
 * min_handlers were called and the share of those that threw is by `threshold` (0 to 1) above
 * what it was with the one before.  A generation that was loaded back is not judged. */
struct sioc_script_rollback {
    uint64_t window_ms; /* 0: never */
    double threshold;
    unsigned min_handlers;
};
/* Holds from the next swap on (from within `swap`: for that one); copied.  At first: never. */
SIOC_API void sioc_script_set_rollback(struct sioc_script *script,
                                       const struct sioc_script_rollback *rules);
/* Loads back the script of the generation before the one that serves; again: the one before
 * that, up to SIOC_SCRIPT_HISTORY of them.  What it was loaded from counts, not what is in the
 * files now. The outcome tells; when another generation serves by the time it could begin, it
 * is refused. */
#define SIOC_SCRIPT_HISTORY 8
SIOC_API void sioc_script_rollback(struct sioc_script *script);
/* From now on nothing is loaded any more; one that loads is dropped (the program ends). */
SIOC_API void sioc_script_stop(struct sioc_script *script);
/* The host: `generation` has loaded (code 0), or cannot.  error: copied, may be NULL. */
SIOC_API void sioc_script_loaded(struct sioc_script *script, void *generation, int code,
                                 const char *error);

SIOC_API void *sioc_script_current(const struct sioc_script *script);
SIOC_API unsigned sioc_script_number(const struct sioc_script *script);
/* Generations that still finish. */
SIOC_API unsigned sioc_script_retired_count(const struct sioc_script *script);
/* Whether a reload is under way or asked for. */
SIOC_API bool sioc_script_busy(const struct sioc_script *script);

#ifdef __cplusplus
}
#endif

#endif
