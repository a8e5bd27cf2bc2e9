/* base/metric.h -- counters: one for each thing that is refused, dropped or passes through.
 * Plain integers of one loop; no locks.  The names are those of the metrics page.
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdint.h>

/* name, help.  A reject_* counter stands for one row of the threat table. */
#define METRICS(X)                                                                    \
    X(connections_opened, "TCP connections accepted")                                 \
    X(connections_closed, "TCP connections closed")                                   \
    X(peer_eof, "TCP connections ended by the peer")                                  \
    X(peer_reset, "TCP connections that broke")                                       \
    X(accept_paused, "pauses of accepting, for lack of descriptors or memory")        \
    X(reject_tls_timeout, "TLS handshake not complete in time")                       \
    X(reject_tls_abuse, "more than max_key_updates in a minute")                      \
    X(sessions_opened, "Engine.IO sessions opened")                                   \
    X(sessions_closed, "Engine.IO sessions closed")                                   \
    X(upgrades, "sessions upgraded from polling to WebSocket")                        \
    X(packets_in, "Engine.IO packets received")                                       \
    X(packets_out, "Engine.IO packets queued")                                        \
    X(events_in, "Socket.IO events received")                                         \
    X(events_unhandled, "events without a listener, not decoded")                     \
    X(events_refused, "events that a socket's middleware refused")                    \
    X(handler_errors, "handlers that threw")                                          \
    X(deferred, "peers with more packets at once than max_packets_per_turn")          \
    X(throttled, "peers that had to wait, above max_message_rate or max_byte_rate")   \
    X(reject_rate, "peers that were above it for rate_timeout")                       \
    X(deflated_frames, "messages compressed for WebSockets, once for all receivers")  \
    X(volatile_dropped, "volatile packets dropped because the peer was not writable") \
    X(reject_hdr_timeout, "request head not complete in time")                        \
    X(reject_hdr_size, "request head too big")                                        \
    X(reject_http_syntax, "malformed HTTP")                                           \
    X(reject_body_timeout, "request body not complete in time")                       \
    X(reject_body_slow, "request body slower than min_body_rate")                     \
    X(reject_idle, "keep-alive connection idle too long")                             \
    X(reject_too_big, "message or body above max_payload")                            \
    X(reject_memory, "connection or session while memory is short (max_memory)")      \
    X(memory_evicted, "clients closed because memory was short and much waited")      \
    X(log_dropped, "log lines not written, above max_log_rate")                       \
    X(reject_conn_limit, "connection above max_conns")                                \
    X(reject_conn_ip, "connection above max_conns_per_ip")                            \
    X(reject_keepalive, "connection closed after max_keepalive_requests")             \
    X(reject_hs_rate, "handshake above max_handshakes_per_ip")                        \
    X(reject_sid_flood, "unknown session id above max_unknown_sids_per_ip")           \
    X(reject_origin, "foreign origin")                                                \
    X(reject_hs_abandoned, "session without a request within first_request_timeout")  \
    X(reject_handshake, "Engine.IO request refused (codes 0 to 5)")                   \
    X(reject_sid_unknown, "session id that is not, or no longer, known")              \
    X(reject_sid_mismatch, "session id with another transport or version")            \
    X(reject_upgrade, "upgrade to WebSocket that was not completed")                  \
    X(reject_ws_handshake, "WebSocket upgrade refused")                               \
    X(reject_ws_proto, "WebSocket protocol violation (1002)")                         \
    X(reject_ws_frag, "message of empty fragments, or not complete in time (1008)")   \
    X(reject_ws_ping, "more than max_pings WebSocket pings (1008)")                   \
    X(reject_utf8, "invalid UTF-8, or what does not inflate (1007)")                  \
    X(reject_inflate, "compressed message that does not inflate, or to too much")     \
    X(reject_eio_packet, "undecodable Engine.IO packet")                              \
    X(reject_eio_packets, "payload of more than max_packets packets")                 \
    X(reject_encoding, "POST with a Content-Encoding")                                \
    X(reject_eio_overlap, "two GETs or two POSTs at once on a session")               \
    X(reject_sio_packet, "undecodable Socket.IO packet")                              \
    X(reject_sio_state, "packet that the namespace's state does not allow")           \
    X(reject_no_connect, "no namespace joined in time")                               \
    X(reject_queue_full, "slow reader: output queue above max_queue")                 \
    X(reject_unasked_pong, "more than max_unasked_pongs in a row")                    \
    X(reject_ping_timeout, "no pong in time")                                         \
    X(reject_nsp_limit, "CONNECT refused: too many, or no such namespace")            \
    X(reject_depth, "values deeper than max_depth")                                   \
    X(reject_values, "more than max_values values")                                   \
    X(reject_event_name, "reserved event name, or longer than max_event_name")        \
    X(reject_nsp_name, "bad namespace name, or longer than max_namespace_name")       \
    X(reject_attachments, "attachments that are too much, or too late")               \
    X(reject_rooms, "joins above a limit of rooms, or with a name too long")          \
    X(reject_acks, "emits that ask for more answers than max_pending_acks")           \
    X(holds_lifted, "sockets with too many events to wait, or for too long")          \
    X(reject_waiting_events, "too many events of a socket wait for its middleware")   \
    X(recoveries, "sockets that came back and found their session")                   \
    X(recovery_refused, "sockets that asked for a session in vain")                   \
    X(recov_evict, "packets and sessions given up for lack of room")                  \
    X(ack_unknown, "acks for an id nobody waits for")

struct metrics {
#define METRIC_FIELD_(name, help) uint64_t name;
    METRICS(METRIC_FIELD_)
#undef METRIC_FIELD_
};

#endif
