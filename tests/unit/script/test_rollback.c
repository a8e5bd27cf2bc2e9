/* The way back, with a language that is not one.  A script is a letter; "loading" it makes a
 * generation of it, and what is kept of one is the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sioc/script.h>

struct generation {
    char letter;
    struct sioc_script_stats stats;
};

static struct {
    struct sioc_loop *loop;
    struct sioc_script *script;
    struct generation first;
    char file;    /* what the next load finds */
    bool refuses; /* the next swap */
    bool waits;   /* loading ends when the test says so */
    struct generation *loading, *serves;
    int sources, generations; /* that are alive */
    char log[2048];
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

static void *make(char letter)
{
    struct generation *g = calloc(1, sizeof *g);
    assert_non_null(g);
    g->letter = letter;
    f.generations++;
    f.loading = g;
    if (!f.waits)
        sioc_script_loaded(f.script, g, letter == '!' ? SIOC_ESYNTAX : 0, "no script");
    return g;
}

static void *op_load(void *user, unsigned number)
{
    (void)user, (void)number;
    return make(f.file);
}

static void *op_load_back(void *user, unsigned number, void *source)
{
    (void)user, (void)number;
    note("back to %c;", *(char *)source);
    return make(*(char *)source);
}

static int op_swap(void *user, void *generation, char *ret_error, size_t cap)
{
    (void)user;
    if (f.refuses) {
        snprintf(ret_error, cap, "taken");
        return SIOC_EADDRINUSE;
    }
    f.serves = generation;
    return 0;
}

static bool op_rebind(void *user, void *generation, size_t max, size_t *ret_count)
{
    (void)user, (void)generation, (void)max, (void)ret_count;
    return false;
}

static void op_retire(void *user, void *generation)
{
    (void)user, (void)generation;
}

static bool op_busy(void *user, void *generation)
{
    (void)user, (void)generation;
    return false;
}

static unsigned op_drop(void *user, void *generation)
{
    (void)user;
    if (generation != &f.first) {
        f.generations--;
        free(generation);
    }
    return 0;
}

static void op_outcome(void *user, const struct sioc_script_outcome *o)
{
    (void)user;
    if (o->code < 0)
        note("%s refused, %u serves: %s;", o->rollback ? "rollback" : "reload", o->generation,
             o->error);
    else
        note("%u serves the script of %u%s%s;", o->generation, o->script, *o->why ? ": " : "",
             o->why);
    assert_true(o->rollback || !*o->why);
}

static void op_retired(void *user, unsigned number, unsigned ended)
{
    (void)user, (void)number, (void)ended;
}

static void *op_keep(void *user, void *generation)
{
    char *source = malloc(1);
    (void)user;
    assert_non_null(source);
    *source = ((struct generation *)generation)->letter;
    f.sources++;
    return source;
}

static void op_forget(void *user, void *source)
{
    (void)user;
    f.sources--;
    free(source);
}

static void op_stats(void *user, void *generation, struct sioc_script_stats *ret)
{
    (void)user;
    *ret = ((struct generation *)generation)->stats;
}

static const struct sioc_script_ops ops = {.load = op_load,
                                           .swap = op_swap,
                                           .rebind = op_rebind,
                                           .retire = op_retire,
                                           .busy = op_busy,
                                           .drop = op_drop,
                                           .outcome = op_outcome,
                                           .retired = op_retired,
                                           .keep = op_keep,
                                           .forget = op_forget,
                                           .load_back = op_load_back,
                                           .stats = op_stats};

static void setup(const struct sioc_script_ops *with, uint64_t window_ms)
{
    const struct sioc_script_rollback rules = {
        .window_ms = window_ms, .threshold = 0.2, .min_handlers = 4};
    memset(&f, 0, sizeof f);
    f.first.letter = 'a';
    f.serves = &f.first;
    assert_int_equal(sioc_loop_new(&f.loop), 0);
    assert_int_equal(sioc_script_new(f.loop, with, &f, NULL, &f.first, &f.script), 0);
    sioc_script_set_rollback(f.script, &rules);
}

