/* base/resident.c -- how much memory the process has, and may have.
 *
 * Knows Linux: procfs and control groups.  Invariant: the descriptor is opened once, because
 * when memory is short descriptors may be, too.
 */
#include "base/mem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int mem_resident_open(void)
{
    return open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
}

uint64_t mem_resident(int fd)
{
    char text[128];
    unsigned long long all, resident;
    ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    if (sscanf(text, "%llu %llu", &all, &resident) != 2)
        return 0;
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The number in a file; UINT64_MAX for "max", or when there is none. */
static uint64_t read_limit(const char *path)
{
    char text[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0 || text[0] < '0' || text[0] > '9')
        return UINT64_MAX;
    text[n] = '\0';
    return strtoull(text, NULL, 10);
}

/* The control group of this process (version 2), as a path below /sys/fs/cgroup. */
static void find_group(char *ret_path, size_t cap)
{
    char text[4096];
    int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    ret_path[0] = '\0';
    if (n <= 0)
        return;
    text[n] = '\0';
    char *line = strstr(text, "0::/");
    if (line) {
        line += strlen("0::");
        line[strcspn(line, "\n")] = '\0';
        if (strlen(line) < cap)
            memcpy(ret_path, line, strlen(line) + 1);
    }
}

static uint64_t group_limit(void)
{
    char group[1024], path[1100];
    uint64_t least = UINT64_MAX;
    find_group(group, sizeof group);
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
        uint64_t limit = read_limit(path);
        if (limit < least)
            least = limit;
        char *slash = strrchr(group, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    uint64_t old = read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes"); /* version 1 */
    return old < least ? old : least;
}

uint64_t mem_machine(void)
{
    uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t group = group_limit();
    return group < machine ? group : machine;
}

void mem_give_back(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
