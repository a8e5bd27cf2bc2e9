/* The order of a reload, with a language that is not one: it notes what it is told to do. */
#include "base/mem.h"
#include <poll.h>
#include <setjmp.h>
#include <sioc/script.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define GENERATIONS 32

struct generation {
    unsigned number;
    bool busy, dropped;
    unsigned waiting; /* what `drop` says was ended */
};

/* How the next load goes. */
enum load_way { LOADS, FAILS, LATER, NO_MEMORY };

static struct {
    struct sioc_loop *loop;
    struct sioc_script *script;
    struct generation generations[GENERATIONS];
    unsigned count;
    enum load_way way;
    bool refuses_swap;
    size_t sockets, bound; /* to re-bind, and done so far */
    size_t calls;          /* of rebind */
    double burn_ms;        /* what one call of rebind takes */
    struct sioc_script_outcome last;
    char last_error[256];
    unsigned outcomes;
    void (*on_outcome)(void);
    char log[4096];
} f;

static void note(const char *format, ...)
{
    size_t len = strlen(f.log);
    va_list args;
    va_start(args, format);
    vsnprintf(f.log + len, sizeof f.log - len, format, args);
    va_end(args);
}

#define assert_log(expected)                  \
    do {                                      \
        assert_string_equal(f.log, expected); \
        f.log[0] = '\0';                      \
    } while (0)

static double clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- the language ---- */

static struct generation *make(unsigned number)
{
    struct generation *g = &f.generations[f.count++];
    assert_true(f.count <= GENERATIONS);
    *g = (struct generation){.number = number, .busy = true}; /* until a test says otherwise */
    return g;
}

static void *op_load(void *user, unsigned number)
{
    assert_ptr_equal(user, &f);
    note("load%u;", number);
    if (f.way == NO_MEMORY)
        return NULL;
    struct generation *g = make(number);
    if (f.way == LOADS)
        sioc_script_loaded(f.script, g, 0, NULL);
    if (f.way == FAILS)
        sioc_script_loaded(f.script, g, SIOC_ESYNTAX, "app.lua:1: unexpected symbol");
    return g;
}

static int op_swap(void *user, void *generation, char *ret_error, size_t cap)
{
    const struct generation *g = generation;
    (void)user;
    note("swap%u;", g->number);
    if (f.refuses_swap) {
        snprintf(ret_error, cap, "the address is taken");
        return SIOC_EINVAL;
    }
    f.bound = 0;
    return 0;
}

static bool op_rebind(void *user, void *generation, size_t max, size_t *ret_count)
{
    (void)user, (void)generation;
    size_t left = f.sockets - f.bound, n = left < max ? left : max;
    f.bound += n;
    *ret_count += n;
    f.calls++;
    for (double end = clock_ms() + f.burn_ms; f.burn_ms > 0 && clock_ms() < end;)
        ;
    return f.bound < f.sockets;
}

static void op_retire(void *user, void *generation)
{
    const struct generation *g = generation;
    (void)user;
    note("retire%u;", g->number);
}

static bool op_busy(void *user, void *generation)
{
    const struct generation *g = generation;
    (void)user;
    assert_false(g->dropped);
    return g->busy;
}

static unsigned op_drop(void *user, void *generation)
{
    struct generation *g = generation;
    (void)user;
    assert_false(g->dropped);
    g->dropped = true;
    note("drop%u;", g->number);
    return g->waiting;
}

static void op_outcome(void *user, const struct sioc_script_outcome *outcome)
{
    (void)user;
    f.outcomes++;
    f.last = *outcome;
    snprintf(f.last_error, sizeof f.last_error, "%s", outcome->error);
    note(outcome->code < 0 ? "refused%u;" : "serves%u;", outcome->generation);
    if (f.on_outcome)
        f.on_outcome();
}

static void op_retired(void *user, unsigned number, unsigned ended)
{
    (void)user;
    note("gone%u", number);
    note(ended ? ":%u;" : ";", ended);
}

static const struct sioc_script_ops ops = {.load = op_load,
                                           .swap = op_swap,
                                           .rebind = op_rebind,
                                           .retire = op_retire,
                                           .busy = op_busy,
                                           .drop = op_drop,
                                           .outcome = op_outcome,
                                           .retired = op_retired};

/* ---- the fixture ---- */

static const struct sioc_script_limits usual = {.load_timeout_ms = 10000,
                                                .retire_timeout_ms = 30000,
                                                .retired_max = 2,
                                                .slice = 500,
                                                .slice_ms = 1e9};

