/* The shared store: what each step does, what it costs, how long it stays, and drafts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "script/shared.h"
#include <pthread.h>
#include <stdio.h>

static uint64_t the_time;

static uint64_t now_ms(void)
{
    return the_time;
}

static struct sioc_shared *open_store(size_t max_bytes)
{
    struct sioc_shared *s;
    assert_int_equal(sioc_shared_new(max_bytes, &s), 0);
    the_time = 1000;
    script_shared_set_clock(s, now_ms);
    return s;
}

static struct sioc_shared *open_draft(struct sioc_shared *parent)
{
    struct sioc_shared *s;
    assert_int_equal(sioc_shared_draft(parent, &s), 0);
    return s;
}

/* ---- steps with values as JSON; NULL is none ---- */

static struct sioc_shared_value *value_of(const char *json)
{
    struct sioc_shared_value *v = json ? sioc_shared_value_new() : NULL;
    if (v) {
        struct sioc_sink *sink = sioc_shared_value_sink(v);
        assert_true(sink->ops->raw_json(sink, sioc_str(json)) >= 0);
    }
    return v;
}

static int set(struct sioc_shared *s, const char *key, const char *json, uint64_t ttl_ms)
{
    struct sioc_shared_value *v = value_of(json);
    int r = sioc_shared_set(s, sioc_str("t"), sioc_str(key), v, ttl_ms);
    sioc_shared_value_free(v);
    return r;
}

static int add(struct sioc_shared *s, const char *key, const char *json, uint64_t ttl_ms)
{
    struct sioc_shared_value *v = value_of(json);
    int r = sioc_shared_add(s, sioc_str("t"), sioc_str(key), v, ttl_ms);
    sioc_shared_value_free(v);
    return r;
}

static int cas(struct sioc_shared *s, const char *key, const char *before, const char *after)
{
    struct sioc_shared_value *b = value_of(before), *a = value_of(after);
    int r = sioc_shared_cas(s, sioc_str("t"), sioc_str(key), b, a, 0);
    sioc_shared_value_free(b);
    sioc_shared_value_free(a);
    return r;
}

static int drop(struct sioc_shared *s, const char *key)
{
    return sioc_shared_remove(s, sioc_str("t"), sioc_str(key));
}

static int incr(struct sioc_shared *s, const char *key, int64_t by, uint64_t ttl_ms)
{
    struct sioc_shared_number n = {true, by, (double)by}, sum;
    return sioc_shared_incr(s, sioc_str("t"), sioc_str(key), n, ttl_ms, &sum);
}

static void assert_value_in(struct sioc_shared *s, const char *name, const char *key,
                            const char *json)
{
    struct sioc_json_encoder *e = sioc_json_encoder_new();
    int r = sioc_shared_get(s, sioc_str(name), sioc_str(key), sioc_json_encoder_sink(e));
    if (!json) {
        assert_int_equal(r, SIOC_ENOTFOUND);
    } else {
        char text[256];
        assert_int_equal(r, 0);
        snprintf(text, sizeof text, "%.*s", SIOC_STR_ARG(sioc_json_encoder_text(e)));
        assert_string_equal(text, json);
    }
    sioc_json_encoder_free(e);
}

static void assert_value(struct sioc_shared *s, const char *key, const char *json)
{
    assert_value_in(s, "t", key, json);
}

/* ---- */

static void values_come_back(void **state)
{
    static const char *const values[] = {
        "null", "true", "-7", "9007199254740993",        "1.5", "\"h\\u00e9llo\"",
        "\"\"", "[]",   "{}", "[1,[2,{\"a\":[]}],null]",
    };
    struct sioc_shared *s = open_store(1 << 16);
    (void)state;
    assert_value(s, "k", NULL);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_int_equal(set(s, "k", values[i], 0), 0);
        assert_value(s, "k", i == 5 ? "\"h\xc3\xa9llo\"" : values[i]);
    }
    assert_int_equal(set(s, "k", "3.0", 0), 0);
    assert_value(s, "k", "3");
    assert_value_in(s, "another", "k", NULL);
    assert_value_in(s, "tk", "", NULL); /* name and key do not run together */
    assert_int_equal(drop(s, "k"), 0);
    assert_int_equal(drop(s, "k"), SIOC_ENOTFOUND);
    assert_value(s, "k", NULL);
    assert_int_equal(sioc_shared_bytes(s), 0);
    sioc_shared_free(s);
}

