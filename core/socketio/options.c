/* socketio/options.c -- one table says it all: names, types, ranges, defaults, places.
 * Invariant: a value that is out of range never gets in, so nothing else checks them again. */
#include "socketio/options.h"
#include "base/mem.h"
#include "base/str.h"
#include "socketio/parser.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MEMBER(m) offsetof(struct sioc_options, m)
#define DAY       86400.0
#define GIB       1073741824.0

struct entry {
    struct sioc_option_info info;
    size_t offset;
};

#define BOOL(name, m, def, help)                                    \
    {                                                               \
        {name, SIOC_OPTION_BOOL, 0, 1, def, help, false}, MEMBER(m) \
    }
#define SECONDS(name, m, min, max, def, help)                              \
    {                                                                      \
        {name, SIOC_OPTION_SECONDS, min, max, def, help, false}, MEMBER(m) \
    }
#define COUNT(name, m, min, max, def, help)                              \
    {                                                                    \
        {name, SIOC_OPTION_COUNT, min, max, def, help, false}, MEMBER(m) \
    }
#define TEXT(name, m, def, help)                                    \
    {                                                               \
        {name, SIOC_OPTION_TEXT, 0, 0, def, help, false}, MEMBER(m) \
    }
#define FILES(name, m, help)                                      \
    {                                                             \
        {name, SIOC_OPTION_LIST, 0, 0, "", help, true}, MEMBER(m) \
    }
#define FILE_NAME(name, m, help)                                  \
    {                                                             \
        {name, SIOC_OPTION_TEXT, 0, 0, "", help, true}, MEMBER(m) \
    }
#define LIST(name, m, def, help)                                    \
    {                                                               \
        {name, SIOC_OPTION_LIST, 0, 0, def, help, false}, MEMBER(m) \
    }

