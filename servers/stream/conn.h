/* One connection of a stream endpoint: a session, a transport, a socket, and the function that
   drives them. Only connections and endpoints know libev. */
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

/* What all connections of an endpoint have done so far. A message is counted in the turn of the
   loop in which it is sent, so a client that has read it and then asks finds it counted. */
struct conn_totals {
	uint64_t connections, messages, bytes_out, bytes_in, errors;
};

/* What an endpoint gives its connections; outlives them. Times are in seconds, INFINITY for
   none. */
struct conn_host {
	struct ev_loop *loop;
	struct journal *journal;
	const struct session_ops *session;
	struct session_host session_host;
	double handshake; /* from the accept until the carrier is ready */
	double idle;      /* until a command is complete; echo: between two chunks */
	double stall;     /* the peer may take no bytes for so long */
	double drain;     /* the same, after the last byte was sent */
	double rtt;       /* the emulated round trip; 0: none */
	double ping;      /* between two pings */
	struct conn *conns; /* the open ones, the youngest first */
	unsigned count;
	double opened[2]; /* when the last one came, over IPv4 and over IPv6 */
	unsigned crowd; /* the most at once since memory was last given back to the system */
	struct conn_totals totals;
	void (*on_end)(struct conn_host *host); /* called after each end */
};

/*
 * Takes over `fd` (connected, non-blocking) and `transport`, and drives them until the connection
 * ends. Then the connection frees itself and calls on_end, perhaps before this call returns. Events
 * show `id` and `peer`. False: out of memory; `fd` and `transport` are still the caller's.
 */
bool conn_start(struct conn_host *host, int fd, struct transport *transport, uint64_t id,
	const struct address *peer);

/* The lab ends: tells each session to finish what runs. Connections that are still in their
   handshake are reset. */
void conn_stop_all(struct conn_host *host);

/* Ends one connection with a FIN or with a reset. `why` is copied, and stands in its `close`. A FIN
   does nothing to a connection that is already ending. False: there is no connection with that
   `id`. Not to be called from on_end or from an observer. */
bool conn_cut(struct conn_host *host, uint64_t id, bool reset, const char *why);

/* Calls `each` for every connection, the youngest first. `opened` is in seconds, on clock_now.
   `each` must not cut a connection. */
void conn_each(const struct conn_host *host,
	void (*each)(void *context, uint64_t id, const char *peer, double opened), void *context);

/* Resets every connection that is left. */
void conn_abort_all(struct conn_host *host);

#endif