static void what_is_no_value_is_refused(void **state)
{
    struct sioc_shared *s = open_store(1 << 16);
    struct sioc_shared_value *v = sioc_shared_value_new();
    char name[SIOC_SHARED_MAX_NAME + 1], key[SIOC_SHARED_MAX_KEY + 1];
    struct sioc_str t = sioc_str("t"), k = sioc_str("k");
    (void)state;
    assert_int_equal(sioc_shared_set(s, t, k, v, 0), SIOC_EINVAL); /* nothing */
    struct sioc_sink *sink = sioc_shared_value_sink(v);
    sioc_put_int(sink, 1);
    sioc_put_int(sink, 2);
    assert_int_equal(sioc_shared_set(s, t, k, v, 0), SIOC_EINVAL); /* two */
    sink = sioc_shared_value_sink(v);
    sink->ops->map_begin(sink, 1);
    assert_int_equal(sioc_shared_add(s, t, k, v, 0), SIOC_EINVAL); /* half a one */
    sink = sioc_shared_value_sink(v);
    assert_int_equal(sioc_put_text(sink, "\xff"), SIOC_EUTF8);
    assert_int_equal(sioc_shared_cas(s, t, k, NULL, v, 0), SIOC_EINVAL);
    sink = sioc_shared_value_sink(v);
    int r = 0, depth = 0;
    while (r >= 0 && depth < 1000) {
        r = sink->ops->array_begin(sink, 1);
        depth += r >= 0;
    }
    assert_int_equal(r, SIOC_EDEPTH);
    assert_int_equal(depth, 64);
    sioc_put_int(sioc_shared_value_sink(v), 1);
    memset(name, 'n', sizeof name);
    memset(key, 'k', sizeof key);
    assert_int_equal(sioc_shared_set(s, sioc_str_n(name, sizeof name), k, v, 0), SIOC_ETOOBIG);
    assert_int_equal(sioc_shared_set(s, t, sioc_str_n(key, sizeof key), v, 0), SIOC_ETOOBIG);
    assert_int_equal(sioc_shared_set(s, sioc_str_n(name, sizeof name - 1),
                                     sioc_str_n(key, sizeof key - 1), v, 0),
                     0);
    sioc_shared_value_free(v);
    sioc_shared_free(s);
}

static void adding_is_for_the_first(void **state)
{
    struct sioc_shared *s = open_store(1 << 16);
    (void)state;
    assert_int_equal(add(s, "leader", "\"a\"", 100), 0);
    assert_int_equal(add(s, "leader", "\"b\"", 100), SIOC_EEXIST);
    assert_value(s, "leader", "\"a\"");
    the_time += 100;
    assert_int_equal(add(s, "leader", "\"b\"", 100), 0);
    assert_value(s, "leader", "\"b\"");
    sioc_shared_free(s);
}

static void counting(void **state)
{
    struct sioc_shared *s = open_store(1 << 16);
    struct sioc_shared_number half = {.number = 0.5}, sum;
    (void)state;
    assert_int_equal(incr(s, "n", 5, 50), 0);
    the_time += 49;
    assert_int_equal(incr(s, "n", -2, 1000), 0); /* it keeps the time that it had */
    assert_value(s, "n", "3");
    assert_int_equal(sioc_shared_incr(s, sioc_str("t"), sioc_str("n"), half, 0, &sum), 0);
    assert_false(sum.is_integer);
    assert_true(sum.number == 3.5);
    assert_value(s, "n", "3.5");
    the_time += 1;
    assert_value(s, "n", NULL);
    assert_int_equal(incr(s, "n", 1, 0), 0);
    assert_value(s, "n", "1");
    assert_int_equal(incr(s, "n", INT64_MAX, 0), 0); /* no integer any more */
    assert_value(s, "n", "9223372036854776000");
    assert_int_equal(set(s, "n", "\"x\"", 0), 0);
    assert_int_equal(incr(s, "n", 1, 0), SIOC_ESTATE);
    assert_int_equal(set(s, "n", "true", 0), 0);
    assert_int_equal(incr(s, "n", 1, 0), SIOC_ESTATE);
    assert_value(s, "n", "true");
    sioc_shared_free(s);
}

