/* bindings/lua/watchdog.c -- the watching thread, the signal handler and the hook.
 *
 * Knows nothing of tasks: it makes a coroutine yield (or raises where it cannot yield); task.c
 * and coroutine.c pass that on outward until the whole task is dropped.  Yielding is better
 * than raising, because no pcall and no message handler of the script gets to see it.
 *
 * Out of reach by construction: C code that never returns to Lua (a pathological string
 * pattern), and code that Lua runs with hooks switched off (finalizers).
 */
#include "watchdog.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* A signal handler gets no argument, so it has to find its watchdog through its thread: the one
 * whose host ran last here.  It is the only state outside of a host, one pointer per thread. */
static _Thread_local struct slua_watchdog *thread_dog;
static pthread_once_t handler_once = PTHREAD_ONCE_INIT;

static void stop_hook(lua_State *L, lua_Debug *ar)
{
    struct slua_watchdog *dog = slua_host_of(L)->watchdog;

    if (!slua_watch_doomed(dog)) { /* a coroutine that inherited the hook, or kept it */
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    if (!lua_isyieldable(L)) {
        luaL_error(L, "handler ran longer than %f s and was stopped", dog->timeout_s);
        return;
    }
    /* Only a count hook may yield; it comes with the next instruction. */
    if (ar->event == LUA_HOOKCOUNT) {
        dog->stopped = dog->stopped_at = L;
        lua_yield(L, 0);
    }
}

void slua_watchdog_arm(lua_State *L)
{
    lua_sethook(L, stop_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

/* Lua documents lua_sethook as callable from a signal handler of the thread that runs L. */
static void on_signal(int signum)
{
    struct slua_watchdog *dog = thread_dog;
    lua_State *L;

    (void)signum;
    if (!dog)
        return;
    L = atomic_load_explicit(&dog->running, memory_order_relaxed);
    if (!L || atomic_load_explicit(&dog->seq, memory_order_relaxed) !=
                  atomic_load_explicit(&dog->suspect, memory_order_relaxed))
        return; /* too late: that run is over */
    atomic_store_explicit(&dog->doomed, true, memory_order_relaxed);
    slua_watchdog_arm(L);
}

static void install_handler(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(SLUA_WATCH_SIGNAL, &action, NULL);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t = {0};

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Sleeps for `s` seconds or until quit; the lock is held. */
static void doze(struct slua_watchdog *dog, double s)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(s * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (!dog->quit)
        pthread_cond_timedwait(&dog->wake, &dog->lock, &until);
}

/* A quiet server is not woken more often than it has to be. */
static double pause_of(double timeout_s)
{
    double pause = timeout_s / 5;

    return pause > 0.25 || pause <= 0 ? 0.25 : pause;
}

static void *watch(void *user)
{
    struct slua_watchdog *dog = user;
    double since = 0;
    unsigned seen = 0;

    pthread_mutex_lock(&dog->lock);
    while (!dog->quit) {
        unsigned seq = atomic_load_explicit(&dog->seq, memory_order_relaxed);
        double pause = pause_of(dog->timeout_s);

        if (seq % 2 == 1 && dog->timeout_s > 0) {
            double now = seconds_of(dog->cpu_clock);

            if (seq != seen) {
                seen = seq;
                since = now;
            } else if (now - since >= dog->timeout_s) {
                atomic_store_explicit(&dog->suspect, seq, memory_order_relaxed);
                pthread_kill(dog->loop_thread, SLUA_WATCH_SIGNAL);
                pause = 0.01; /* again and again, until the run has really ended */
            }
        }
        doze(dog, pause);
    }
    pthread_mutex_unlock(&dog->lock);
    return NULL;
}

static void start_thread(struct slua_watchdog *dog)
{
    sigset_t all, old;

    dog->tried = true; /* one attempt: without a thread scripts run unwatched */
    dog->loop_thread = pthread_self();
    if (pthread_getcpuclockid(dog->loop_thread, &dog->cpu_clock) != 0)
        dog->cpu_clock = CLOCK_MONOTONIC;
    pthread_once(&handler_once, install_handler);
    sigfillset(&all); /* the process's signals are for the loop's thread */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    dog->started = pthread_create(&dog->thread, NULL, watch, dog) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void slua_watchdog_begin(struct slua_watchdog *dog)
{
    if (dog->timeout_s > 0 && !dog->tried)
        start_thread(dog);
    thread_dog = dog;
    atomic_store_explicit(&dog->seq, atomic_load_explicit(&dog->seq, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

void slua_watchdog_settle(struct slua_watchdog *dog, lua_State *L)
{
    lua_sethook(L, NULL, 0, 0);
    dog->stopped = dog->stopped_at = NULL;
    atomic_store_explicit(&dog->doomed, false, memory_order_relaxed);
    if (dog->depth > 0)
        atomic_store_explicit(&dog->seq,
                              atomic_load_explicit(&dog->seq, memory_order_relaxed) + 2,
                              memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

void slua_watchdog_set_timeout(struct slua_watchdog *dog, double timeout_s)
{
    pthread_mutex_lock(&dog->lock);
    dog->timeout_s = timeout_s;
    pthread_mutex_unlock(&dog->lock);
}

int slua_watchdog_new(double timeout_s, struct slua_watchdog **ret_dog)
{
    struct slua_watchdog *dog = calloc(1, sizeof *dog);
    pthread_condattr_t attr;

    if (!dog)
        return SIOC_ENOMEM;
    dog->timeout_s = timeout_s;
    pthread_mutex_init(&dog->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&dog->wake, &attr);
    pthread_condattr_destroy(&attr);
    *ret_dog = dog;
    return 0;
}

void slua_watchdog_free(struct slua_watchdog *dog)
{
    if (!dog)
        return;
    if (dog->started) {
        pthread_mutex_lock(&dog->lock);
        dog->quit = true;
        pthread_cond_signal(&dog->wake);
        pthread_mutex_unlock(&dog->lock);
        pthread_join(dog->thread, NULL);
    }
    if (thread_dog == dog)
        thread_dog = NULL;
    pthread_cond_destroy(&dog->wake);
    pthread_mutex_destroy(&dog->lock);
    free(dog);
}