static const struct entry entries[] = {
    TEXT("path", path, "/socket.io/", "where clients connect"),
    LIST("transports", transports, "polling,websocket", "what clients may use"),
    BOOL("allow_upgrades", allow_upgrades, "true", "from polling to WebSocket"),
    BOOL("allow_eio3", allow_eio3, "false", "clients of Socket.IO 1.x and 2.x"),
    TEXT("initial_packet", initial_packet, "",
         "a message that each session is sent behind its open packet"),
    BOOL("add_trailing_slash", add_trailing_slash, "true",
         "false: the path without its last slash is served, too"),
    BOOL("http_compression", http_compression, "true", "of what polling clients fetch"),
    COUNT("http_compression.threshold", http_compression_threshold, 1, GIB, "1024",
          "bytes from which it is worth it"),
    BOOL("per_message_deflate", per_message_deflate, "false",
         "compress messages on WebSockets (RFC 7692)"),
    COUNT("per_message_deflate.threshold", deflate_threshold, 1, GIB, "1024",
          "bytes from which it is worth it"),
    BOOL("per_message_deflate.server_no_context_takeover", server_no_context_takeover, "true",
         "false: each connection may have a window of its own, and broadcasts are compressed "
         "for each"),
    BOOL("per_message_deflate.client_no_context_takeover", client_no_context_takeover, "true",
         "false: each connection may have a window of its own for what it sends"),
    COUNT("per_message_deflate.server_max_window_bits", server_max_window_bits, 8, 15, "15",
          "base-2 logarithm of the window"),
    COUNT("per_message_deflate.client_max_window_bits", client_max_window_bits, 8, 15, "15",
          "the same for what clients send"),
    COUNT("per_message_deflate.level", deflate_level, 1, 9, "6", "1 is fastest, 9 smallest"),
    COUNT("per_message_deflate.memory_level", deflate_memory_level, 1, 9, "8",
          "of one compressor: 2^(level + 9) bytes beside its window"),
    COUNT("per_message_deflate.max_ratio", deflate_max_ratio, 1, 1100, "200",
          "bytes that one received byte may become, above 64 KiB"),
    COUNT("per_message_deflate.max_windows", deflate_max_windows, 1, 1000000, "1000",
          "windows that connections have for themselves; beyond, context takeover is declined"),
    BOOL("cookie", cookie, "false", "name the session in a cookie, for proxies"),
    TEXT("cookie.name", cookie_name, "io", "its name"),
    TEXT("cookie.path", cookie_path, "/", "the paths it is for; empty: left out"),
    TEXT("cookie.domain", cookie_domain, "", "the domain it is for"),
    TEXT("cookie.same_site", cookie_same_site, "Lax", "strict, lax or none; empty: left out"),
    BOOL("cookie.http_only", cookie_http_only, "true", "hide it from scripts of pages"),
    BOOL("cookie.secure", cookie_secure, "false", "for https only"),
    COUNT("cookie.max_age", cookie_max_age, 0, 31536000, "", "seconds it is kept"),
    BOOL("serve_client", serve_client, "true", "serve socket.io.js and its variants"),
    SECONDS("ping_interval", ping_interval, 0.05, DAY, "25", "between two heartbeats"),
    SECONDS("ping_timeout", ping_timeout, 0.05, DAY, "20",
            "a client that stays silent longer is gone"),
    SECONDS("upgrade_timeout", upgrade_timeout, 0.05, DAY, "10",
            "for the upgrade to WebSocket"),
    SECONDS("connect_timeout", connect_timeout, 0.05, DAY, "45", "to join a first namespace"),
    SECONDS("first_request_timeout", first_request_timeout, 0.05, DAY, "10",
            "for a polling client to come again after the handshake"),
    SECONDS("header_timeout", header_timeout, 0.05, DAY, "10", "for the head of a request"),
    SECONDS("body_timeout", body_timeout, 0.05, DAY, "20", "for the body of a request"),
    COUNT("min_body_rate", min_body_rate, 1, GIB, "512",
          "bytes per second that a body must have after its first 2 s"),
    SECONDS("message_timeout", message_timeout, 0.05, DAY, "30",
            "for a WebSocket message that has begun"),
    SECONDS("keepalive_timeout", keepalive_timeout, 0.05, DAY, "15", "between two requests"),
    SECONDS("close_timeout", close_timeout, 0, DAY, "5", "for output to leave at shutdown"),
    SECONDS("handler_timeout", handler_timeout, 0.01, DAY, "5", "CPU time of one handler"),
    COUNT("max_payload", max_payload, 1, GIB, "1000000",
          "bytes of one message or request body"),
    COUNT("max_attachments", max_attachments, 1, 1000, "10",
          "binary attachments of one packet"),
    COUNT("max_attachment_bytes", max_attachment_bytes, 1, GIB, "4000000",
          "all attachments of one packet, but at least max_payload"),
    SECONDS("attachment_timeout", attachment_timeout, 0.05, DAY, "30",
            "for all attachments of a packet to come"),
    COUNT("max_depth", max_depth, 1, 1000, "64", "arrays and objects inside one another"),
    COUNT("max_values", max_values, 1, GIB, "100000", "values of one event, at all depths"),
    COUNT("max_event_name", max_event_name, 1, 65536, "256", "bytes of an event's name"),
    COUNT("max_namespace_name", max_namespace_name, 1, 128, "128",
          "bytes of a namespace's name, as clients say it"),
    COUNT("max_waiting_events", max_waiting_events, 1, 1000000, "64",
          "events of a socket that wait for a handler or its middleware"),
    COUNT("max_waiting_bytes", max_waiting_bytes, 1, GIB, "262144", "bytes of these"),
    SECONDS("hold_timeout", hold_timeout, 0.05, DAY, "10",
            "for events to wait until a connection handler is done"),
    COUNT("max_queue", max_queue, 1024, GIB, "1048576",
          "bytes that may wait for a slow reader"),
    COUNT("max_packets", max_packets, 1, 1000000, "4096", "packets of one polling payload"),
    COUNT("max_packets_per_turn", max_packets_per_turn, 1, 1000000, "256",
          "packets of one client before others have their turn"),
    COUNT("max_message_rate", max_message_rate, 1, GIB, "",
          "messages per second of one client; it is read from more slowly then"),
    COUNT("message_burst", message_burst, 1, GIB, "1000",
          "messages that may come at once, with max_message_rate"),
    COUNT("max_byte_rate", max_byte_rate, 1, GIB, "",
          "bytes per second of the messages of one client"),
    SECONDS("rate_timeout", rate_timeout, 0.05, DAY, "10",
            "a client that is above these rates for so long is closed"),
    COUNT("max_unasked_pongs", max_unasked_pongs, 1, 250, "10",
          "heartbeat answers in a row that nobody asked for, within ping_interval"),
    COUNT("max_empty_fragments", max_empty_fragments, 1, 65535, "32",
          "fragments of a WebSocket message that may be empty"),
    COUNT("max_pings", max_pings, 1, 1000000, "50",
          "WebSocket pings of one connection within 10 s"),
    COUNT("max_memory", max_memory, 1048576, 1125899906842624.0, "",
          "bytes of the process: above 80 % nobody new is let in, above 95 % slow readers are "
          "closed; else what the machine has"),
    COUNT("max_log_rate", max_log_rate, 1, 1000000, "100",
          "log lines of the same kind within a second"),
    COUNT("max_conns", max_conns, 1, GIB, "",
          "connections of all clients; else what file descriptors allow"),
    COUNT("max_conns_per_ip", max_conns_per_ip, 1, GIB, "", "connections of one address"),
    COUNT("max_handshakes_per_ip", max_handshakes_per_ip, 1, GIB, "",
          "new sessions of one address within 10 s"),
    COUNT("max_unknown_sids_per_ip", max_unknown_sids_per_ip, 1, GIB, "",
          "session ids that one address may guess within 60 s"),
    COUNT("max_keepalive_requests", max_keepalive_requests, 1, GIB, "1000",
          "requests on one connection"),
    COUNT("max_header_bytes", max_header_bytes, 512, 1048576, "16384",
          "request line and headers"),
    COUNT("max_headers", max_headers, 8, HTTP_MAX_HEADERS, "64", "headers of one request"),
    COUNT("max_url_bytes", max_url_bytes, 256, 65536, "4096", "length of a request target"),
    COUNT("max_rooms", max_rooms, 1, 1000000, "1000", "rooms of one socket"),
    COUNT("max_rooms_total", max_rooms_total, 1, GIB, "1000000", "rooms of all sockets"),
    COUNT("max_namespaces", max_namespaces, 1, 10000, "16", "namespaces of one client"),
    COUNT("max_dynamic_namespaces", max_dynamic_namespaces, 1, 1000000, "1000",
          "namespaces that clients have brought about"),
    BOOL("cleanup_empty_child_namespaces", cleanup_empty_child_namespaces, "true",
         "close a dynamic namespace with its last socket"),
    COUNT("max_pending_acks", max_pending_acks, 1, 60000, "1000", "answers one socket may owe"),
    LIST("trusted_proxies", trusted_proxies, "",
         "addresses and ranges whose word on the client counts"),
    BOOL("proxy_protocol", proxy_protocol, "false", "connections begin with a PROXY head"),
    FILES("tls.cert", tls_cert, "PEM certificate chains; the first one is the default"),
    FILES("tls.key", tls_key, "their PEM keys, in the same order"),
    FILE_NAME("tls.client_ca", tls_client_ca, "demand client certificates signed by these"),
    SECONDS("tls.handshake_timeout", tls_handshake_timeout, 0.05, DAY, "5",
            "for the handshake of TLS"),
    COUNT("tls.max_key_updates", tls_max_key_updates, 1, GIB, "64",
          "new keys of a connection within a minute (TLS 1.3)"),
    TEXT("parser", parser, "json",
         "how packets are written, as the clients do: json, msgpack, or a library's path"),
    BOOL("connection_state_recovery", recovery, "false",
         "clients that come back soon find their rooms, data and missed events"),
    SECONDS("connection_state_recovery.max_disconnection_duration", recovery_duration, 0.05,
            DAY, "120", "how long they may be away"),
    BOOL("connection_state_recovery.skip_middlewares", recovery_skip_middlewares, "false",
         "let them in without asking again"),
    COUNT("connection_state_recovery.max_packets", recovery_max_packets, 1, 100000000, "100000",
          "events that a namespace keeps for them"),
    COUNT("connection_state_recovery.max_bytes", recovery_max_bytes, 1024, GIB, "33554432",
          "bytes of these events, and of the clients' rooms and data"),
    COUNT("connection_state_recovery.max_sessions", recovery_max_sessions, 1, 10000000, "10000",
          "clients of a namespace that may be away"),
    BOOL("serial", serial, "false", "one handler at a time per socket"),
    COUNT("max_shared_bytes", max_shared_bytes, 1024, GIB, "67108864",
          "bytes that shared values of scripts may take"),
    BOOL("rollback", rollback, "true",
         "after a reload that makes handlers fail, load the script before back; with --watch: "
         "false"),
    SECONDS("rollback.window", rollback_window, 0.05, DAY, "30", "how long that may happen"),
    COUNT("rollback.threshold", rollback_threshold, 1, 100, "20",
          "how many more of a hundred handlers throw than before"),
    COUNT("rollback.min_handlers", rollback_min_handlers, 1, 1000000, "20",
          "how many must have been called"),
    BOOL("drop_missing_namespaces", drop_missing_namespaces, "false",
         "disconnect from namespaces that a reloaded script does not have any more"),
    LIST("cors.origin", cors_origin, "",
         "pages that may connect: scheme://host[:port], https://*.host, *, or true"),
    LIST("cors.methods", cors_methods, "", "for preflights"),
    LIST("cors.allowed_headers", cors_allowed_headers, "", "for preflights"),
    LIST("cors.exposed_headers", cors_exposed_headers, "", "headers that pages may read"),
    BOOL("cors.credentials", cors_credentials, "false", "pages may send cookies"),
    COUNT("cors.max_age", cors_max_age, 0, 31536000, "", "seconds a preflight may be kept"),
};
#define ENTRY_COUNT (sizeof entries / sizeof entries[0])