static void teardown(void)
{
    void *last = sioc_script_current(f.script);
    sioc_script_free(f.script);
    op_drop(&f, last);
    assert_int_equal(f.sources, 0);
    assert_int_equal(f.generations, 0);
    sioc_loop_free(f.loop);
}

static void settle(void)
{
    while (sioc_script_busy(f.script))
        sioc_loop_step(f.loop, true);
}

/* Until something is noted: the judge comes by himself. */
static void await(void)
{
    for (int turns = 0; !f.log[0]; turns++) {
        assert_true(turns < 1000);
        sioc_loop_step(f.loop, true);
    }
    settle();
}

static void reload(char letter)
{
    f.file = letter;
    sioc_script_reload(f.script);
    settle();
}

static void rollback(void)
{
    sioc_script_rollback(f.script);
    settle();
}

/* ---- by hand ---- */

static void one_goes_back_step_by_step(void **state)
{
    (void)state;
    setup(&ops, 0);
    rollback();
    assert_log("rollback refused, 1 serves: there is no earlier script;");
    reload('b');
    reload('c');
    assert_log("2 serves the script of 2;3 serves the script of 3;");
    f.file = 'x'; /* what the file says does not matter */
    rollback();
    assert_log("back to b;4 serves the script of 2;");
    assert_int_equal(f.serves->letter, 'b');
    rollback();
    assert_log("back to a;5 serves the script of 1;");
    rollback();
    assert_log("rollback refused, 5 serves: there is no earlier script;");
    reload('d'); /* and from there on as ever */
    assert_log("6 serves the script of 6;");
    rollback();
    assert_log("back to a;7 serves the script of 1;");
    teardown();
}

static void eight_are_remembered(void **state)
{
    (void)state;
    setup(&ops, 0);
    for (char c = 'b'; c <= 'm'; c++)
        reload(c);
    assert_int_equal(f.sources, SIOC_SCRIPT_HISTORY);
    f.log[0] = '\0';
    for (int i = 0; i < SIOC_SCRIPT_HISTORY; i++)
        rollback();
    assert_int_equal(f.serves->letter, 'e');
    f.log[0] = '\0';
    rollback();
    assert_log("rollback refused, 21 serves: there is no earlier script;");
    teardown();
}

static void one_that_is_refused_may_be_tried_again(void **state)
{
    (void)state;
    setup(&ops, 0);
    reload('b');
    f.refuses = true;
    rollback();
    assert_log("2 serves the script of 2;back to a;rollback refused, 2 serves: taken;");
    f.refuses = false;
    rollback();
    assert_log("back to a;3 serves the script of 1;");
    teardown();
}

/* Meant was the one that served then. */
static void a_reload_under_way_comes_first(void **state)
{
    (void)state;
    setup(&ops, 0);
    reload('b');
    f.log[0] = '\0';
    f.waits = true;
    f.file = 'c';
    sioc_script_reload(f.script);
    sioc_loop_step(f.loop, true);
    sioc_script_rollback(f.script);
    sioc_script_rollback(f.script);
    f.waits = false;
    sioc_script_loaded(f.script, f.loading, 0, NULL);
    settle();
    assert_log("3 serves the script of 3;"
               "rollback refused, 3 serves: another generation serves by now;");
    f.waits = true;
    f.file = '!';
    sioc_script_reload(f.script);
    sioc_loop_step(f.loop, true);
    sioc_script_rollback(f.script);
    sioc_script_reload(f.script); /* and one more afterwards */
    f.waits = false;
    sioc_script_loaded(f.script, f.loading, SIOC_ESYNTAX, "bad");
    f.file = 'd';
    settle();
    assert_log("reload refused, 3 serves: bad;back to b;4 serves the script of 2;"
               "5 serves the script of 5;");
    teardown();
}

