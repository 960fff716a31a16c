/* A stream endpoint: listeners on every address, and the connections that they accept. */
#ifndef SERVERS_STREAM_ENDPOINT_STREAM_H
#define SERVERS_STREAM_ENDPOINT_STREAM_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/net.h"
#include "servers/config.h"
#include "servers/events/journal.h"

struct tls_context;

/* What an endpoint is made from; everything here outlives it. */
struct endpoint_stream_options {
	struct ev_loop *loop;
	struct journal *journal;
	const struct config *config;
	enum endpoint_id id;
	struct tls_context *tls; /* NULL where the carrier is not TLS */
	const char *flood;       /* NULL where the endpoint has none */
	size_t flood_len;
	uint64_t *next_conn;     /* the number of the lab's next connection */
	void (*on_idle)(void *context); /* stopped, and the last connection has gone */
	void *context;
};

struct endpoint_stream;

/* NULL: no memory. */
struct endpoint_stream *endpoint_stream_create(const struct endpoint_stream_options *options);

/* Listens on each address with one port: the configured one, or a free one. STATUS_BIND on failure. */
bool endpoint_stream_listen(struct endpoint_stream *endpoint, const struct address *addresses, size_t count,
	bool ephemeral, struct err *err);

/* Takes connections from here on, and tells where (`listen` events). */
void endpoint_stream_start(struct endpoint_stream *endpoint);

uint16_t endpoint_stream_port(const struct endpoint_stream *endpoint);

/* No new connections; those that run may finish. on_idle is called when none is left, perhaps at once. */
void endpoint_stream_stop(struct endpoint_stream *endpoint);

/* Stopped, and without connections. */
bool endpoint_stream_is_idle(const struct endpoint_stream *endpoint);

/* Resets what is left. */
void endpoint_stream_abort(struct endpoint_stream *endpoint);

/* {"connections": ...} as JSON text into `text`. */
void endpoint_stream_totals(const struct endpoint_stream *endpoint, char *text, size_t size);

/* Accepts NULL and half-built ones. */
void endpoint_stream_destroy(struct endpoint_stream *endpoint);

#endif
