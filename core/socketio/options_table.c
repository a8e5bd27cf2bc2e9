/* socketio/options_table.c -- every option: name, type, range, default, what for, and where its
 * value is kept.  See options.c for what is done with it. */
#include "socketio/options_table.h"

#define MEMBER(m) offsetof(struct sioc_options, m)
#define DAY       86400.0
#define GIB       1073741824.0

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

const struct sio_option sio_option_table[] = {
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

const size_t sio_option_count = sizeof sio_option_table / sizeof sio_option_table[0];