/* ---- lists ---- */

static void list_clear(struct sio_text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->items[i]);
    list->count = 0;
}

static int list_add(struct sio_text_list *list, struct sioc_str text)
{
    char *copy = mem_dup(text.ptr, text.len);
    if (!copy ||
        mem_grow((void **)&list->items, &list->cap, list->count + 1, sizeof(char *)) < 0) {
        mem_free(copy);
        return SIOC_ENOMEM;
    }
    list->items[list->count++] = copy;
    return 0;
}

bool sio_text_list_has(const struct sio_text_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

/* ---- life ---- */

static void *place(struct sioc_options *o, const struct entry *e)
{
    return (char *)o + e->offset;
}

static int set_default(struct sioc_options *o, const struct entry *e)
{
    char error[160];
    int result = 0;
    if (e->info.default_text[0])
        result = sioc_options_parse(o, e->info.name, e->info.default_text, error, sizeof error);
    if (e->info.type == SIOC_OPTION_LIST)
        ((struct sio_text_list *)place(o, e))->set = false;
    return result;
}

struct sioc_options *sioc_options_new(void)
{
    struct sioc_options *o = mem_zalloc(sizeof *o);
    if (!o)
        return NULL;
    o->cors_max_age = o->cookie_max_age = -1;
    o->max_conns = o->max_conns_per_ip = -1;
    o->max_memory = o->max_message_rate = o->max_byte_rate = -1;
    o->max_handshakes_per_ip = o->max_unknown_sids_per_ip = -1;
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (set_default(o, &entries[i]) < 0) {
            sioc_options_free(o);
            return NULL;
        }
    }
    return o;
}

