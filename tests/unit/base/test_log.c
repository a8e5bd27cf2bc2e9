/* Log records: levels, formatting, stderr as text and as JSON, and what a peer cannot forge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct seen {
    int count;
    enum sioc_log_level level;
    char text[4096];
};

static void record(void *user, enum sioc_log_level level, const char *text)
{
    struct seen *seen = user;
    seen->count++;
    seen->level = level;
    snprintf(seen->text, sizeof seen->text, "%s", text);
}

static void test_levels(void **state)
{
    (void)state;
    static const char *const names[] = {"debug", "info", "warn", "error"};
    enum sioc_log_level level = SIOC_LOG_ERROR;
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(sioc_log_level_parse(names[i], &level), 0);
        assert_int_equal(level, i);
        assert_string_equal(sioc_log_level_name(level), names[i]);
    }
    assert_int_equal(sioc_log_level_parse("Warn", &level), SIOC_EINVAL);
    assert_int_equal(sioc_log_level_parse("", &level), SIOC_EINVAL);
    assert_int_equal(sioc_log_level_parse(NULL, &level), SIOC_EINVAL);
    assert_int_equal(level, SIOC_LOG_ERROR);
    assert_non_null(sioc_log_level_name((enum sioc_log_level)9));
}

/* Of records with the same format, at the limit, one below and one above; then the next second.
 */
static void test_limit(void **state)
{
    (void)state;
    struct seen seen = {0};
    uint64_t dropped = 0;
    struct log_limit limit = {.per_second = 5, .dropped = &dropped};
    struct log log = {SIOC_LOG_INFO, record, &seen, &limit};
    for (int i = 0; i < 4; i++)
        log_write(&log, SIOC_LOG_WARN, "flood %d", i);
    assert_int_equal(seen.count, 4);
    log_write(&log, SIOC_LOG_WARN, "flood %d", 4);
    assert_int_equal(seen.count, 5);
    assert_int_equal(dropped, 0);
    log_write(&log, SIOC_LOG_WARN, "flood %d", 5);
    log_write(&log, SIOC_LOG_WARN, "flood %d", 6);
    assert_int_equal(seen.count, 5);
    assert_int_equal(dropped, 2);
    log_write(&log, SIOC_LOG_DEBUG, "flood %d", 7); /* counted by nobody */
    assert_int_equal(dropped, 2);
    log_write(&log, SIOC_LOG_WARN, "another");
    assert_string_equal(seen.text, "another");
    limit.sites[0].since_ms -= 1000;
    seen.count = 0;
    log_write(&log, SIOC_LOG_WARN, "flood %d", 8);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.text, "flood 8");
}

static void test_more_kinds_than_slots(void **state)
{
    (void)state;
    static const char formats[100][4];
    struct seen seen = {0};
    uint64_t dropped = 0;
    struct log_limit limit = {.per_second = 2, .dropped = &dropped};
    struct log log = {SIOC_LOG_INFO, record, &seen, &limit};
    for (int i = 0; i < 100; i++)
        log_write(&log, SIOC_LOG_WARN, formats[i], 0);
    assert_int_equal(seen.count + (int)dropped, 100);
    assert_int_equal(seen.count, LOG_SITES + 1); /* the last slot is everybody's */
}

static void test_write(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct log log = {SIOC_LOG_INFO, record, &seen, NULL};
    log_write(&log, SIOC_LOG_DEBUG, "no");
    assert_int_equal(seen.count, 0);
    log_write(&log, SIOC_LOG_INFO, "%s %d", "yes", 1);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.level, SIOC_LOG_INFO);
    assert_string_equal(seen.text, "yes 1");
    /* Around the size of the buffer on the stack, and beyond. */
    for (int width = 505; width < 520; width++) {
        log_write(&log, SIOC_LOG_ERROR, "%*s", width, "x");
        assert_int_equal(strlen(seen.text), width);
        assert_int_equal(seen.text[width - 1], 'x');
    }
    log_write(&log, SIOC_LOG_ERROR, "%3000d", 5);
    assert_int_equal(strlen(seen.text), 3000);
    struct log nowhere = {SIOC_LOG_DEBUG, NULL, NULL, NULL};
    log_write(&nowhere, SIOC_LOG_ERROR, "x");
}

