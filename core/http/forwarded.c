/* http/forwarded.c -- see forwarded.h. */
#include "http/forwarded.h"
#include "base/str.h"

#define HOPS_MAX 32 /* addresses that are looked at */

/* One element of the chain of proxies; slices of the head. */
struct hop {
    struct sioc_str address, proto;
};

/* The hops of all headers of a kind, in the order of the wire: the last ones, if there are too
 * many. */
struct chain {
    struct hop hops[HOPS_MAX];
    size_t count;
};

static void add(struct chain *chain, struct hop hop)
{
    if (chain->count == HOPS_MAX) {
        memmove(chain->hops, chain->hops + 1, (HOPS_MAX - 1) * sizeof hop);
        chain->count--;
    }
    chain->hops[chain->count++] = hop;
}

/* "1.2.3.4", "1.2.3.4:80", "[::1]:80", "::1", with or without quotes. */
static struct sioc_str bare_address(struct sioc_str s)
{
    s = str_trim(s);
    if (s.len >= 2 && s.ptr[0] == '"' && s.ptr[s.len - 1] == '"')
        s = str_part(s, 1, s.len - 2);
    if (s.len && s.ptr[0] == '[')
        return str_part(str_from(s, 1), 0, str_find(str_from(s, 1), ']'));
    size_t colon = str_find(s, ':');
    bool one_colon =
        colon < s.len && str_find(str_from(s, colon + 1), ':') == s.len - colon - 1;
    return one_colon ? str_part(s, 0, colon) : s;
}

static struct hop forwarded_hop(struct sioc_str element)
{
    struct hop hop = {{NULL, 0}, {NULL, 0}};
    struct sioc_str pair;
    while (str_next(&element, ';', &pair)) {
        size_t equals = str_find(pair, '=');
        struct sioc_str name = str_trim(str_part(pair, 0, equals));
        struct sioc_str value = equals < pair.len ? str_from(pair, equals + 1) : STR("");
        if (str_eq_nocase(name, STR("for")))
            hop.address = bare_address(value);
        else if (str_eq_nocase(name, STR("proto")))
            hop.proto = bare_address(value);
    }
    return hop;
}

static bool read_chain(const struct http_head *head, struct sioc_str name, bool forwarded,
                       struct chain *chain)
{
    bool found = false;
    chain->count = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        struct sioc_str rest = head->headers[i].value, element;
        if (!str_eq_nocase(head->headers[i].name, name))
            continue;
        found = true;
        while (str_next(&rest, ',', &element))
            add(chain, forwarded ? forwarded_hop(element)
                                 : (struct hop){bare_address(element), {NULL, 0}});
    }
    return found;
}

/* The last word of X-Forwarded-Proto: the proxy next to us wrote it. */
static struct sioc_str forwarded_proto(const struct http_head *head)
{
    struct sioc_str rest = http_header_get(head, STR("X-Forwarded-Proto")), part,
                    last = {NULL, 0};
    while (rest.ptr && str_next(&rest, ',', &part))
        last = str_trim(part);
    return last;
}

static void set_address(struct http_client *client, struct sioc_str text)
{
    memcpy(client->address, text.ptr,
           text.len); /* a parsed address is shorter than the array */
    client->address[text.len] = '\0';
}

/* From the end of the chain: each hop was seen by a trusted one. */
static void follow(const struct http_proxies *proxies, const struct chain *chain,
                   struct http_client *client)
{
    for (size_t i = chain->count; i > 0; i--) {
        const struct hop *hop = &chain->hops[i - 1];
        uint8_t address[16];
        if (!cidr_parse_address(hop->address, address))
            return; /* "unknown", or nonsense: what we have is the best there is */
        set_address(client, hop->address);
        if (hop->proto.len)
            client->secure = str_eq_nocase(hop->proto, STR("https"));
        if (!cidr_contains(proxies->ranges, proxies->count, address))
            return;
    }
}

void http_client_of(const struct http_proxies *proxies, const struct http_head *head,
                    const struct net_stream *stream, struct http_client *ret_client)
{
    uint8_t peer[16];
    uint16_t port;
    struct chain chain;
    net_stream_peer(stream, ret_client->address, &port);
    ret_client->secure = net_stream_secure(stream);
    if (!proxies || !cidr_parse_address(sioc_str(ret_client->address), peer) ||
        !cidr_contains(proxies->ranges, proxies->count, peer))
        return;
    if (read_chain(head, STR("Forwarded"), true, &chain)) {
        follow(proxies, &chain, ret_client);
        return;
    }
    struct sioc_str proto = forwarded_proto(head);
    if (proto.len)
        ret_client->secure = str_eq_nocase(proto, STR("https"));
    read_chain(head, STR("X-Forwarded-For"), false, &chain);
    follow(proxies, &chain, ret_client);
}