void sioc_options_free(struct sioc_options *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        if (entries[i].info.type == SIOC_OPTION_LIST) {
            struct sio_text_list *list = place(o, &entries[i]);
            list_clear(list);
            mem_free(list->items);
        } else if (entries[i].info.type == SIOC_OPTION_TEXT) {
            mem_free(*(char **)place(o, &entries[i]));
        }
    }
    mem_free(o->parsers);
    mem_free(o);
}

const struct sioc_option_info *sioc_option_at(size_t index)
{
    return index < ENTRY_COUNT ? &entries[index].info : NULL;
}

/* ---- finding, and what to say when there is nothing to find ---- */

static const char *nearest(const char *name)
{
    const char *best = NULL;
    size_t best_distance = strlen(name) / 2 + 1;
    for (size_t i = 0; i < ENTRY_COUNT; i++) {
        size_t d = sioc_edit_distance(sioc_str(name), sioc_str(entries[i].info.name));
        if (d < best_distance) {
            best_distance = d;
            best = entries[i].info.name;
        }
    }
    return best;
}

static const struct entry *find(const char *name, char *ret_error, size_t cap)
{
    for (size_t i = 0; i < ENTRY_COUNT; i++)
        if (strcmp(entries[i].info.name, name) == 0)
            return &entries[i];
    const char *hint = nearest(name);
    if (hint)
        snprintf(ret_error, cap, "unknown option \"%.64s\"; did you mean \"%s\"?", name, hint);
    else
        snprintf(ret_error, cap, "unknown option \"%.64s\"", name);
    return NULL;
}

