/* tests/bench/peers/limit.c -- bench_limit: the least that a single-threaded server can do for
 * the benchmark's events, to know how far away a real one is.
 *
 *   limit      one system call per message
 *   limit-co   (--coalesce) everything pending for one socket is written once per loop turn
 *
 * It has no heartbeat, no timeouts and no limits; it checks nothing.  It is no server for
 * anything else.  --fault makes it answer wrongly, to prove that the load generator sees it.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "limit.h"

#define EVENTS_MAX 1024

static const char *const fault_names[] = {"none", "corrupt", "drop", "twice", "hangup"};

static int usage(void)
{
    fputs("usage: bench_limit [--port N] [--coalesce]\n"
          "                   [--fault corrupt|drop|twice|hangup] [--fault-every N]\n",
          stderr);
    return 2;
}

static int options_read(struct server *s, int argc, char **argv, uint16_t *port)
{
    s->fault_every = 1000;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--coalesce") == 0) {
            s->coalesce = true;
            continue;
        }
        if (strcmp(argv[i], "--port") == 0) {
            *port = (uint16_t)atoi(value);
        } else if (strcmp(argv[i], "--fault-every") == 0 && atoi(value) > 0) {
            s->fault_every = (uint64_t)atoi(value);
        } else if (strcmp(argv[i], "--fault") == 0) {
            for (size_t k = 0; k < sizeof fault_names / sizeof *fault_names; k++)
                if (strcmp(value, fault_names[k]) == 0)
                    s->fault = (enum fault)k;
            if (s->fault == FAULT_NONE)
                return usage();
        } else {
            return usage();
        }
        i++;
    }
    return 0;
}

static int listen_open(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&at, &len)) {
        perror("bench_limit: cannot listen");
        return -1;
    }
    printf("listening on http://127.0.0.1:%u\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static void serve(struct server *s)
{
    struct epoll_event events[EVENTS_MAX];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listen_fd, &event);
    for (;;) {
        int n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == s)
                conn_accept(s);
            else
                conn_event(s, events[i].data.ptr, events[i].events);
        }
        broadcast_flush(s);
    }
}

int main(int argc, char **argv)
{
    struct server s = {0};
    uint16_t port = 0;
    struct rlimit files;
    if (options_read(&s, argc, argv, &port))
        return 2;
    if (!getrlimit(RLIMIT_NOFILE, &files)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    s.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    s.listen_fd = listen_open(port);
    if (s.epoll_fd < 0 || s.listen_fd < 0)
        return 1;
    serve(&s);
}
