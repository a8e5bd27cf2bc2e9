/* The command line reader is part of the program, not of the library that tests are linked to.
 */
#include "../../../bindings/cli/args.c"