static void not_every_language_can(void **state)
{
    struct sioc_script_ops some = ops;
    (void)state;
    some.load_back = NULL;
    setup(&some, 10000);
    reload('b');
    f.serves->stats = (struct sioc_script_stats){.handled = 10, .failed = 10};
    rollback();
    assert_log("2 serves the script of 2;"
               "rollback refused, 2 serves: there is no earlier script;");
    teardown();
}

static void the_program_may_end_meanwhile(void **state)
{
    (void)state;
    setup(&ops, 10000);
    reload('b');
    f.waits = true;
    sioc_script_rollback(f.script);
    sioc_loop_step(f.loop, true);
    sioc_script_stop(f.script);
    sioc_script_rollback(f.script);
    assert_false(sioc_script_busy(f.script));
    teardown();
}

/* ---- by itself ---- */

static void one_that_fails_is_given_up(void **state)
{
    (void)state;
    setup(&ops, 500);
    reload('b');
    f.serves->stats = (struct sioc_script_stats){.handled = 100, .failed = 1};
    reload('c');
    assert_log("2 serves the script of 2;3 serves the script of 3;");
    f.serves->stats = (struct sioc_script_stats){.handled = 4, .failed = 3};
    await();
    assert_log("back to b;4 serves the script of 2: 3 of 4 handlers threw, 1 of 100 before;");
    /* That one is not judged: it has served before. */
    f.serves->stats = (struct sioc_script_stats){.handled = 100, .failed = 100};
    while (sioc_loop_step(f.loop, true)) /* ends when there is no timer left */
        ;
    assert_log("");
    teardown();
}

static void one_that_does_well_stays(void **state)
{
    (void)state;
    setup(&ops, 150);
    reload('b');
    f.serves->stats = (struct sioc_script_stats){.handled = 100, .failed = 10};
    f.log[0] = '\0';
    while (sioc_loop_step(f.loop, true)) /* ends when nobody judges any more */
        ;
    f.serves->stats = (struct sioc_script_stats){.handled = 100, .failed = 100};
    while (sioc_loop_step(f.loop, true))
        ;
    assert_log("");
    teardown();
}

static void it_waits_for_a_reload_that_is_under_way(void **state)
{
    (void)state;
    setup(&ops, 60000);
    reload('b');
    f.log[0] = '\0';
    f.serves->stats = (struct sioc_script_stats){.handled = 10, .failed = 10};
    f.waits = true;
    f.file = 'c';
    sioc_script_reload(f.script);
    for (int i = 0; i < 5; i++)
        sioc_loop_step(f.loop, true); /* the judge looks in */
    assert_log("");
    f.waits = false;
    sioc_script_loaded(f.script, f.loading, 0, NULL);
    settle();
    assert_log("3 serves the script of 3;");
    /* Its example is not the one that was failing. */
    f.serves->stats = (struct sioc_script_stats){.handled = 10, .failed = 5};
    await();
    assert_log("back to b;4 serves the script of 2: 5 of 10 handlers threw, 10 of 10 before;");
    teardown();
}

static void a_failed_way_back_is_not_tried_for_ever(void **state)
{
    (void)state;
    setup(&ops, 60000);
    reload('b');
    f.log[0] = '\0';
    f.refuses = true;
    f.serves->stats = (struct sioc_script_stats){.handled = 10, .failed = 10};
    await();
    assert_log("back to a;rollback refused, 2 serves: taken;");
    while (sioc_loop_step(f.loop, true))
        ;
    assert_log("");
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_goes_back_step_by_step),
        cmocka_unit_test(eight_are_remembered),
        cmocka_unit_test(one_that_is_refused_may_be_tried_again),
        cmocka_unit_test(a_reload_under_way_comes_first),
        cmocka_unit_test(not_every_language_can),
        cmocka_unit_test(the_program_may_end_meanwhile),
        cmocka_unit_test(one_that_fails_is_given_up),
        cmocka_unit_test(one_that_does_well_stays),
        cmocka_unit_test(it_waits_for_a_reload_that_is_under_way),
        cmocka_unit_test(a_failed_way_back_is_not_tried_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
