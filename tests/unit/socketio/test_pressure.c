/* Memory: the levels, at their limits; who is closed when it is very short is shown by
 * integration/memory.test.mjs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "socketio/pressure.h"

static void test_levels(void **state)
{
    (void)state;
    const uint64_t budget = 1000000;
    assert_int_equal(sio_pressure_level(budget, 0), SIO_PRESSURE_NONE);
    assert_int_equal(sio_pressure_level(budget, 799999), SIO_PRESSURE_NONE);
    assert_int_equal(sio_pressure_level(budget, 800000), SIO_PRESSURE_NONE);
    assert_int_equal(sio_pressure_level(budget, 800001), SIO_PRESSURE_SOFT);
    assert_int_equal(sio_pressure_level(budget, 949999), SIO_PRESSURE_SOFT);
    assert_int_equal(sio_pressure_level(budget, 950000), SIO_PRESSURE_SOFT);
    assert_int_equal(sio_pressure_level(budget, 950001), SIO_PRESSURE_HARD);
    assert_int_equal(sio_pressure_level(UINT64_MAX, UINT64_MAX / 2), SIO_PRESSURE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
