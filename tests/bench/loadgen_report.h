/* tests/bench/loadgen_report.h -- prints what a run has found. */
#ifndef LOADGEN_REPORT_H
#define LOADGEN_REPORT_H

#include "loadgen_run.h"

/* Lines of "name value" for people and shell scripts, or one JSON object with the same names.
 */
void report_print(const struct run *r);
/* One line while the run goes on: seconds, messages, the server's memory. */
void report_progress(const struct run *r, double seconds);

#endif
