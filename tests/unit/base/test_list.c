/* The intrusive list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
    int number;
    struct list node;
};

static int pop(struct list *head)
{
    struct list *node = list_pop(head);
    return node ? LIST_ENTRY(node, struct item, node)->number : -1;
}

static void test_list(void **state)
{
    (void)state;
    struct list a, b;
    struct item items[4] = {{.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&a);
    list_init(&b);
    assert_true(list_empty(&a));
    assert_int_equal(pop(&a), -1);
    for (int i = 0; i < 4; i++) {
        list_init(&items[i].node);
        list_remove(&items[i].node); /* alone: nothing happens */
        list_append(i < 3 ? &a : &b, &items[i].node);
    }
    list_remove(&items[1].node);
    list_remove(&items[1].node);
    list_splice(&b, &a);
    assert_true(list_empty(&a));
    list_splice(&b, &a);
    assert_int_equal(pop(&b), 3);
    assert_int_equal(pop(&b), 0);
    assert_int_equal(pop(&b), 2);
    assert_int_equal(pop(&b), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