static void setup(const struct sioc_script_limits *limits)
{
    memset(&f, 0, sizeof f);
    assert_int_equal(sioc_loop_new(&f.loop), 0);
    assert_int_equal(sioc_script_new(f.loop, &ops, &f, limits, make(1), &f.script), 0);
    assert_int_equal(sioc_script_number(f.script), 1);
    assert_false(sioc_script_busy(f.script));
}

static void teardown(void)
{
    struct generation *current = sioc_script_current(f.script);
    sioc_script_free(f.script);
    assert_false(current->dropped); /* the caller's again */
    current->dropped = true;
    for (unsigned i = 0; i < f.count; i++)
        assert_true(f.generations[i].dropped);
    sioc_loop_free(f.loop);
}

/* Does not wait for the next timer: that may be a far deadline. */
static void turn(void)
{
    sioc_loop_step(f.loop, false);
    poll(NULL, 0, 1);
}

static void run_for_ms(unsigned ms)
{
    for (double end = clock_ms() + ms; clock_ms() < end;)
        turn();
}

/* Turns until so many reloads have ended. */
static void run_until(unsigned outcomes)
{
    for (int turns = 0; f.outcomes < outcomes; turns++) {
        assert_true(turns < 10000);
        turn();
    }
}

/* Turns until `text` is in the log. */
static void run_until_log(const char *text)
{
    for (int turns = 0; !strstr(f.log, text); turns++) {
        assert_true(turns < 10000);
        turn();
    }
}

static void reload(void)
{
    sioc_script_reload(f.script);
    run_until(f.outcomes + 1);
}

/* ---- tests ---- */

static void in_order(void **state)
{
    (void)state;
    setup(&usual);
    f.sockets = 7;
    sioc_script_reload(f.script);
    assert_log(""); /* nothing begins under whoever asks */
    assert_true(sioc_script_busy(f.script));
    run_until(1);
    assert_log("load2;swap2;retire1;serves2;");
    assert_int_equal(sioc_script_number(f.script), 2);
    assert_int_equal(((struct generation *)sioc_script_current(f.script))->number, 2);
    assert_int_equal(f.last.code, 0);
    assert_int_equal(f.last.rebound, 7);
    assert_string_equal(f.last_error, "");
    assert_false(sioc_script_busy(f.script));
    assert_int_equal(sioc_script_retired_count(f.script), 1);
    f.generations[0].busy = false;
    run_until_log("gone1;");
    assert_log("drop1;gone1;");
    assert_int_equal(sioc_script_retired_count(f.script), 0);
    teardown();
}

static void a_load_that_fails_changes_nothing(void **state)
{
    (void)state;
    setup(&usual);
    f.way = FAILS;
    reload();
    assert_log("load2;drop2;refused1;");
    assert_int_equal(f.last.code, SIOC_ESYNTAX);
    assert_string_equal(f.last_error, "app.lua:1: unexpected symbol");
    f.way = NO_MEMORY;
    reload();
    assert_log("load2;refused1;");
    assert_int_equal(f.last.code, SIOC_ENOMEM);
    f.way = LOADS;
    f.refuses_swap = true;
    reload();
    assert_log("load2;swap2;drop2;refused1;");
    assert_string_equal(f.last_error, "the address is taken");
    assert_int_equal(sioc_script_number(f.script), 1);
    assert_ptr_equal(sioc_script_current(f.script), &f.generations[0]);
    f.refuses_swap = false;
    reload(); /* no gap in the numbers, and nothing left of the errors */
    assert_log("load2;swap2;retire1;serves2;");
    assert_string_equal(f.last_error, "");
    teardown();
}

static void what_is_asked_meanwhile_is_one_more(void **state)
{
    (void)state;
    setup(&usual);
    f.way = LATER;
    sioc_script_reload(f.script);
    sioc_script_reload(f.script); /* before it has begun: the same one */
    run_until_log("load2;");
    for (int i = 0; i < 5; i++)
        sioc_script_reload(f.script);
    run_for_ms(20);
    assert_log("load2;");
    f.way = LOADS;
    sioc_script_loaded(f.script, &f.generations[1], 0, NULL);
    run_until(2);
    assert_log("swap2;retire1;serves2;load3;swap3;retire2;serves3;");
    f.generations[0].busy = f.generations[1].busy = false;
    run_until_log("gone2;");
    assert_int_equal(f.outcomes, 2);
    /* And one that fails stays alone. */
    f.log[0] = '\0';
    f.way = FAILS;
    f.on_outcome = NULL;
    sioc_script_reload(f.script);
    run_until(3);
    assert_log("load4;drop4;refused3;");
    teardown();
}

