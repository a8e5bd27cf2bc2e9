/* The ring of packets for those who come back: numbers, bounds, age, audiences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "socketio/backlog.h"

static const struct sio_audience everybody;

static struct eio_frame *frame_of(const char *text)
{
    return eio_frame_packet(sioc_str(text));
}

static void add(struct sio_backlog *b, uint64_t now_ms, const char *text,
                const struct sio_audience *audience)
{
    struct eio_frame *frame = frame_of(text);
    assert_non_null(frame);
    sio_backlog_add(b, now_ms, frame, audience);
    eio_frame_unref(frame);
}

/* The number as text is what every frame here says: so nothing is in another's place. */
static void assert_holds(const struct sio_backlog *b, uint64_t first, uint64_t next)
{
    char text[24];
    size_t bytes = 0;
    assert_int_equal(b->first, first);
    assert_int_equal(b->next, next);
    for (uint64_t n = first; n < next; n++) {
        const struct sio_kept *k = sio_backlog_get(b, n);
        int len = snprintf(text, sizeof text, "%llu", (unsigned long long)n);
        assert_int_equal(k->frame->chunk.len, 2 + len);
        assert_memory_equal(k->frame->chunk.bytes + 2, text, (size_t)len);
        bytes += k->bytes;
    }
    assert_int_equal(b->bytes, bytes);
}

static void add_numbers(struct sio_backlog *b, uint64_t now_ms, size_t count)
{
    char text[24];
    while (count--) {
        snprintf(text, sizeof text, "%llu", (unsigned long long)b->next);
        add(b, now_ms, text, &everybody);
    }
}

static void wraps(void **state)
{
    struct sio_backlog b;
    (void)state;
    sio_backlog_init(&b, 100, 1000000, 1000);
    assert_holds(&b, 1, 1);
    add_numbers(&b, 0, 63);
    assert_holds(&b, 1, 64);
    add_numbers(&b, 0, 37);
    assert_holds(&b, 1, 101);
    assert_int_equal(b.evicted, 0);
    for (uint64_t first = 2; first < 400; first++) {
        add_numbers(&b, 0, 1);
        assert_holds(&b, first, first + 100);
    }
    assert_int_equal(b.evicted, 398);
    sio_backlog_deinit(&b);
    assert_int_equal(b.bytes, 0);
}

static void is_bounded_in_bytes(void **state)
{
    struct sio_backlog b;
    char big[5000];
    (void)state;
    sio_backlog_init(&b, 100, 4096, 1000);
    add_numbers(&b, 0, 20);
    assert_true(b.bytes < 4096);
    assert_int_equal(b.evicted, 0);
    while (b.evicted == 0)
        add_numbers(&b, 0, 1);
    assert_true(b.bytes <= 4096);
    assert_true(b.bytes > 4096 - 200);
    assert_holds(&b, 2, b.next);
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    add(&b, 0, big, &everybody); /* alone too much: nothing is left, and the numbers go on */
    assert_int_equal(b.first, b.next);
    assert_int_equal(b.bytes, 0);
    add_numbers(&b, 0, 2);
    assert_holds(&b, b.next - 2, b.next);
    sio_backlog_deinit(&b);
}

static void forgets_with_age(void **state)
{
    struct sio_backlog b;
    (void)state;
    sio_backlog_init(&b, 100, 1000000, 1000);
    add_numbers(&b, 5000, 2);
    add_numbers(&b, 5500, 2);
    sio_backlog_expire(&b, 6000);
    assert_holds(&b, 1, 5);
    sio_backlog_expire(&b, 6001);
    assert_holds(&b, 3, 5);
    sio_backlog_expire(&b, 9000);
    assert_holds(&b, 5, 5);
    assert_int_equal(b.evicted, 0); /* its time was over */
    sio_backlog_deinit(&b);
}

/* rooms, except, who is in what: words, separated by spaces. */
static size_t words(const char *text, struct sioc_str *out)
{
    struct sioc_str rest = sioc_str(text), word;
    size_t n = 0;
    while (rest.len && str_next(&rest, ' ', &word))
        out[n++] = word;
    return n;
}

