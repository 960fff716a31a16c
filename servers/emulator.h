/*
 * The emulator's public face: endpoints from a configuration, told to observers, run by one loop.
 *
 *   create -> add (each endpoint) -> listen -> observe -> start -> run -> destroy
 */
#ifndef SERVERS_EMULATOR_H
#define SERVERS_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/net.h"
#include "servers/config/config.h"
#include "servers/events/journal.h"
#include "servers/impair/impair.h"

struct emulator;
struct ev_loop;

struct emulator_options {
	/* outlives the emulator, which alone changes it from emulator_listen on */
	struct config *config;
	uint64_t seed;
	/* where every endpoint listens, ports ignored; outlives the emulator */
	const struct address *addresses;
	size_t address_count;
	bool ephemeral; /* free ports instead of the configured ones */
	/* the network ends at this machine: what would leave it elsewhere needs no warning */
	bool isolated;
	/* the caller's, as are the signals then; NULL: one of its own, and SIGINT, SIGTERM and
	   SIGHUP stop the emulator */
	struct ev_loop *loop;
};

/* Where an endpoint listens that does not listen where the others do. */
struct emulator_place {
	const struct address *addresses; /* ports ignored; outlives the emulator */
	size_t address_count;
	uint16_t port;
	int netns; /* descriptor of their network namespace, which outlives the emulator */
};

struct emulator *emulator_create(const struct emulator_options *options, struct err *err);

/* The observer is the emulator's from here on. Before emulator_start, so that it sees the first
   event. */
void emulator_observe(struct emulator *emulator, struct observer *observer);

/* Adds an endpoint with what it needs: certificates, the flood. STATUS_USAGE when they are no good.
   Each once with `place` NULL, and then each once more in a place of its own; not the station,
   which is heard in its group. */
bool emulator_add(struct emulator *emulator, enum endpoint_id endpoint,
	const struct emulator_place *place, struct err *err);

/* Binds every address of every endpoint, one port for each endpoint. All or nothing;
   STATUS_BIND. */
bool emulator_listen(struct emulator *emulator, struct err *err);

/* Serves from here on: who has connected since emulator_listen waits in the kernel's queue. */
void emulator_start(struct emulator *emulator);

/* 0: that endpoint does not listen. Of two the one without a place of its own. */
uint16_t emulator_port(const struct emulator *emulator, enum endpoint_id endpoint);

/* The CA that signed the lab's certificate; "" when the certificate is the user's or none is
   needed. Where endpoints have a tls.dir of their own: the first one's. */
const char *emulator_ca_file(const struct emulator *emulator);

/* The certificate of that CA (PEM) where it is in no file, since no directory can be used: then the
   certificates are made for this run, and their keys are in memory alone. NULL: it is in a file, or
   none is needed. */
const char *emulator_ca_text(const struct emulator *emulator);

/* Where others find it then: what emulator_ca_file answers from here on. `path` outlives the
   emulator. */
void emulator_set_ca_file(struct emulator *emulator, const char *path);

/* The multicast group of the television station; "" when it does not run. */
const char *emulator_group(const struct emulator *emulator);

/* Lines that the user should know, such as why certificates are not kept: the `i`th, "" for none
   there, NULL behind the last. */
const char *emulator_note(const struct emulator *emulator, size_t i);

/* Serves until emulator_stop, or a signal. False: it failed while running. */
bool emulator_run(struct emulator *emulator, struct err *err);

/* Ends emulator_run: streams that run get shutdown.grace; called twice: now. From the loop's thread
   only. */
void emulator_stop(struct emulator *emulator);

/*
 * ---- while it runs ----
 *
 * From the loop's thread, between emulator_start and the end of emulator_run, and never out of an
 * observer (they must not emit). `who` is what people are told, in the journal and as the origin of
 * a value: plain text such as "page" or "scenario"; it is copied.
 */

struct emulator_change {
	const char *key;   /* "pmu.messages", "pmu-ws.messages" */
	const char *value; /* NULL: what the start said */
};

enum emulator_refusal {
	EMULATOR_UNKNOWN,   /* there is no such key */
	EMULATOR_BAD_VALUE, /* by itself, or beside the others: reorder without delay */
	/* it would change a key that is CONFIG_RESTART (servers/config/about.h) */
	EMULATOR_RESTART,
};

/* About changes[i]. The text of err does not begin with the key: "no such key; did you mean
   pmu.messages?". */
