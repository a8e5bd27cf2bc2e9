/* How many packets a payload may hold. */
#include "base/str.h"
#include "engineio/payload.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void counts_packets(void **state)
{
    (void)state;
    assert_true(eio_payload_fits(STR(""), 1));
    assert_true(eio_payload_fits(STR("40"), 1));
    assert_false(eio_payload_fits(STR("3\x1e"
                                      "3"),
                                  1));
    assert_true(eio_payload_fits(STR("3\x1e"
                                     "3"),
                                 2));
    assert_true(eio_payload_fits(STR("3\x1e"
                                     "3\x1e"
                                     "3"),
                                 3));
    assert_false(eio_payload_fits(STR("3\x1e"
                                      "3\x1e"
                                      "3"),
                                  2));
    assert_false(eio_payload_fits(STR("\x1e\x1e\x1e"), 3)); /* four empty ones */
    assert_true(eio_payload_fits(STR("\x1e\x1e\x1e"), 4));
    assert_false(eio_payload_fits(STR("3\x1e"), 1)); /* an empty one behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_packets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
