/* Test vectors from tests/data: one row per line, columns separated by tabs, "# " begins a
 * comment line, %XX in a column is that byte. */
#ifndef HELPER_DATA_H
#define HELPER_DATA_H

#include "base/buf.h"

#define HELPER_COLUMNS 4

struct helper_row {
    int line;
    size_t count;
    struct sioc_str columns[HELPER_COLUMNS]; /* decoded; exact copies on the heap */
};

/* Calls `each` with every row; fails the test when the file cannot be read or has no row. */
void helper_each_row(const char *file, void (*each)(const struct helper_row *row));

/* A copy of exactly these bytes on the heap, so that a sanitizer sees what reads behind them.
 * free() it. */
char *helper_exact(struct sioc_str s);

#endif