static int wrong_type(const struct entry *e, char *ret_error, size_t cap)
{
    const char *name = e->info.name;
    switch (e->info.type) {
    case SIOC_OPTION_BOOL:
        snprintf(ret_error, cap, "option \"%s\" must be true or false", name);
        break;
    case SIOC_OPTION_SECONDS:
        snprintf(ret_error, cap, "option \"%s\" must be a number of seconds from %g to %g",
                 name, e->info.min, e->info.max);
        break;
    case SIOC_OPTION_COUNT:
        snprintf(ret_error, cap, "option \"%s\" must be a whole number from %.0f to %.0f", name,
                 e->info.min, e->info.max);
        break;
    case SIOC_OPTION_TEXT:
        snprintf(ret_error, cap, "option \"%s\" must be a text", name);
        break;
    case SIOC_OPTION_LIST:
        snprintf(ret_error, cap, "option \"%s\" must be a text or a list of texts", name);
        break;
    }
    return SIOC_EINVAL;
}

/* ---- setting ---- */

/* cors.origin as a truth value: every origin, or none as if it was not given. */
static int set_any_origin(struct sio_text_list *list, bool all)
{
    list_clear(list);
    list->set = all;
    return all ? list_add(list, STR("true")) : 0;
}

int sioc_options_set_bool(struct sioc_options *o, const char *name, bool value, char *ret_error,
                          size_t cap)
{
    const struct entry *e = find(name, ret_error, cap);
    if (!e)
        return SIOC_ENOTFOUND;
    if (e->offset == MEMBER(cors_origin))
        return set_any_origin(&o->cors_origin, value);
    if (e->info.type != SIOC_OPTION_BOOL)
        return wrong_type(e, ret_error, cap);
    *(bool *)place(o, e) = value;
    return 0;
}

int sioc_options_set_number(struct sioc_options *o, const char *name, double value,
                            char *ret_error, size_t cap)
{
    const struct entry *e = find(name, ret_error, cap);
    if (!e)
        return SIOC_ENOTFOUND;
    bool is_count = e->info.type == SIOC_OPTION_COUNT;
    if (!is_count && e->info.type != SIOC_OPTION_SECONDS)
        return wrong_type(e, ret_error, cap);
    if (!(value >= e->info.min && value <= e->info.max) || (is_count && value != floor(value)))
        return wrong_type(e, ret_error, cap);
    *(double *)place(o, e) = value;
    return 0;
}

/* "/socket.io", "socket.io/" and "/socket.io/" mean the same. */
static char *normal_path(const char *path)
{
    struct sioc_str s = sioc_str(path);
    while (s.len && s.ptr[0] == '/')
        s = str_from(s, 1);
    while (s.len && s.ptr[s.len - 1] == '/')
        s.len--;
    size_t size = s.len + 3;
    char *copy = mem_alloc(size);
    if (copy)
        snprintf(copy, size, "/%.*s%s", (int)s.len, s.ptr, s.len ? "/" : "");
    return copy;
}

/* copy: taken; NULL = out of memory. */
static int replace_text(char **place_of_text, char *copy)
{
    if (!copy)
        return SIOC_ENOMEM;
    mem_free(*place_of_text);
    *place_of_text = copy;
    return 0;
}

