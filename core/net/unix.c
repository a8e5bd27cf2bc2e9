/* net/unix.c -- listening sockets in the file system.
 *
 * A socket file outlives a server that was killed: one that nobody answers on is stale and
 * replaced, one that somebody answers on is in use.
 */
#include "net/internal.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int error_of(int error)
{
    switch (error) {
    case EADDRINUSE:
        return SIOC_EADDRINUSE;
    case EACCES:
    case EPERM:
    case EROFS:
        return SIOC_EACCES;
    case ENOENT:
    case ENOTDIR:
        return SIOC_ENOTFOUND;
    default:
        return SIOC_EIO;
    }
}

/* Whether a server answers there. */
static bool in_use(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    bool answered =
        connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN;
    close(fd);
    return answered;
}

static void remove_stale(const struct sockaddr_un *address)
{
    struct stat info;
    if (lstat(address->sun_path, &info) == 0 && S_ISSOCK(info.st_mode) && !in_use(address))
        unlink(address->sun_path);
}

int net_listen_unix(const char *path, int backlog, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof address.sun_path)
        return SIOC_EINVAL;
    memcpy(address.sun_path, path, len);
    remove_stale(&address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_of(errno);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) || listen(fd, backlog)) {
        int error = error_of(errno);
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}