static void ask_again(void)
{
    f.on_outcome = NULL;
    sioc_script_reload(f.script);
}

static void asked_from_inside_the_outcome(void **state)
{
    (void)state;
    setup(&usual);
    f.on_outcome = ask_again;
    sioc_script_reload(f.script);
    run_until(2);
    assert_log("load2;swap2;retire1;serves2;load3;swap3;retire2;serves3;");
    teardown();
}

static void a_load_has_a_deadline(void **state)
{
    struct sioc_script_limits limits = usual;
    (void)state;
    limits.load_timeout_ms = 20;
    setup(&limits);
    f.way = LATER;
    reload();
    assert_log("load2;drop2;refused1;");
    assert_int_equal(f.last.code, SIOC_ETIMEDOUT);
    assert_string_equal(f.last_error, "the script was not loaded after 0.02 s");
    sioc_script_loaded(f.script, &f.generations[1], 0, NULL); /* too late */
    run_for_ms(20);
    assert_log("");
    reload();
    assert_log("load2;drop2;refused1;");
    /* One that has loaded in time is not stopped any more. */
    f.way = LOADS;
    f.sockets = 100;
    f.burn_ms = 15;
    reload();
    run_for_ms(40);
    assert_non_null(strstr(f.log, "serves2;"));
    assert_null(strstr(f.log, "refused"));
    teardown();
}

static void only_the_one_that_loads_is_listened_to(void **state)
{
    (void)state;
    setup(&usual);
    sioc_script_loaded(f.script, &f.generations[0], 0, NULL); /* nothing loads */
    run_for_ms(5);
    assert_log("");
    f.way = LATER;
    sioc_script_reload(f.script);
    run_until_log("load2;");
    sioc_script_loaded(f.script, &f.generations[0], 0, NULL); /* another one */
    run_for_ms(5);
    assert_log("load2;");
    sioc_script_loaded(f.script, &f.generations[1], 0, NULL);
    sioc_script_loaded(f.script, &f.generations[1], SIOC_EINVAL, "twice");
    run_until(1);
    assert_log("swap2;retire1;serves2;");
    teardown();
}

static int on_turn(void *user)
{
    size_t *before = user, n = f.bound - before[0];
    if (n > before[1] && f.bound > before[0])
        before[1] = n;
    before[0] = f.bound;
    return -1;
}

static void stop(void)
{
    sioc_loop_stop(f.loop);
}

/* The most sockets that were re-bound in one turn of the loop, in which others had theirs. */
static size_t most_in_a_turn(void)
{
    size_t before[2] = {0, 0}; /* bound before this turn; the most */
    struct sioc_idle *idle;
    assert_int_equal(sioc_idle_open(f.loop, on_turn, before, &idle), 0);
    f.on_outcome = stop;
    sioc_script_reload(f.script);
    sioc_loop_run(f.loop);
    on_turn(before);
    sioc_idle_close(idle);
    return before[1];
}

static void slices_are_bounded_by_count(void **state)
{
    struct sioc_script_limits limits = usual;
    (void)state;
    limits.slice = 120;
    setup(&limits);
    f.sockets = 1000;
    assert_int_equal(most_in_a_turn(), 120);
    assert_int_equal(f.last.rebound, 1000);
    teardown();
}

static void slices_are_bounded_by_time(void **state)
{
    struct sioc_script_limits limits = usual;
    (void)state;
    limits.slice_ms = 1;
    setup(&limits);
    f.sockets = 1000;
    f.burn_ms = 1.5; /* each look at the clock finds that it is time */
    size_t most = most_in_a_turn();
    assert_int_equal(f.last.rebound, 1000);
    assert_int_equal(most, 1000 / f.calls);
    assert_true(most < limits.slice);
    assert_true(f.last.stall_ms >= 1.5 && f.last.work_ms > 0);
    teardown();
}

static void busy_ones_finish(void **state)
{
    (void)state;
    setup(&usual);
    reload();
    run_for_ms(120);
    assert_log("load2;swap2;retire1;serves2;");
    f.generations[0].busy = false;
    run_until_log("gone1;");
    assert_log("drop1;gone1;");
    teardown();
}

static void not_for_ever(void **state)
{
    struct sioc_script_limits limits = usual;
    (void)state;
    limits.retire_timeout_ms = 60;
    setup(&limits);
    f.generations[0].waiting = 3;
    reload();
    run_until_log("gone");
    assert_log("load2;swap2;retire1;serves2;drop1;gone1:3;");
    teardown();
}

