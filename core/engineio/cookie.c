/* engineio/cookie.c -- see cookie.h. */
#include "engineio/cookie.h"
#include "base/str.h"
#include "http/chars.h"

bool eio_cookie_name_ok(struct sioc_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!http_is_token_char((uint8_t)name.ptr[i]))
            return false;
    return name.len > 0;
}

bool eio_cookie_attribute_ok(struct sioc_str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < ' ' || value.ptr[i] > '~' || value.ptr[i] == ';')
            return false;
    return true;
}

static void put_attribute(struct buf *out, const char *name, const char *value)
{
    if (value && *value)
        buf_printf(out, "; %s=%s", name, value);
}

/* "Lax", however it was written. */
static void put_same_site(struct buf *out, const char *value)
{
    static const char *const known[] = {"Strict", "Lax", "None"};
    for (size_t i = 0; value && i < sizeof known / sizeof known[0]; i++)
        if (str_eq_nocase(sioc_str(known[i]), sioc_str(value)))
            put_attribute(out, "SameSite", known[i]);
}

/* In the reference's order. */
void eio_cookie_put(const struct eio_cookie *c, struct sioc_str sid, struct buf *out)
{
    buf_printf(out, "Set-Cookie: %s=%.*s", c->name, SIOC_STR_ARG(sid));
    if (c->max_age_s >= 0)
        buf_printf(out, "; Max-Age=%lld", (long long)c->max_age_s);
    put_attribute(out, "Domain", c->domain);
    put_attribute(out, "Path", c->path);
    if (c->http_only)
        buf_put_str(out, STR("; HttpOnly"));
    if (c->secure)
        buf_put_str(out, STR("; Secure"));
    put_same_site(out, c->same_site);
    buf_put_str(out, STR("\r\n"));
}
