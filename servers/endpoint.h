/*
 * The interface of every endpoint, whatever its protocol. The emulator uses endpoints only through
 * it.
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

/* Receives one open connection. `peer` is valid during the call. `opened` is in seconds, on
   clock_now. */
typedef void endpoint_each(void *context, uint64_t id, const char *peer, double opened);

/* What an endpoint is made from. The structure is copied; what it points at outlives the
   endpoint. */
struct endpoint_options {
	struct ev_loop *loop;
	struct journal *journal;
	const struct config *config;
	enum endpoint_id id;
	uint64_t seed;
	struct tls_context *tls; /* NULL: the carrier is not TLS */
	const char *text;        /* the flood or the play; NULL: the endpoint has neither */
	size_t text_len;
	/* the number of the lab's last connection; counts over all endpoints */
	uint64_t *next_conn;
	/* descriptor of the network namespace of its sockets; -1: the calling thread's */
	int netns;
	bool isolated;           /* no packet that it sends can leave this machine */
	void (*on_idle)(void *context); /* called when the endpoint is stopped and idle */
	void *context;
};

/* The functions of one kind of endpoint. A function may be NULL only where its comment says so. */
struct endpoint_ops {
	/* Makes an endpoint. NULL: out of memory. */
	struct endpoint *(*create)(const struct endpoint_options *options);

	/* Binds every address with `port`, and sets the endpoint's `port`; 0 takes one port that is
	   free on all of them. False: none is bound; STATUS_BIND where an address cannot be
	   bound. */
	bool (*listen)(struct endpoint *endpoint, const struct address *addresses, size_t count,
		uint16_t port, struct err *err);

	/* Starts to serve, and emits a `listen` for each address. */
	void (*start)(struct endpoint *endpoint);

	/* Takes no new work; running work may finish. on_idle is called when nothing is left, which
	   may be during this call. */
	void (*stop)(struct endpoint *endpoint);

	/* Whether the endpoint is stopped and nothing runs. */
	bool (*is_idle)(const struct endpoint *endpoint);

	/* Ends at once what is left. */
	void (*abort)(struct endpoint *endpoint);

	/* Writes its totals as one JSON object, for the event `stop`. */
	void (*totals)(const struct endpoint *endpoint, char *text, size_t size);

	/* Whether the endpoint can do what the configuration asks for now; each value has been
	   checked by itself. False with `err`. NULL: it always can. */
	bool (*check)(struct endpoint *endpoint, struct err *err);

	/* Called after the configuration has changed and `check` has succeeded. */
	void (*changed)(struct endpoint *endpoint);

	/* Stops or resumes taking new work, and sets `paused`. Called only when that changes. */
	void (*pause)(struct endpoint *endpoint, bool paused);

	/* Returns the number of open connections, and calls `each` (may be NULL) for each of them.
	   NULL: the endpoint never has connections. */
	unsigned (*connections)(const struct endpoint *endpoint, endpoint_each *each,
		void *context);

	/* Ends a connection with a FIN or with a reset. `why` is copied. False: the connection is
	   not this endpoint's. NULL: the endpoint has no connections. */
	bool (*cut)(struct endpoint *endpoint, uint64_t conn, bool reset, const char *why);

	/* Copies the impairment of one family and direction (emulator_impair). False: there is no
	   such family or direction. NULL: the endpoint has no datagrams. */
	bool (*impair)(struct endpoint *endpoint, int family, enum fate_direction direction,
		struct impair *impair, struct impair_spec *spec);

	/* Returns the families that it serves now, as in the event `family` (static). `left` gets
	   the seconds until they change, INFINITY for never. NULL: the endpoint does not choose
	   between families. */
	const char *(*family)(const struct endpoint *endpoint, double *left);

	/* Frees the endpoint. May be called at any stage. */
	void (*destroy)(struct endpoint *endpoint);
};

/* The first member of every endpoint's own structure. */
struct endpoint {
	const struct endpoint_ops *ops;
	enum endpoint_id id;
	uint16_t port; /* 0 until it listens */
	bool paused;
};

extern const struct endpoint_ops endpoint_stream_ops; /* servers/stream */
extern const struct endpoint_ops endpoint_udp_ops;    /* servers/datagram */
extern const struct endpoint_ops endpoint_tv_ops;

/* Completes the line of a failed net_listen with advice for the user: which process has the port,
   which option to give. `error` is net_listen's errno, `port` the requested port (0: a free
   one). */
void endpoint_advise(struct err *err, const struct endpoint_options *options, int error,
	uint16_t port);

#endif
