/* unit/lua/helper_host.h -- a loop, a host and a script from a string, with the log kept. */
#ifndef HELPER_HOST_H
#define HELPER_HOST_H

#include "host.h"
#include <setjmp.h>
#include <stdarg.h>
/* cmocka needs the two above first */
#include <cmocka.h>

struct rig {
    struct sioc_loop *loop;
    struct slua_config config;
    struct slua_host *host;
    char dir[64], script[128];
    char log[8192]; /* every record, one per line */
    size_t log_len;
    bool stopped;
    int exit_code;
    char error[2048];
};

/* Change config between rig_init and rig_load. */
void rig_init(struct rig *rig);
/* Writes the script, makes the host, runs the top level; slua_host_load's result. */
int rig_load(struct rig *rig, const char *source);
/* Turns the loop until the script has called sioc.stop(); fails after two seconds. */
void rig_run(struct rig *rig);
void rig_free(struct rig *rig);
/* A file next to the script. */
void rig_file(struct rig *rig, const char *name, const char *source);

/* All of it: the script must load, stop, and log nothing but what it prints. */
void rig_script(const char *source, const char *expected_log);

#endif