/* What sioc_log_stderr writes, without the time (24 characters). */
static void capture(void *json, enum sioc_log_level level, const char *text, char *out,
                    size_t cap)
{
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    sioc_log_stderr(json, level, text);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    /* A single read gets it all when it was a single write. */
    ssize_t n = read(ends[0], out, cap - 1);
    assert_true(n > 0);
    out[n] = '\0';
    assert_int_equal(read(ends[0], out + n, cap - (size_t)n), 0);
    close(ends[0]);
}

static void test_stderr_text(void **state)
{
    (void)state;
    char out[512];
    capture(NULL, SIOC_LOG_WARN, "hello", out, sizeof out);
    assert_int_equal(out[10], 'T');
    assert_int_equal(out[23], 'Z');
    assert_string_equal(out + 24, " warn  hello\n");
    capture(NULL, SIOC_LOG_ERROR, "one\ntwo\n\nthree\n", out, sizeof out);
    assert_string_equal(out + 24, " error one\n    two\n    \n    three\n");
    capture(NULL, SIOC_LOG_INFO, "", out, sizeof out);
    assert_string_equal(out + 24, " info  \n");
}

static void test_stderr_json(void **state)
{
    (void)state;
    char out[512];
    capture(out, SIOC_LOG_INFO, "a\"b\\c\nd\te\x01\xff\xc3\xa9", out, sizeof out);
    assert_int_equal(strncmp(out, "{\"time\":\"", 9), 0);
    assert_string_equal(out + 33, "\",\"level\":\"info\",\"text\":"
                                  "\"a\\\"b\\\\c\\nd\\te\\u0001\xef\xbf\xbd\xc3\xa9\"}\n");
}

static void test_clean(void **state)
{
    (void)state;
    static char out[LOG_CLEAN_MAX * 4 + 4];
    static const char *const rows[][2] = {
        {"", ""},
        {"plain \xc3\xa9\xf0\x9f\x98\x80", "plain \xc3\xa9\xf0\x9f\x98\x80"},
        {"a\r\nb\x1b[2J\x7f", "a\\x0d\\x0ab\\x1b[2J\\x7f"},
        {"\\x0a", "\\x5cx0a"}, /* no spelling of one's own */
        {"\xc2\x9b"
         "2J",
         "\\xc2\\x9b"
         "2J"}, /* an escape to some terminals */
        {"\xff\xc3", "\\xff\\xc3"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(log_clean(sioc_str(rows[i][0]), out), rows[i][1]);
    assert_string_equal(log_clean(sioc_str_n("\0x", 2), out), "\\x00x");
    char big[LOG_CLEAN_MAX + 1];
    memset(big, 1, sizeof big);
    log_clean(sioc_str_n(big, sizeof big), out);
    assert_int_equal(strlen(out), LOG_CLEAN_MAX * 4 + 3);
    assert_string_equal(out + LOG_CLEAN_MAX * 4, "...");
    log_clean(sioc_str_n(big, LOG_CLEAN_MAX), out);
    assert_int_equal(strlen(out), LOG_CLEAN_MAX * 4);
}

#ifdef SIOC_TESTING
static void test_no_memory(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct log log = {SIOC_LOG_INFO, record, &seen, NULL};
    char out[512];
    mem_test_fail_at(1, true);
    log_write(&log, SIOC_LOG_ERROR, "%3000d", 5);
    assert_int_equal(strlen(seen.text), 511); /* cut, not lost */
    mem_test_fail_at(1, true);
    capture(NULL, SIOC_LOG_ERROR, "out of memory\n", out, sizeof out);
    mem_test_fail_at(0, false);
    assert_string_equal(out, "out of memory\n");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_more_kinds_than_slots),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_stderr_text),
        cmocka_unit_test(test_stderr_json),
        cmocka_unit_test(test_clean),
#ifdef SIOC_TESTING
        cmocka_unit_test(test_no_memory),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
