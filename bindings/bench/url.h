/* bindings/bench/url.h -- where the server is: scheme://host:port/namespace?query. */
#ifndef BENCH_URL_H
#define BENCH_URL_H

#include <stdbool.h>
#include <stddef.h>

struct url {
    bool secure;     /* https, wss */
    char host[256];  /* a name or an address, without brackets */
    char port[6];    /* digits */
    char nsp[256];   /* the namespace with its slash; "" is / */
    char query[512]; /* "" or "&name=value..." for the handshake */
};

/* 0; -1 with a line about it in ret_error.  A text without a scheme is http. */
int bench_url_parse(const char *text, struct url *ret_url, char *ret_error, size_t cap);

#endif
