/* bindings/bench/report.h -- what came of it, for people or as JSON; and how it goes. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "run.h"

void bench_report_print(const struct run *r); /* on stdout */

/* On stderr, if it is a terminal: one line that is written over and over. */
void bench_report_opening(const struct run *r);
void bench_report_running(const struct run *r, double seconds, double of, const char *phase);
void bench_report_clear(void);

/* --progress: a line that stays, with the server's memory. */
void bench_report_line(const struct run *r, double seconds);

#endif
