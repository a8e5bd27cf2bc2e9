/* engineio/upgrade.h -- from polling to WebSocket (protocol.md 1.12): probe, answer, switch.
 *
 * The probing connection belongs to the upgrade until the client says "5"; until then packets
 * keep using polling.  Whatever goes wrong costs the probing connection only.
 */
#ifndef ENGINEIO_UPGRADE_H
#define ENGINEIO_UPGRADE_H

#include "engineio/session.h"

/* A WebSocket request with the id of a session: starts a probe, or refuses it.
 *   base64  it asks for no binary frames (v3) */
void eio_upgrade_request(struct eio_session *session, struct http_request *request,
                         bool base64);
/* Ends a probe that runs, if any. */
void eio_upgrade_cancel(struct eio_session *session);

#endif
