/*
 * The HTTP/1.1 upgrade to WebSocket (RFC 6455 4), both sides, without I/O. The peer's bytes go in;
 * a verdict and the bytes to send come out. llhttp parses. This code refuses what llhttp accepts
 * and the RFCs do not.
 */
#ifndef COMMON_CARRIER_WS_UPGRADE_H
#define COMMON_CARRIER_WS_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* Bytes of a head, with its blank line; a browser sends all cookies of localhost. */
enum { WS_HEAD_MAX = 16384 };

enum ws_verdict {
	WS_UPGRADE_MORE,     /* no verdict yet: the head is not complete */
	WS_UPGRADE_ACCEPTED, /* frames follow */
	/* ws_upgrade_err says why; a server sends the output, its answer, and closes */
	WS_UPGRADE_REFUSED,
};

struct ws_upgrade;

/* Makes the server's side. `secure`: TLS is below, so the advice in an answer names wss://. NULL:
   out of memory. */
struct ws_upgrade *ws_upgrade_create_server(bool secure);

/* Makes the client's side. Its output is the request, which the client sends first. `host` and
   `path` are copied. If they cannot stand in a request (STATUS_USAGE), or there are no random bytes
   or no SHA-1, the verdict is WS_UPGRADE_REFUSED at once. NULL: out of memory. */
struct ws_upgrade *ws_upgrade_create_client(const char *host, const char *path);

/*
 * Feeds the peer's bytes, in portions of any size. `*used` is how many of them belong to the head.
 * Without a verdict these are all; after WS_UPGRADE_ACCEPTED the bytes behind them are frames. Do
 * not feed more after a verdict.
 */
enum ws_verdict ws_upgrade_feed(struct ws_upgrade *upgrade, const void *data, size_t len,
	size_t *used);

/* The verdict so far. */
enum ws_verdict ws_upgrade_verdict(const struct ws_upgrade *upgrade);

/* The bytes to send: the client's request; the server's answer, once there is a verdict. Lives as
   long as the upgrade. It may be empty. */
const char *ws_upgrade_output(const struct ws_upgrade *upgrade, size_t *len);

/* What a request asked for: its target, escaped (wire_escape). Valid once accepted, as long as the
   upgrade. */
const char *ws_upgrade_path(const struct ws_upgrade *upgrade);

/* What was unusual in a request and was accepted all the same: a few words, "" for nothing. Valid
   once accepted, as long as the upgrade. */
const char *ws_upgrade_note(const struct ws_upgrade *upgrade);

/* One line, once refused. */
const struct err *ws_upgrade_err(const struct ws_upgrade *upgrade);

/* Accepts NULL. */
void ws_upgrade_destroy(struct ws_upgrade *upgrade);

#endif