static bool reaches(const char *rooms, const char *except, const char *sender, const char *in)
{
    struct sioc_str room_names[4], except_names[4], in_names[4];
    struct sio_audience audience = {.rooms = room_names,
                                    .room_count = words(rooms, room_names),
                                    .except = except_names,
                                    .except_count = words(except, except_names)};
    struct sio_backlog b;
    struct map set;
    if (sender)
        audience.sender = sioc_str(sender);
    sio_backlog_init(&b, 4, 1000000, 1000);
    add(&b, 0, "x", &audience);
    map_init(&set);
    size_t n = words(in, in_names);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(map_add(&set, in_names[i], &b), 0);
    bool result = sio_kept_is_for(sio_backlog_get(&b, 1), &set);
    map_deinit(&set);
    sio_backlog_deinit(&b);
    return result;
}

static void knows_its_audience(void **state)
{
    (void)state;
    assert_true(reaches("", "", NULL, ""));
    assert_true(reaches("", "", NULL, "me"));
    assert_true(reaches("red", "", NULL, "me red"));
    assert_false(reaches("red", "", NULL, "me"));
    assert_false(reaches("red", "", NULL, ""));
    assert_true(reaches("blue red", "", NULL, "me red"));
    assert_true(reaches("red blue", "", NULL, "me red"));
    assert_true(reaches("me", "", NULL, "me red"));
    assert_false(reaches("you", "", NULL, "me red"));
    assert_false(reaches("", "red", NULL, "me red"));
    assert_true(reaches("", "red", NULL, "me blue"));
    assert_false(reaches("red", "blue", NULL, "red blue"));
    assert_false(reaches("red", "green blue", NULL, "red blue"));
    assert_true(reaches("red", "blue", NULL, "red"));
    assert_false(reaches("", "", "me", "me"));
    assert_true(reaches("", "", "you", "me"));
    assert_false(reaches("red", "blue", "me", "me red"));
    assert_true(reaches("red", "blue", "you", "me red"));
    assert_true(reaches("re red", "", NULL, "red"));
    assert_false(reaches("re redd", "", NULL, "red"));
}

static void cuts_names_that_no_room_can_have(void **state)
{
    static char name[70000];
    struct sio_backlog b;
    struct map set;
    (void)state;
    memset(name, 'x', sizeof name);
    const struct sioc_str rooms[] = {sioc_str_n(name, sizeof name), STR("red")};
    const struct sio_audience audience = {.rooms = rooms, .room_count = 2};
    sio_backlog_init(&b, 4, 1000000, 1000);
    add(&b, 0, "x", &audience);
    map_init(&set);
    assert_false(sio_kept_is_for(sio_backlog_get(&b, 1), &set)); /* and not for everybody */
    assert_int_equal(map_add(&set, STR("red"), &b), 0);
    assert_true(sio_kept_is_for(sio_backlog_get(&b, 1), &set));
    map_deinit(&set);
    sio_backlog_deinit(&b);
}

/* Rather nothing than something with a gap in it. */
static void lets_go_of_all_when_memory_is_out(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 2; n++) {
        struct sio_backlog b;
        struct eio_frame *frame = frame_of("x");
        sio_backlog_init(&b, 1000, 1000000, 1000);
        add_numbers(&b, 0, 64); /* the next one needs more slots */
        mem_test_fail_at(n, false);
        sio_backlog_add(&b, 0, frame, &everybody);
        mem_test_fail_at(0, false);
        assert_int_equal(b.first, 66);
        assert_int_equal(b.next, 66);
        assert_int_equal(b.evicted, 65);
        assert_int_equal(b.bytes, 0);
        add_numbers(&b, 0, 3);
        assert_holds(&b, 66, 69);
        sio_backlog_deinit(&b);
        eio_frame_unref(frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wraps),
        cmocka_unit_test(is_bounded_in_bytes),
        cmocka_unit_test(forgets_with_age),
        cmocka_unit_test(knows_its_audience),
        cmocka_unit_test(cuts_names_that_no_room_can_have),
        cmocka_unit_test(lets_go_of_all_when_memory_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
