/* A folder of its own for each test, and a loop that can be run until something is so. */
#ifndef HELPER_TREE_H
#define HELPER_TREE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sioc/loop.h>

/* Makes the folder and works in it: paths of the test are relative or absolute at will. */
void tree_make(void);
void tree_remove(void);
const char *tree_path(void);
/* Runs a line of shell in the folder: files are changed with the tools that people use. */
void tree_sh(const char *line);
/* The bytes of a file, "" when it cannot be read; good until the next call. */
const char *tree_read(const char *path);

/* Steps the loop for so long. */
void tree_run_ms(struct sioc_loop *loop, unsigned ms);
/* Steps the loop until *counter is at least `least`; fails after 1.5 s. */
void tree_await(struct sioc_loop *loop, const unsigned *counter, unsigned least);

#endif