static void comparing_and_setting(void **state)
{
    struct sioc_shared *s = open_store(1 << 16);
    (void)state;
    assert_int_equal(cas(s, "k", "1", "2"), SIOC_ESTATE);
    assert_int_equal(cas(s, "k", NULL, "{\"b\":[1,{\"y\":1,\"x\":2}],\"a\":null,\"\":0}"), 0);
    assert_int_equal(cas(s, "k", NULL, "2"), SIOC_ESTATE);
    assert_int_equal(cas(s, "k", "{\"b\":[1,{\"x\":2,\"y\":2}],\"\":0,\"a\":null}", "2"),
                     SIOC_ESTATE);
    assert_int_equal(cas(s, "k", "{\"a\":null,\"\":0,\"b\":[1.0,{\"x\":2,\"y\":1}]}", "2"), 0);
    assert_value(s, "k", "2");
    assert_int_equal(cas(s, "k", "\"2\"", NULL), SIOC_ESTATE);
    assert_int_equal(cas(s, "k", "2", NULL), 0);
    assert_value(s, "k", NULL);
    sioc_shared_free(s);
}

/* A map with more pairs than fit into the short form of its head, in maps of their own. */
static void the_order_of_keys_means_nothing(void **state)
{
    struct sioc_shared *s = open_store(1 << 20);
    struct sioc_shared_value *v[2];
    (void)state;
    for (int way = 0; way < 2; way++) {
        v[way] = sioc_shared_value_new();
        struct sioc_sink *sink = sioc_shared_value_sink(v[way]);
        sink->ops->map_begin(sink, SIOC_COUNT_UNKNOWN);
        for (int i = 0; i < 300; i++) {
            char key[16];
            snprintf(key, sizeof key, "%d", way ? 299 - i : i);
            sink->ops->map_key(sink, sioc_str(key));
            sink->ops->map_begin(sink, SIOC_COUNT_UNKNOWN);
            for (int j = 0; j < 20; j++) {
                char inner[16];
                snprintf(inner, sizeof inner, "k%d", way ? 19 - j : j);
                sink->ops->map_key(sink, sioc_str(inner));
                sioc_put_text(sink, inner);
            }
            sink->ops->map_end(sink);
        }
        assert_true(sink->ops->map_end(sink) >= 0);
    }
    struct sioc_str t = sioc_str("t"), k = sioc_str("k");
    assert_int_equal(sioc_shared_set(s, t, k, v[0], 0), 0);
    assert_int_equal(sioc_shared_cas(s, t, k, v[1], v[0], 0), 0);
    sioc_shared_value_free(v[0]);
    sioc_shared_value_free(v[1]);
    sioc_shared_free(s);
}

static void what_is_over_is_gone(void **state)
{
    struct sioc_shared *s = open_store(1 << 16);
    (void)state;
    assert_int_equal(set(s, "a", "1", 10), 0);
    assert_int_equal(set(s, "b", "2", 20), 0);
    assert_int_equal(set(s, "c", "3", 0), 0);
    the_time += 9;
    assert_value(s, "a", "1");
    the_time += 1;
    assert_value(s, "a", NULL);
    assert_int_equal(cas(s, "a", "1", "2"), SIOC_ESTATE);
    assert_int_equal(drop(s, "a"), SIOC_ENOTFOUND);
    assert_int_equal(set(s, "b", "4", 0), 0); /* its time is taken from it */
    the_time += 1000;
    assert_value(s, "b", "4");
    assert_value(s, "c", "3");
    assert_int_equal(set(s, "c", "3", UINT64_MAX), 0);
    assert_value(s, "c", "3");
    sioc_shared_free(s);
}

/* Nobody asks for them any more: whatever is done sweeps a few. */
static void what_is_over_goes_by_itself(void **state)
{
    struct sioc_shared *s = open_store(1 << 20);
    char key[16];
    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(set(s, key, "1", (uint64_t)((i * 7919) % 1000 + 1)), 0);
    }
    size_t full = sioc_shared_bytes(s);
    the_time += 500;
    for (int i = 0; i < 70; i++)
        drop(s, "none");
    assert_true(sioc_shared_bytes(s) < full * 11 / 20);
    assert_true(sioc_shared_bytes(s) > full * 9 / 20);
    for (int i = 0; i < 1000; i++) { /* those that are not over are all there */
        snprintf(key, sizeof key, "k%d", i);
        assert_value(s, key, (i * 7919) % 1000 + 1 > 500 ? "1" : NULL);
    }
    the_time += 500;
    for (int i = 0; i < 70; i++)
        drop(s, "none");
    assert_int_equal(sioc_shared_bytes(s), 0);
    sioc_shared_free(s);
}

