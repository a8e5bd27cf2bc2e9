/* Memory of the process: it is known, it grows with what is used, the machine has more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include <string.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static void test_resident(void **state)
{
    (void)state;
    int fd = mem_resident_open();
    assert_true(fd >= 0);
    uint64_t before = mem_resident(fd);
    assert_true(before > 0);
    char *bytes = mem_alloc(32 * MIB);
    assert_non_null(bytes);
    memset(bytes, 1, 32 * MIB);
    assert_true(mem_resident(fd) >= before + 30 * MIB);
    mem_free(bytes);
    mem_give_back();
    assert_true(mem_machine() > before);
    assert_true(mem_machine() < UINT64_MAX);
    close(fd);
    assert_int_equal(mem_resident(-1), 0); /* not known */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_resident)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