static int set_path(char **place_of_text, const char *value, char *ret_error, size_t cap)
{
    for (const char *c = value; *c; c++) {
        if (*c <= ' ' || *c > '~' || *c == '?' || *c == '#' || *c == '%') {
            snprintf(ret_error, cap,
                     "option \"path\" must be a plain URL path such as \"/socket.io/\"");
            return SIOC_EINVAL;
        }
    }
    return replace_text(place_of_text, normal_path(value));
}

static int set_list(struct sio_text_list *list, const struct entry *e, const char *value,
                    char *ret_error, size_t cap)
{
    bool is_transports = e->offset == MEMBER(transports);
    if (is_transports && strcmp(value, "polling") != 0 && strcmp(value, "websocket") != 0) {
        snprintf(ret_error, cap,
                 "option \"transports\" knows \"polling\" and \"websocket\", not \"%.32s\"",
                 value);
        return SIOC_EINVAL;
    }
    if (!list->set)
        list_clear(list);
    list->set = true;
    return list_add(list, sioc_str(value));
}

int sioc_options_set_text(struct sioc_options *o, const char *name, const char *value,
                          char *ret_error, size_t cap)
{
    const struct entry *e = find(name, ret_error, cap);
    if (!e)
        return SIOC_ENOTFOUND;
    bool is_text = e->info.type == SIOC_OPTION_TEXT;
    if (!is_text && e->info.type != SIOC_OPTION_LIST)
        return wrong_type(e, ret_error, cap);
    int error = sio_option_check(name, value, ret_error, cap);
    if (error < 0)
        return error;
    if (e->offset == MEMBER(path))
        return set_path(place(o, e), value, ret_error, cap);
    if (e->offset == MEMBER(parser))
        error = sio_parser_choose(o, value, &value, ret_error, cap);
    if (error < 0)
        return error;
    if (is_text)
        return replace_text(place(o, e), mem_dup(value, strlen(value)));
    return set_list(place(o, e), e, value, ret_error, cap);
}

static int parse_list(struct sioc_options *o, const struct entry *e, const char *value,
                      char *ret_error, size_t cap)
{
    struct sioc_str rest = sioc_str(value), part;
    int result = 0;
    while (result == 0 && str_next(&rest, ',', &part)) {
        part = str_trim(part);
        char *text = mem_dup(part.ptr, part.len);
        result = text ? set_list(place(o, e), e, text, ret_error, cap) : SIOC_ENOMEM;
        mem_free(text);
    }
    return result;
}

int sioc_options_parse(struct sioc_options *o, const char *name, const char *value,
                       char *ret_error, size_t cap)
{
    const struct entry *e = find(name, ret_error, cap);
    if (!e)
        return SIOC_ENOTFOUND;
    char *end = NULL;
    switch (e->info.type) {
    case SIOC_OPTION_BOOL:
        if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
            return sioc_options_set_bool(o, name, value[0] == 't', ret_error, cap);
        break;
    case SIOC_OPTION_SECONDS:
    case SIOC_OPTION_COUNT: {
        double number = strtod(value, &end);
        if (end != value && *end == '\0')
            return sioc_options_set_number(o, name, number, ret_error, cap);
        break;
    }
    case SIOC_OPTION_TEXT:
        return sioc_options_set_text(o, name, value, ret_error, cap);
    case SIOC_OPTION_LIST:
        if (e->offset == MEMBER(cors_origin) && strcmp(value, "false") == 0)
            return sioc_options_set_bool(o, name, false, ret_error, cap);
        return parse_list(o, e, value, ret_error, cap);
    }
    return wrong_type(e, ret_error, cap);
}

int sioc_options_get(const struct sioc_options *o, const char *name, double *ret_value)
{
    char error[160];
    const struct entry *e = find(name, error, sizeof error);
    if (!e)
        return SIOC_ENOTFOUND;
    const char *at = (const char *)o + e->offset;
    if (e->info.type == SIOC_OPTION_BOOL)
        *ret_value = *(const bool *)(const void *)at;
    else if (e->info.type == SIOC_OPTION_SECONDS || e->info.type == SIOC_OPTION_COUNT)
        *ret_value = *(const double *)(const void *)at;
    else
        return SIOC_EINVAL;
    return 0;
}