static void it_may_be_full(void **state)
{
    struct sioc_shared *s = open_store(1000);
    char big[600];
    (void)state;
    memset(big, 'x', sizeof big);
    big[0] = big[sizeof big - 2] = '"';
    big[sizeof big - 1] = '\0';
    assert_int_equal(set(s, "a", big, 0), 0);
    size_t one = sioc_shared_bytes(s);
    assert_int_equal(set(s, "b", big, 0), SIOC_EFULL);
    assert_int_equal(add(s, "b", big, 0), SIOC_EFULL);
    assert_int_equal(cas(s, "b", NULL, big), SIOC_EFULL);
    assert_value(s, "b", NULL);
    assert_int_equal(sioc_shared_bytes(s), one);
    assert_int_equal(set(s, "a", big, 0), 0); /* the same again needs no more */
    assert_int_equal(incr(s, "n", 1, 0), 0);
    assert_int_equal(incr(s, "n", 1, 0), 0);
    assert_int_equal(incr(s, "m", 1, 0), 0);
    assert_int_equal(incr(s, "o", 1, 0), SIOC_EFULL); /* empty values cost, too */
    assert_int_equal(drop(s, "m"), 0);
    assert_int_equal(set(s, "a", "1", 5), 0);
    assert_int_equal(set(s, "b", big, 0), 0);
    assert_int_equal(incr(s, "o", 1, 0), SIOC_EFULL);
    the_time += 5;
    assert_int_equal(incr(s, "o", 1, 0), 0); /* a is over */
    assert_int_equal(drop(s, "b"), 0);
    assert_int_equal(set(s, "c", big, 0), 0);
    sioc_shared_set_limit(s, 10);
    assert_int_equal(set(s, "d", "1", 0), SIOC_EFULL);
    assert_int_equal(set(s, "n", "1", 0), 0);
    assert_int_equal(drop(s, "c"), 0);
    sioc_shared_free(s);
}

/* ---- drafts ---- */

static void a_draft_is_seen_by_nobody(void **state)
{
    struct sioc_shared *s = open_store(1 << 16), *d;
    (void)state;
    set(s, "a", "1", 0);
    set(s, "gone", "1", 0);
    set(s, "n", "10", 0);
    d = open_draft(s);
    assert_value(d, "a", "1");
    set(d, "a", "2", 0);
    set(d, "new", "3", 0);
    assert_int_equal(drop(d, "gone"), 0);
    assert_int_equal(drop(d, "gone"), SIOC_ENOTFOUND);
    assert_int_equal(incr(d, "n", 1, 0), 0);
    assert_int_equal(add(d, "gone", "4", 0), 0);
    assert_int_equal(drop(d, "gone"), 0);
    assert_value(d, "a", "2");
    assert_value(d, "new", "3");
    assert_value(d, "gone", NULL);
    assert_value(d, "n", "11");
    assert_value(s, "a", "1");
    assert_value(s, "new", NULL);
    assert_value(s, "gone", "1");
    assert_value(s, "n", "10");
    set(s, "later", "5", 0);
    assert_value(d, "later", "5");
    size_t bytes = sioc_shared_bytes(s);
    sioc_shared_free(d); /* and nothing was */
    assert_int_equal(sioc_shared_bytes(s), bytes);
    assert_value(s, "a", "1");
    sioc_shared_free(s);
}

static void a_draft_is_done_again_when_it_is_committed(void **state)
{
    struct sioc_shared *s = open_store(1 << 16), *d = open_draft(s);
    (void)state;
    set(s, "n", "10", 0);
    set(s, "gone", "1", 0);
    set(s, "c", "1", 0);
    set(d, "a", "2", 30);
    incr(d, "n", 5, 0);
    drop(d, "gone");
    assert_int_equal(add(d, "mine", "\"draft\"", 0), 0);
    assert_int_equal(cas(d, "c", "1", "2"), 0);
    assert_int_equal(cas(d, "c", "1", "3"), SIOC_ESTATE); /* failed: not done again either */
    incr(s, "n", 100, 0);                                 /* meanwhile */
    add(s, "mine", "\"first\"", 0);
    set(s, "c", "9", 0);
    the_time += 10;
    assert_int_equal(sioc_shared_commit(d), 0);
    assert_value(s, "n", "115");
    assert_value(s, "gone", NULL);
    assert_value(s, "mine", "\"first\"");
    assert_value(s, "c", "9");
    assert_value(s, "a", "2");
    assert_value(d, "a", "2"); /* it shows its parent again */
    the_time += 20;
    assert_value(s, "a", NULL);
    sioc_shared_free(d);
    sioc_shared_free(s);
}

