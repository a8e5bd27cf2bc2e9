/* socketio/options_parts.c -- options in the form that the floors below want, and what texts
 * may be: the words that go into headers are checked here, before any of them can get there. */
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "http/chars.h"
#include "socketio/options.h"
#include <stdio.h>
#include <sys/resource.h>

#define RESERVED_FILES 128

/* ---- texts ---- */

static bool is_token(struct sioc_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!http_is_token_char((uint8_t)s.ptr[i]))
            return false;
    return s.len > 0;
}

/* An origin, a pattern of one, "*", or "true" for all of them. */
static bool is_origin(struct sioc_str s)
{
    size_t stars = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || s.ptr[i] == ',')
            return false;
        stars += s.ptr[i] == '*';
    }
    return s.len > 0 && stars <= 1;
}

static bool is_same_site(struct sioc_str s)
{
    return s.len == 0 || str_eq_nocase(s, STR("Strict")) || str_eq_nocase(s, STR("Lax")) ||
           str_eq_nocase(s, STR("None"));
}

static bool is_message(struct sioc_str s)
{
    return utf8_valid(s);
}

static bool is_range(struct sioc_str s)
{
    struct cidr range;
    return cidr_parse(s, &range);
}

int sio_options_make_proxies(const struct sioc_options *o, struct http_proxies *proxies)
{
    const struct sio_text_list *list = &o->trusted_proxies;
    if (list->count == 0)
        return 0;
    proxies->ranges = mem_alloc(list->count * sizeof *proxies->ranges);
    if (!proxies->ranges)
        return SIOC_ENOMEM;
    for (size_t i = 0; i < list->count; i++) /* checked when they were set */
        cidr_parse(sioc_str(list->items[i]), &proxies->ranges[proxies->count++]);
    return 0;
}

int sio_option_check(const char *name, const char *value, char *ret_error, size_t cap)
{
    static const struct {
        const char *name;
        bool (*ok)(struct sioc_str value);
        const char *must;
    } rules[] = {
        {"initial_packet", is_message, "be valid UTF-8"},
        {"cookie.name", eio_cookie_name_ok, "be letters, digits and !#$%&'*+-.^_`|~"},
        {"cookie.path", eio_cookie_attribute_ok, "be printable ASCII without a semicolon"},
        {"cookie.domain", eio_cookie_attribute_ok, "be printable ASCII without a semicolon"},
        {"cookie.same_site", is_same_site, "be \"strict\", \"lax\" or \"none\""},
        {"trusted_proxies", is_range,
         "be addresses or ranges such as \"10.0.0.0/8\" or \"::1\""},
        {"cors.origin", is_origin, "be an origin, scheme://host[:port], with one * at most"},
        {"cors.methods", is_token, "be names of methods"},
        {"cors.allowed_headers", is_token, "be names of headers"},
        {"cors.exposed_headers", is_token, "be names of headers"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (strcmp(rules[i].name, name) == 0 && !rules[i].ok(sioc_str(value))) {
            snprintf(ret_error, cap, "option \"%s\" must %s", name, rules[i].must);
            return SIOC_EINVAL;
        }
    }
    return 0;
}

/* ---- for the floors below ---- */

static struct ws_deflate_options make_deflate(const struct sioc_options *o)
{
    return (struct ws_deflate_options){
        .threshold = (size_t)o->deflate_threshold,
        .server_no_context_takeover = o->server_no_context_takeover,
        .client_no_context_takeover = o->client_no_context_takeover,
        .server_max_window_bits = (uint8_t)o->server_max_window_bits,
        .client_max_window_bits = (uint8_t)o->client_max_window_bits,
        .level = (uint8_t)o->deflate_level,
        .memory_level = (uint8_t)o->deflate_memory_level,
        .max_ratio = (unsigned)o->deflate_max_ratio,
        .max_windows = (unsigned)o->deflate_max_windows,
    };
}

void sio_options_make_engine(const struct sioc_options *o, struct eio_options *engine)
{
    *engine = (struct eio_options){
        .polling = sio_text_list_has(&o->transports, "polling"),
        .websocket = sio_text_list_has(&o->transports, "websocket"),
        .allow_upgrades = o->allow_upgrades,
        .initial_packet = o->initial_packet,
        .allow_eio3 = o->allow_eio3,
        .ping_interval_ms = sio_ms(o->ping_interval),
        .ping_timeout_ms = sio_ms(o->ping_timeout),
        .upgrade_timeout_ms = sio_ms(o->upgrade_timeout),
        .max_payload_bytes = (size_t)o->max_payload,
        .max_queue_bytes = (size_t)o->max_queue,
        .max_packets = (size_t)o->max_packets,
        .max_packets_per_turn = (uint32_t)o->max_packets_per_turn,
        .rate = {.messages_per_s = o->max_message_rate > 0 ? o->max_message_rate : 0,
                 .burst = o->message_burst,
                 .bytes_per_s = o->max_byte_rate > 0 ? o->max_byte_rate : 0,
                 .patience_ms = sio_ms(o->rate_timeout)},
        .first_request_timeout_ms = sio_ms(o->first_request_timeout),
        .max_unasked_pongs = (uint32_t)o->max_unasked_pongs,
        .message_timeout_ms = sio_ms(o->message_timeout),
        .max_empty_fragments = (uint16_t)o->max_empty_fragments,
        .max_pings = (uint32_t)o->max_pings,
        .compress_bytes = o->http_compression ? (size_t)o->http_compression_threshold : 0,
        .per_message_deflate = o->per_message_deflate,
        .deflate = make_deflate(o),
        .cookie = {.name = o->cookie ? o->cookie_name : NULL,
                   .path = o->cookie_path,
                   .domain = o->cookie_domain,
                   .same_site = o->cookie_same_site,
                   .http_only = o->cookie_http_only,
                   .secure = o->cookie_secure,
                   .max_age_s = (int64_t)o->cookie_max_age},
    };
}

/* A tenth is left for files, and for connections that are only told to go away; but no more
 * than can be of use: 20,480 descriptors shall carry 20,000 clients. */
static size_t conns_by_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    size_t all = (size_t)files.rlim_cur;
    size_t left = all / 10 < RESERVED_FILES ? all / 10 : RESERVED_FILES;
    return all > left ? all - left : 1;
}

