/*
 * What every endpoint of the lab can do, whatever it speaks: the emulator knows no more of them.
 *
 *   create -> listen -> start -> (check, changed, pause, cut) -> stop, abort -> destroy
 */
#ifndef SERVERS_ENDPOINT_H
#define SERVERS_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/net.h"
#include "servers/config/config.h"
#include "servers/events/journal.h"
#include "servers/impair/fate.h"

struct ev_loop;
struct tls_context;
struct endpoint;
struct impair;
struct impair_spec;

/* One open connection: `peer` is valid during the call, `opened` is on clock_now. */
typedef void endpoint_each(void *context, uint64_t id, const char *peer, double opened);

/* What an endpoint is made from; everything here outlives it. */
struct endpoint_options {
	struct ev_loop *loop;
	struct journal *journal;
	const struct config *config;
	enum endpoint_id id;
	uint64_t seed;
	struct tls_context *tls; /* NULL where the carrier is not TLS */
	const char *text;        /* the flood, the play; NULL where the endpoint has none */
	size_t text_len;
	uint64_t *next_conn;     /* the number of the lab's next connection */
	/* descriptor of the network namespace of its sockets; -1: the thread's */
	int netns;
	bool isolated;           /* nothing that it sends can leave this machine */
	void (*on_idle)(void *context); /* stopped, and nothing runs any more */
	void *context;
};

struct endpoint_ops {
	/* NULL: no memory. */
	struct endpoint *(*create)(const struct endpoint_options *options);

	/* Binds each address with `port`, 0: a free one, and sets the endpoint's. All or nothing;
	   STATUS_BIND. */
	bool (*listen)(struct endpoint *endpoint, const struct address *addresses, size_t count,
		uint16_t port, struct err *err);

	/* Serves from here on, and tells where (`listen` events). */
	void (*start)(struct endpoint *endpoint);

	/* No new work; what runs may finish. on_idle is called when nothing is left, perhaps at
	   once. */
	void (*stop)(struct endpoint *endpoint);

	/* Stopped, and nothing runs. */
	bool (*is_idle)(const struct endpoint *endpoint);

	/* Cuts what is left. */
	void (*abort)(struct endpoint *endpoint);

	/* What it has done, as one JSON object, for the `stop` event. */
	void (*totals)(const struct endpoint *endpoint, char *text, size_t size);

	/* Whether it can do what the configuration asks for now, beyond what each key may be. NULL:
	   always. */
	bool (*check)(struct endpoint *endpoint, struct err *err);

	/* The configuration has changed, and check said yes. */
	void (*changed)(struct endpoint *endpoint);

	/* Takes no new work, or again. Only called where that is new; sets `paused`. */
	void (*pause)(struct endpoint *endpoint, bool paused);

	/* How many connections are open; each is told to `each`, unless it is NULL. NULL: it has
	   none, ever. */
	unsigned (*connections)(const struct endpoint *endpoint, endpoint_each *each,
		void *context);

	/* Ends a connection, with a FIN or with a reset; `why` is copied. False: it is none of its
	   own. NULL: it has none. */
	bool (*cut)(struct endpoint *endpoint, uint64_t conn, bool reset, const char *why);

	/* Copies what the network does to the datagrams of a family and direction. False: there are
	   none such. NULL: none at all. */
	bool (*impair)(struct endpoint *endpoint, int family, enum fate_direction direction,
		struct impair *impair, struct impair_spec *spec);

	/* The families that it serves now, as the event `family` names them; `left` gets the
	   seconds until these are others, INFINITY where that never is. NULL: it has none of its
	   own. */
	const char *(*family)(const struct endpoint *endpoint, double *left);

	/* At any stage. */
	void (*destroy)(struct endpoint *endpoint);
};

struct endpoint {
	const struct endpoint_ops *ops;
	enum endpoint_id id;
	uint16_t port; /* 0 until it listens */
	bool paused;
};

extern const struct endpoint_ops endpoint_stream_ops; /* servers/stream */
extern const struct endpoint_ops endpoint_udp_ops;    /* servers/datagram */
extern const struct endpoint_ops endpoint_tv_ops;

/* Puts behind a line of net_listen's what a user can do about it: who holds the port, which option
   to give. */
void endpoint_advise(struct err *err, const struct endpoint_options *options, int error,
	uint16_t port);

#endif
