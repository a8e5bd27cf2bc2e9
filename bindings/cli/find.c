/* bindings/cli/find.c -- see find.h.
 *
 * The kernel's table of sockets gives the inode of the one that listens; its owner is whoever
 * has a descriptor "socket:[inode]".  Knows Linux; elsewhere there is no /proc and nobody is
 * found.
 */
#include "find.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTENING 0x0A

/* A line: "sl: local_address:port rem_address st tx:rx tr:when retr uid timeout inode". */
static unsigned long inode_in(const char *table, int port)
{
    FILE *file = fopen(table, "r");
    unsigned long inode, found = 0;
    unsigned local, state;
    char line[512];

    while (file && !found && fgets(line, sizeof line, file))
        if (sscanf(line, "%*d: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %lu", &local, &state,
                   &inode) == 3 &&
            local == (unsigned)port && state == LISTENING)
            found = inode;
    if (file)
        fclose(file);
    return found;
}

static bool has_socket(const char *process, unsigned long inode)
{
    char path[320], link[64], wanted[64];
    struct dirent *entry;
    bool found = false;
    DIR *dir;

    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    snprintf(path, sizeof path, "/proc/%.200s/fd", process);
    dir = opendir(path);
    while (dir && !found && (entry = readdir(dir))) {
        ssize_t len;

        snprintf(path, sizeof path, "/proc/%.200s/fd/%.32s", process, entry->d_name);
        len = readlink(path, link, sizeof link - 1);
        link[len > 0 ? len : 0] = '\0';
        found = strcmp(link, wanted) == 0;
    }
    if (dir)
        closedir(dir);
    return found;
}

long cli_find_listener(int port, char *ret_error, size_t cap)
{
    unsigned long inode = inode_in("/proc/net/tcp", port);
    struct dirent *entry;
    long pid = 0;
    DIR *dir;

    if (!inode)
        inode = inode_in("/proc/net/tcp6", port);
    if (!inode) {
        snprintf(ret_error, cap, "nobody listens on port %d (--pid names a process)", port);
        return -1;
    }
    dir = opendir("/proc");
    while (dir && !pid && (entry = readdir(dir)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
            has_socket(entry->d_name, inode))
            pid = strtol(entry->d_name, NULL, 10);
    if (dir)
        closedir(dir);
    if (pid)
        return pid;
    snprintf(ret_error, cap, "who listens on port %d cannot be seen: is it another user's?",
             port);
    return -1;
}

bool cli_catches(long pid, int signum)
{
    char path[64], line[256];
    unsigned long long caught = 0;
    bool seen = false;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/status", pid);
    file = fopen(path, "r");
    while (file && !seen && fgets(line, sizeof line, file))
        seen = sscanf(line, "SigCgt: %llx", &caught) == 1;
    if (file)
        fclose(file);
    return !seen || (caught >> (signum - 1) & 1) != 0;
}
