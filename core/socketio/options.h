/* socketio/options.h -- the values behind <sioc/options.h>. */
#ifndef SOCKETIO_OPTIONS_H
#define SOCKETIO_OPTIONS_H

#include "engineio/engine.h"
#include "http/cors.h"
#include "http/forwarded.h"
#include <sioc/options.h>
#include <sioc/parser.h>

struct sio_text_list {
    char **items;
    size_t count, cap;
    bool set; /* the first value given replaces the default */
};

struct sioc_options {
    char *path;              /* with slashes at both ends */
    char *parser;            /* its name */
    char *initial_packet;    /* NULL: none */
    bool add_trailing_slash; /* false: the path without its last slash is ours, too */
    struct sio_text_list transports;
    bool allow_upgrades, allow_eio3, serve_client, cors_credentials, serial;
    double ping_interval, ping_timeout, upgrade_timeout, connect_timeout;
    double header_timeout, body_timeout, keepalive_timeout, close_timeout, handler_timeout;
    double max_payload, max_attachments, max_attachment_bytes, attachment_timeout, max_depth,
        max_queue;
    double max_header_bytes, max_headers, max_url_bytes;
    double max_rooms, max_rooms_total, max_namespaces, max_dynamic_namespaces, max_pending_acks;
    bool cleanup_empty_child_namespaces;
    struct sio_text_list cors_origin, cors_methods, cors_allowed_headers, cors_exposed_headers;
    bool recovery, recovery_skip_middlewares;
    double recovery_duration, recovery_max_packets, recovery_max_bytes, recovery_max_sessions;
    double cors_max_age; /* seconds, -1 = not given */
    double max_conns, max_conns_per_ip, max_handshakes_per_ip, max_unknown_sids_per_ip;
    double max_keepalive_requests, max_packets, max_pings; /* those above: -1 = not given */
    bool http_compression, cookie, cookie_http_only, cookie_secure;
    double http_compression_threshold;
    bool per_message_deflate, server_no_context_takeover, client_no_context_takeover;
    double server_max_window_bits, client_max_window_bits;
    double deflate_threshold, deflate_level, deflate_memory_level;
    double deflate_max_ratio, deflate_max_windows;
    char *cookie_name, *cookie_path, *cookie_domain, *cookie_same_site; /* NULL: not given */
    double cookie_max_age;                /* seconds, -1 = not given */
    struct sio_text_list trusted_proxies; /* ranges of addresses */
    bool proxy_protocol;
    struct sio_text_list tls_cert, tls_key; /* files; pairs by position */
    char *tls_client_ca;                    /* a file, or NULL */
    bool drop_missing_namespaces;
    double tls_handshake_timeout, tls_max_key_updates;
    double max_memory, max_log_rate; /* max_memory: -1 = not given */
    double max_values, max_event_name, max_namespace_name;
    double max_waiting_events, max_waiting_bytes, hold_timeout;
    double message_timeout, max_empty_fragments;
    double min_body_rate, first_request_timeout, max_unasked_pongs;
    double max_packets_per_turn, max_message_rate, message_burst, max_byte_rate, rate_timeout;
    double max_shared_bytes; /* of the host of scripts, as handler_timeout is; these, too: */
    bool rollback;
    double rollback_window, rollback_threshold, rollback_min_handlers;
    const struct sioc_parser **parsers; /* that were added; the array is owned */
    size_t parser_count, parser_cap;
};

/* Seconds to whole milliseconds, at least 1. */
static inline uint64_t sio_ms(double seconds)
{
    return seconds * 1000 < 1 ? 1 : (uint64_t)(seconds * 1000 + 0.5);
}

/* Whether the list holds that text. */
bool sio_text_list_has(const struct sio_text_list *list, const char *text);
/* What `value` may not be for that text or list option: 0, or SIOC_EINVAL with a sentence. */
int sio_option_check(const char *name, const char *value, char *ret_error, size_t cap);

/* ---- in the form that the floors below want (options_parts.c) ---- */

/* The ranges; `proxies` is zeroed, and its array the caller's (mem_free). */
int sio_options_make_proxies(const struct sioc_options *options, struct http_proxies *proxies);
/* Borrows from the options. */
void sio_options_make_engine(const struct sioc_options *options, struct eio_options *engine);
void sio_options_make_gate(const struct sioc_options *options, struct http_gate_limits *limits);
/* Fills `cors` (initialised) from the options. */
int sio_options_make_cors(const struct sioc_options *options, struct http_cors *cors);

#endif
