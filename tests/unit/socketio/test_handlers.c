/* Handlers are found by name, whatever its length, and whatever other names are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "socketio/handlers.h"

#define LONGEST 20

static void note(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)event;
    *(intptr_t *)user = ref;
}

/* Each name differs from another one in one byte, or in its length. */
static size_t make_names(char names[][LONGEST], size_t lengths[])
{
    size_t count = 0;
    for (size_t len = 0; len <= LONGEST; len++) {
        for (size_t odd = 0; odd <= len; odd++) {
            memset(names[count], 'a', LONGEST);
            if (odd < len)
                names[count][odd] = 'b';
            lengths[count++] = len;
        }
    }
    return count;
}

static void test_names(void **state)
{
    (void)state;
    static char names[LONGEST * LONGEST][LONGEST];
    static size_t lengths[LONGEST * LONGEST];
    struct sio_listeners *list = NULL;
    struct sioc_event event = {.kind = SIOC_EVENT_CLIENT};
    size_t count = make_names(names, lengths);
    intptr_t called;
    for (size_t i = 0; i < count; i += 2)
        assert_int_equal(
            sio_listeners_add(
                &list, sioc_str_n(names[i], lengths[i]),
                (struct sioc_handler){.call = note, .user = &called, .ref = (intptr_t)i}, 0),
            0);
    for (size_t i = 0; i < count; i++) {
        struct sioc_str name = sioc_str_n(names[i], lengths[i]);
        called = -1;
        assert_int_equal(sio_listeners_have(list, name), i % 2 == 0);
        assert_int_equal(sio_listeners_call(&list, name, &event), i % 2 == 0);
        assert_int_equal(called, i % 2 == 0 ? (intptr_t)i : -1);
    }
    sio_listeners_free(&list);
}

/* Those for every event are no handlers of a name, not of the empty one either. */
static void test_every_event(void **state)
{
    (void)state;
    static const struct sioc_str every = {NULL, 0};
    struct sio_listeners *list = NULL;
    struct sioc_event event = {.kind = SIOC_EVENT_CLIENT};
    intptr_t called = 0;
    struct sioc_handler handler = {.call = note, .user = &called, .ref = 7};
    assert_false(sio_listeners_call(&list, every, &event));
    assert_int_equal(sio_listeners_add(&list, STR("x"), handler, 0), 0);
    assert_false(sio_listeners_call(&list, every, &event));
    assert_int_equal(sio_listeners_add(&list, every, handler, 0), 0);
    assert_false(sio_listeners_call(&list, STR(""), &event));
    assert_int_equal(called, 0);
    assert_true(sio_listeners_call(&list, every, &event));
    assert_int_equal(called, 7);
    assert_int_equal(sio_listeners_remove(&list, every, &called, 7), 1);
    assert_false(sio_listeners_call(&list, every, &event));
    sio_listeners_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
