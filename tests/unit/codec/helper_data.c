/* Reads tables of test vectors. */
#include "codec/helper_data.h"

#include "base/str.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

char *helper_exact(struct sioc_str s)
{
    char *copy = malloc(s.len ? s.len : 1);
    assert_non_null(copy);
    /* An empty slice ends at the end of its byte. */
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

static struct sioc_str decode(struct sioc_str s)
{
    char *out = malloc(s.len ? s.len : 1);
    size_t len = 0;
    assert_non_null(out);
    for (size_t i = 0; i < s.len; i++) {
        unsigned byte = (unsigned char)s.ptr[i];
        if (byte == '%') {
            char hex[3] = {s.ptr[i + 1], s.ptr[i + 2], '\0'};
            byte = (unsigned)strtoul(hex, NULL, 16);
            i += 2;
        }
        out[len++] = (char)byte;
    }
    char *exact = realloc(out, len ? len : 1);
    return sioc_str_n(exact ? exact : out, len);
}

void helper_each_row(const char *file, void (*each)(const struct helper_row *row))
{
    char path[1024];
    static char line[65536];
    snprintf(path, sizeof path, "%s/%s", TEST_DATA_DIR, file);
    FILE *f = fopen(path, "r");
    int rows = 0;
    if (!f)
        fail_msg("no file %s", path);
    for (int number = 1; f && fgets(line, sizeof line, f); number++) {
        struct helper_row row = {.line = number};
        struct sioc_str rest = sioc_str_n(line, strcspn(line, "\n")), column;
        if (rest.len == 0 || strncmp(line, "# ", 2) == 0)
            continue;
        while (row.count < HELPER_COLUMNS && str_next(&rest, '\t', &column))
            row.columns[row.count++] = decode(column);
        each(&row);
        for (size_t i = 0; i < row.count; i++)
            free((void *)(uintptr_t)row.columns[i].ptr);
        rows++;
    }
    if (f)
        fclose(f);
    assert_true(rows > 0);
}
