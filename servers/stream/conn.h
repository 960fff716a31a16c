/*
 * One connection of a stream endpoint: a session, a transport, a socket, and the one function that
 * drives them. Only this and the endpoint know libev.
 */
#ifndef SERVERS_STREAM_CONN_H
#define SERVERS_STREAM_CONN_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/carrier/transport.h"
#include "common/net.h"
#include "servers/events/journal.h"
#include "servers/stream/session.h"

struct conn;

/* What all connections of an endpoint have done so far: who has read a message finds it counted. */
struct conn_totals {
	uint64_t connections, messages, bytes_out, bytes_in, errors;
};

/* What an endpoint gives its connections; outlives them. Times in seconds, INFINITY for none. */
struct conn_host {
	struct ev_loop *loop;
	struct journal *journal;
	const struct session_ops *session;
	struct session_host session_host;
	double handshake; /* until the carrier is ready */
	double idle;      /* until a command has come in full */
	double stall;     /* that the peer takes nothing */
	double drain;     /* the same, when all has been said */
	double rtt;       /* the emulated round trip; 0: none */
	double ping;      /* between two signs of life */
	struct conn *conns; /* all that are open */
	unsigned count;
	unsigned crowd; /* the most at once since memory was last given back to the system */
	struct conn_totals totals;
	void (*on_end)(struct conn_host *host); /* one has gone */
};

/*
 * Takes over `fd` (connected, non-blocking) and `transport` and drives them until they end; then it
 * frees itself and calls on_end. `id` and `peer` are what events show. False: no memory, and both
 * are still the caller's.
 */
bool conn_start(struct conn_host *host, int fd, struct transport *transport, uint64_t id,
	const struct address *peer);

/* The lab ends: tells each session, which finishes what runs. */
void conn_stop_all(struct conn_host *host);

/* Ends one of them with a FIN, or with a reset; `why` is copied, and stands in its `close`. One
   that is ending already is left alone by a FIN. False: there is none of that number. Not out of
   on_end or an event. */
bool conn_cut(struct conn_host *host, uint64_t id, bool reset, const char *why);

/* Tells of each connection, the youngest first; `opened` is on clock_now. None may be cut
   meanwhile. */
void conn_each(const struct conn_host *host,
	void (*each)(void *context, uint64_t id, const char *peer, double opened), void *context);

/* Resets each connection that is left. */
void conn_abort_all(struct conn_host *host);

#endif