typedef void emulator_on_refused(void *context, size_t i, enum emulator_refusal refusal,
	const struct err *err);

/*
 * Changes keys, all or nothing: where one is refused, each that is refused is told to `on_refused`,
 * and nothing has changed. Of two changes of the same key the later one wins. From when it holds
 * says the key's `effect` (servers/config/about.h): for most from the next datagram, command or
 * connection. Each has one event `change`, but for those that are so already. False: refused; or
 * out of memory, with EMULATOR_BAD_VALUE and STATUS_FAILED in err.
 */
bool emulator_change(struct emulator *emulator, const struct emulator_change *changes, size_t count,
	const char *who, emulator_on_refused *on_refused, void *context);

/* Whether emulator_change would do it now; nothing changes, and nothing is told. From
   emulator_listen on. */
bool emulator_can_change(struct emulator *emulator, const struct emulator_change *changes,
	size_t count, emulator_on_refused *on_refused, void *context);

/* All keys become what the start said; an event `change` for each that was not. False: out of
   memory, and nothing has changed. */
bool emulator_restore(struct emulator *emulator, const char *who);

/* What holds now, and what held at the start. Both live as long as the emulator. */
const struct config *emulator_config(const struct emulator *emulator);
const struct config *emulator_config_start(const struct emulator *emulator);

/*
 * The endpoint (ENDPOINT_NONE: every one) takes no new work until it is resumed. Streams accept
 * nobody: who connects waits in the kernel's queue, and what is open goes on. Datagrams are read
 * and lost (`drop`, "the endpoint is paused"), and not counted; those under way go on. The station
 * is silent, hears nobody, and goes on where it was. An event `suspend` or `resume` for each
 * endpoint for which that is new. False: it does not run.
 */
bool emulator_pause(struct emulator *emulator, enum endpoint_id endpoint, bool paused,
	const char *who);

/* Ends one connection: with a FIN, after the carrier's goodbye, and what was handed to the kernel
   still arrives; or with a reset. Its `close` has why "cut by WHO". False: no such connection is
   open. */
bool emulator_cut(struct emulator *emulator, uint64_t conn, bool reset, const char *who);

enum { EMULATOR_TOTALS = 256 };

/* One endpoint as it is now. */
struct emulator_view {
	enum endpoint_id endpoint;
	bool local; /* in a place of its own (emulator_place) */
	bool paused;
	uint16_t port;
	unsigned open;    /* connections */
	/* that it serves now: "IPv4", "IPv6", "IPv4 and IPv6", "none"; NULL: it has none of its
	   own */
	const char *family;
	double left;        /* seconds until that changes; INFINITY: never */
	char totals[EMULATOR_TOTALS]; /* a JSON object, as in the event `stop` */
};

/* The `i`th endpoint, in the order in which they were added. False: there are no more. */
bool emulator_look(const struct emulator *emulator, size_t i, struct emulator_view *view);

/* An open connection; valid during the call. */
struct emulator_connection {
	uint64_t id; /* `conn` of its events */
	enum endpoint_id endpoint;
	bool local;
	const char *peer;
	double since; /* `t` of its event `open` */
};

/* Tells `each` of all open connections, an endpoint after the other, the youngest first. `each`
   must not cut any. */
void emulator_connections(const struct emulator *emulator,
	void (*each)(void *context, const struct emulator_connection *connection), void *context);

/* An `error` event about the lab as it was set up, fault `configuration`: one line for people. */
void emulator_warn(struct emulator *emulator, const char *what);

/* A copy of what the network does to the datagrams of one endpoint, family (4 or 6) and direction:
   impair_next on it tells the fates to come. Where `spec` is not NULL it is set to what the
   configuration asks for there: a perfect network in the direction that is not impaired. False: it
   does not run, or has no such family or direction. */
bool emulator_impair(struct emulator *emulator, enum endpoint_id endpoint, int family,
	enum fate_direction direction, struct impair *impair, struct impair_spec *spec);

/* Seconds, on the clock of the events' `t`. */
double emulator_uptime(const struct emulator *emulator);

uint64_t emulator_seed(const struct emulator *emulator);

/* Where it runs. */
struct ev_loop *emulator_loop(const struct emulator *emulator);

/* Accepts NULL and half-built ones. */
void emulator_destroy(struct emulator *emulator);

#endif
