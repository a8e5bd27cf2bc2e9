/* engineio/cookie.h -- the cookie that names a session, for proxies that keep a client on one
 * server (protocol.md 1.5).
 *
 * Nothing reads it here: a session is known by the sid of its query.
 * Invariant: what is written was checked, so no value can end its line or its attribute.
 */
#ifndef ENGINEIO_COOKIE_H
#define ENGINEIO_COOKIE_H

#include "base/buf.h"

struct eio_cookie {
    const char *name;                      /* NULL: no cookie */
    const char *path, *domain, *same_site; /* NULL or "": the attribute is left out */
    bool http_only, secure;
    int64_t max_age_s; /* -1: left out */
};

/* RFC 6265, 4.1.1: what a name, and the value of an attribute, may be made of. */
bool eio_cookie_name_ok(struct sioc_str name);
bool eio_cookie_attribute_ok(struct sioc_str value);
/* Appends the line "Set-Cookie: ...\r\n". */
void eio_cookie_put(const struct eio_cookie *cookie, struct sioc_str sid, struct buf *out);

#endif