static void two_at_most(void **state)
{
    (void)state;
    setup(&usual);
    f.generations[0].waiting = 1;
    reload();
    reload();
    assert_int_equal(sioc_script_retired_count(f.script), 2);
    f.log[0] = '\0';
    reload(); /* the oldest goes, not the one that was just retired */
    assert_log("load4;swap4;drop1;gone1:1;retire3;serves4;");
    assert_int_equal(sioc_script_retired_count(f.script), 2);
    f.generations[2].busy = false; /* and they need not go in order */
    run_until_log("gone3;");
    assert_log("drop3;gone3;");
    assert_int_equal(sioc_script_retired_count(f.script), 1);
    teardown();
    assert_log("drop2;gone2;");
}

/* Sockets may still hold objects of the last one. */
static void not_while_sockets_are_rebound(void **state)
{
    struct sioc_script_limits limits = usual;
    (void)state;
    limits.slice = 1;
    setup(&limits);
    f.sockets = 100;
    f.burn_ms = 2; /* longer than two checks */
    f.generations[0].busy = false;
    reload();
    run_until_log("gone1;");
    assert_log("load2;swap2;retire1;serves2;drop1;gone1;");
    teardown();
}

static void stopped_while_it_loads(void **state)
{
    (void)state;
    setup(&usual);
    f.way = LATER;
    sioc_script_reload(f.script);
    run_until_log("load2;");
    sioc_script_stop(f.script);
    assert_log("load2;drop2;");
    sioc_script_loaded(f.script, &f.generations[1], 0, NULL);
    sioc_script_reload(f.script);
    run_for_ms(20);
    assert_log("");
    assert_int_equal(f.outcomes, 0);
    teardown();
}

static void stopped_before_it_begins(void **state)
{
    (void)state;
    setup(&usual);
    sioc_script_reload(f.script);
    sioc_script_stop(f.script);
    run_for_ms(20);
    assert_log("");
    teardown();
}

static void stopped_while_sockets_are_rebound(void **state)
{
    struct sioc_script_limits limits = usual;
    (void)state;
    limits.slice = 10;
    setup(&limits);
    f.sockets = 1000;
    sioc_script_reload(f.script);
    while (f.bound == 0)
        turn();
    assert_true(f.bound < 1000);
    sioc_script_stop(f.script);
    assert_int_equal(f.bound, 1000); /* nothing of the old one is left when it goes */
    teardown();
    assert_log("load2;swap2;retire1;drop1;gone1;");
}

static void freed_as_it_is(void **state)
{
    (void)state;
    sioc_script_free(NULL);
    setup(&usual);
    f.way = LATER;
    sioc_script_reload(f.script);
    run_until_log("load2;");
    teardown();
    assert_log("load2;drop2;");
}

#ifdef SIOC_TESTING
/* It allocates itself and nothing else, so no reload can fail for that. */
static void needs_no_memory(void **state)
{
    (void)state;
    mem_test_fail_at(1, true);
    assert_int_equal(sioc_script_new(NULL, &ops, &f, NULL, &f, &f.script), SIOC_ENOMEM);
    mem_test_fail_at(0, false);
    setup(&usual);
    f.sockets = 10;
    mem_test_fail_at(1, true);
    f.generations[0].busy = false;
    reload();
    run_until_log("gone1;");
    f.way = FAILS;
    reload();
    mem_test_fail_at(0, false);
    assert_log("load2;swap2;retire1;serves2;drop1;gone1;load3;drop3;refused2;");
    teardown();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(a_load_that_fails_changes_nothing),
        cmocka_unit_test(what_is_asked_meanwhile_is_one_more),
        cmocka_unit_test(asked_from_inside_the_outcome),
        cmocka_unit_test(a_load_has_a_deadline),
        cmocka_unit_test(only_the_one_that_loads_is_listened_to),
        cmocka_unit_test(slices_are_bounded_by_count),
        cmocka_unit_test(slices_are_bounded_by_time),
        cmocka_unit_test(busy_ones_finish),
        cmocka_unit_test(not_for_ever),
        cmocka_unit_test(two_at_most),
        cmocka_unit_test(not_while_sockets_are_rebound),
        cmocka_unit_test(stopped_while_it_loads),
        cmocka_unit_test(stopped_before_it_begins),
        cmocka_unit_test(stopped_while_sockets_are_rebound),
        cmocka_unit_test(freed_as_it_is),
#ifdef SIOC_TESTING
        cmocka_unit_test(needs_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
