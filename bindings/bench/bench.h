/* bindings/bench/bench.h -- `sioc bench`: a load generator for any Socket.IO v4 server.
 *
 * A client, not a part of the server: it knows nothing of the core, so that what it finds wrong
 * cannot be wrong in the same way here.  Its one way in is this.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

/* argv[0] is what the program calls itself in messages.  Returns the exit code: 0 all went
 * well, 1 an answer was wrong or missing or a connection failed, 2 a wrong command line. */
int bench_main(int argc, char **argv);

#endif
