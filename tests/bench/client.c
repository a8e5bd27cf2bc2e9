/* tests/bench/client.c -- `sioc bench` as a program of its own: so that one build of it can
 * measure another build of sioc. */
#include <bench.h>

int main(int argc, char **argv)
{
    return bench_main(argc, argv);
}