static void drafts_of_drafts(void **state)
{
    struct sioc_shared *s = open_store(1 << 16), *d = open_draft(s), *dd = open_draft(d);
    (void)state;
    set(d, "a", "1", 0);
    incr(dd, "a", 1, 0);
    assert_value(dd, "a", "2");
    assert_value(d, "a", "1");
    assert_int_equal(sioc_shared_commit(dd), 0);
    assert_value(d, "a", "2");
    assert_value(s, "a", NULL);
    set(dd, "b", "1", 0);
    sioc_shared_free(dd);
    assert_int_equal(sioc_shared_commit(d), 0);
    assert_value(s, "a", "2");
    assert_value(s, "b", NULL);
    sioc_shared_free(d);
    sioc_shared_free(s);
}

static void a_draft_is_bounded_too(void **state)
{
    struct sioc_shared *s = open_store(4000), *d = open_draft(s);
    int r = 0, steps = 0;
    (void)state;
    for (; r == 0 && steps < 1000; steps++)
        r = set(d, "k", "\"0123456789\"", 0); /* one entry, but every step is kept */
    assert_int_equal(r, SIOC_EFULL);
    assert_true(steps > 5 && sioc_shared_bytes(d) <= 4000);
    assert_int_equal(set(s, "other", "1", 0), 0); /* the parent has its own count */
    assert_int_equal(sioc_shared_commit(d), 0);
    assert_value(s, "k", "\"0123456789\"");
    sioc_shared_free(d);

    d = open_draft(s);
    assert_int_equal(set(d, "x", "1", 0), 0);
    sioc_shared_set_limit(s, 10);
    assert_int_equal(sioc_shared_commit(d), 1); /* lost, and counted */
    assert_value(s, "x", NULL);
    sioc_shared_free(d);
    sioc_shared_free(s);
}

/* ---- threads, memory ---- */

static void *count_up(void *user)
{
    for (int i = 0; i < 2000; i++)
        incr(user, "n", 1, 0);
    return NULL;
}

static void threads_may_share_it(void **state)
{
    struct sioc_shared *s;
    pthread_t threads[4];
    (void)state;
    assert_int_equal(sioc_shared_new(1 << 16, &s), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, s), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_value(s, "n", "8000");
    sioc_shared_free(s);
}

#ifdef SIOC_TESTING
/* Each allocation of a little life fails once; a failed step has done nothing. */
static void memory_may_run_out(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        struct sioc_shared *s = open_store(1 << 16), *d = open_draft(s);
        struct sioc_shared_value *v = value_of("{\"b\":1,\"a\":[2]}");
        struct sioc_str t = sioc_str("t");
        struct sioc_shared_number one = {true, 1, 1}, sum;
        mem_test_fail_at(n, false);
        int r1 = sioc_shared_set(s, t, sioc_str("a"), v, 100);
        int r2 = sioc_shared_set(d, t, sioc_str("b"), v, 100);
        int r3 = sioc_shared_incr(d, t, sioc_str("n"), one, 0, &sum);
        size_t used = mem_test_count();
        mem_test_fail_at(0, false);
        int failed = (r1 == SIOC_ENOMEM) + (r2 == SIOC_ENOMEM) + (r3 == SIOC_ENOMEM);
        assert_int_equal(failed, n <= used);
        assert_value(s, "a", r1 == 0 ? "{\"a\":[2],\"b\":1}" : NULL);
        assert_value(d, "b", r2 == 0 ? "{\"a\":[2],\"b\":1}" : NULL);
        assert_value(d, "n", r3 == 0 ? "1" : NULL);
        assert_int_equal(sioc_shared_commit(d), 0);
        assert_value(s, "b", r2 == 0 ? "{\"a\":[2],\"b\":1}" : NULL);
        assert_value(s, "n", r3 == 0 ? "1" : NULL);
        sioc_shared_value_free(v);
        sioc_shared_free(d);
        sioc_shared_free(s);
        if (n > used)
            break;
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(what_is_no_value_is_refused),
        cmocka_unit_test(adding_is_for_the_first),
        cmocka_unit_test(counting),
        cmocka_unit_test(comparing_and_setting),
        cmocka_unit_test(the_order_of_keys_means_nothing),
        cmocka_unit_test(what_is_over_is_gone),
        cmocka_unit_test(what_is_over_goes_by_itself),
        cmocka_unit_test(it_may_be_full),
        cmocka_unit_test(a_draft_is_seen_by_nobody),
        cmocka_unit_test(a_draft_is_done_again_when_it_is_committed),
        cmocka_unit_test(drafts_of_drafts),
        cmocka_unit_test(a_draft_is_bounded_too),
        cmocka_unit_test(threads_may_share_it),
#ifdef SIOC_TESTING
        cmocka_unit_test(memory_may_run_out),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
