/*
 * The HTTP/1.1 upgrade to WebSocket (RFC 6455 4), both sides, without I/O: bytes go in, a verdict
 * and the bytes to send come out. llhttp parses; what it lets pass and the RFCs do not is refused
 * here.
 */
#ifndef COMMON_CARRIER_WS_UPGRADE_H
#define COMMON_CARRIER_WS_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

enum { WS_HEAD_MAX = 8192 }; /* bytes of a head, with its blank line */

enum ws_verdict {
	WS_UPGRADE_MORE,     /* the head is not complete */
	WS_UPGRADE_ACCEPTED, /* frames follow */
	/* `err` says why; a server's output is the answer, after which it closes */
	WS_UPGRADE_REFUSED,
};

struct ws_upgrade;

/* The server's side. `secure`: TLS is below, so that advice names wss://. NULL: out of memory. */
struct ws_upgrade *ws_upgrade_create_server(bool secure);

/* The client's side; its output is the request, to be sent first. NULL: out of memory. A `host` or
   `path` that cannot stand in a request is refused before anything was fed. */
struct ws_upgrade *ws_upgrade_create_client(const char *host, const char *path);

/*
 * Takes what the peer has sent, in any portions. Without a verdict it takes everything; `*used`
 * bytes belonged to the head, what stands behind them are frames. Fed no more after a verdict.
 */
enum ws_verdict ws_upgrade_feed(struct ws_upgrade *upgrade, const void *data, size_t len,
	size_t *used);

enum ws_verdict ws_upgrade_verdict(const struct ws_upgrade *upgrade);

/* The request, or the answer once there is a verdict. Lives as long as the upgrade; may be
   empty. */
const char *ws_upgrade_output(const struct ws_upgrade *upgrade, size_t *len);

/* One line, once refused. */
const struct err *ws_upgrade_err(const struct ws_upgrade *upgrade);

/* Accepts NULL. */
void ws_upgrade_destroy(struct ws_upgrade *upgrade);

#endif