static size_t given(double value)
{
    return value > 0 ? (size_t)value : 0;
}

void sio_options_make_gate(const struct sioc_options *o, struct http_gate_limits *limits)
{
    *limits = (struct http_gate_limits){
        .conns = o->max_conns > 0 ? (size_t)o->max_conns : conns_by_descriptors(),
        .conns_per_ip = given(o->max_conns_per_ip),
        .handshakes_per_ip = given(o->max_handshakes_per_ip),
        .unknown_sids_per_ip = given(o->max_unknown_sids_per_ip),
    };
}

/* "a,b" of a list, NULL when it is empty; owned by the caller. */
static int join(const struct sio_text_list *list, char **ret_text)
{
    struct buf b;
    buf_init(&b);
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            buf_putc(&b, ',');
        buf_put_str(&b, sioc_str(list->items[i]));
    }
    int error = b.error;
    if (error == 0 && b.len)
        *ret_text = mem_dup(b.bytes, b.len);
    if (error == 0 && b.len && !*ret_text)
        error = SIOC_ENOMEM;
    buf_deinit(&b);
    return error;
}

static int copy_origins(const struct sio_text_list *from, struct http_cors *cors)
{
    cors->origins = mem_zalloc((from->count + 1) * sizeof(char *));
    if (!cors->origins)
        return SIOC_ENOMEM;
    for (size_t i = 0; i < from->count; i++) {
        if (strcmp(from->items[i], "true") == 0) {
            cors->reflect = true;
            continue;
        }
        char *copy = mem_dup(from->items[i], strlen(from->items[i]));
        if (!copy)
            return SIOC_ENOMEM;
        cors->origins[cors->origin_count++] = copy;
        cors->any_origin = cors->any_origin || strcmp(copy, "*") == 0;
    }
    return 0;
}

int sio_options_make_cors(const struct sioc_options *o, struct http_cors *cors)
{
    cors->enabled = o->cors_origin.count > 0;
    cors->credentials = o->cors_credentials;
    cors->max_age_s = (int64_t)o->cors_max_age;
    int error = copy_origins(&o->cors_origin, cors);
    if (error == 0)
        error = join(&o->cors_methods, &cors->methods);
    if (error == 0)
        error = join(&o->cors_allowed_headers, &cors->allowed_headers);
    if (error == 0)
        error = join(&o->cors_exposed_headers, &cors->exposed_headers);
    return error;
}
