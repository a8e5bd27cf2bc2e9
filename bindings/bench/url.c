/* bindings/bench/url.c -- see url.h. */
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    bool secure;
} schemes[] = {{"http://", false}, {"ws://", false}, {"https://", true}, {"wss://", true}};

/* Skips the scheme; NULL when it is none of ours. */
static const char *read_scheme(const char *text, bool *ret_secure)
{
    *ret_secure = false;
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t len = strlen(schemes[i].name);
        if (strncasecmp(text, schemes[i].name, len) == 0) {
            *ret_secure = schemes[i].secure;
            return text + len;
        }
    }
    return strstr(text, "://") ? NULL : text;
}

static int copy(char *to, size_t cap, const char *from, size_t len)
{
    /* What goes into a request line or a packet as it is must not break out of it. */
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)from[i] <= ' ' || from[i] == 127 || from[i] == '"')
            return -1;
    if (len >= cap)
        return -1;
    memcpy(to, from, len);
    to[len] = '\0';
    return 0;
}

/* host, host:port, [v6] or [v6]:port, which are `len` bytes. */
static int read_authority(struct url *url, const char *text, size_t len)
{
    const char *end = text + len, *host = text, *host_end, *port;

    if (*text == '[') {
        host = text + 1;
        host_end = memchr(text, ']', len);
        if (!host_end)
            return -1;
        port = host_end + 1;
    } else {
        host_end = memchr(text, ':', len);
        if (!host_end)
            host_end = end;
        port = host_end;
    }
    if (host == host_end || copy(url->host, sizeof url->host, host, (size_t)(host_end - host)))
        return -1;
    if (port == end)
        return copy(url->port, sizeof url->port, url->secure ? "443" : "80",
                    url->secure ? 3 : 2);
    if (*port != ':' || copy(url->port, sizeof url->port, port + 1, (size_t)(end - port - 1)))
        return -1;
    long number = strtol(url->port, NULL, 10);
    return strspn(url->port, "0123456789") == strlen(url->port) && number > 0 && number < 65536
               ? 0
               : -1;
}

int bench_url_parse(const char *text, struct url *ret_url, char *ret_error, size_t cap)
{
    struct url url = {0};
    const char *at = read_scheme(text, &url.secure);

    if (!at) {
        snprintf(ret_error, cap, "%s: the URL must begin with http, https, ws or wss", text);
        return -1;
    }
    size_t authority = strcspn(at, "/?#");
    const char *path = at + authority;
    size_t path_len = strcspn(path, "?#");
    const char *query = path[path_len] == '?' ? path + path_len + 1 : "";
    size_t query_len = strcspn(query, "#");
    if (read_authority(&url, at, authority)) {
        snprintf(ret_error, cap, "%s: wanted is a URL like http://127.0.0.1:3000", text);
        return -1;
    }
    if (path_len == 1) /* "/" is the namespace that has no name on the wire */
        path_len = 0;
    if (query_len > 0)
        url.query[0] = '&';
    if (memchr(path, ',', path_len) || copy(url.nsp, sizeof url.nsp, path, path_len) ||
        (query_len > 0 && copy(url.query + 1, sizeof url.query - 1, query, query_len))) {
        snprintf(ret_error, cap, "%s: the path (a namespace) or the query cannot be sent",
                 text);
        return -1;
    }
    *ret_url = url;
    return 0;
}
