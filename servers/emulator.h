/*
 * The emulator: runs the lab's endpoints in one event loop, as the configuration says, and reports
 * their events to observers.
 *
 *   create -> add (each endpoint) -> listen -> observe -> start -> run -> destroy
 *
 * A function that takes `err` fills it in when it fails.
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

/* What emulator_create takes. The structure itself is copied. */
struct emulator_options {
	/* gets the secrets of TLS connections, each a line for Wireshark (tls_on_secret); NULL:
	   nobody */
	void (*on_secret)(void *receiver, const char *line);
	void *receiver; /* outlives the emulator */
	/* outlives the emulator; from emulator_listen on only the emulator changes it */
	struct config *config;
	uint64_t seed;
	/* the addresses on which every endpoint listens, ports ignored; outlives the emulator */
	const struct address *addresses;
	size_t address_count;
	bool ephemeral; /* listen on free ports, not on the configured ones */
	/* no datagram or segment can leave this machine, so the lab does not warn of it */
	bool isolated;
	/* the loop to run in; the caller owns it, and handles the signals. NULL: the emulator makes
	   its own loop, and SIGINT, SIGTERM and SIGHUP stop the emulator */
	struct ev_loop *loop;
};

/* The place of an endpoint that listens elsewhere than the others. */
struct emulator_place {
	const struct address *addresses; /* ports ignored; outlives the emulator */
	size_t address_count;
	uint16_t port;
	int netns; /* descriptor of the addresses' network namespace; outlives the emulator */
};

/* Makes an emulator without endpoints. With a loop of its own it catches the signals from here on;
   a signal that arrives before emulator_run stops it as soon as it runs. NULL: STATUS_FAILED. */
struct emulator *emulator_create(const struct emulator_options *options, struct err *err);

/* The emulator owns the observer from here on. Call it before emulator_start, so that the observer
   sees the first event. */
void emulator_observe(struct emulator *emulator, struct observer *observer);

/*
 * Adds an endpoint and makes what it needs: certificates, the flood, the play. Add each endpoint at
 * most once with `place` NULL, and after that at most once more with a place of its own. The
 * station gets no place of its own, because it is heard in its multicast group. False:
 * STATUS_USAGE, the configured certificate or text cannot be used; STATUS_FAILED, out of memory or
 * OpenSSL failed.
 */
bool emulator_add(struct emulator *emulator, enum endpoint_id endpoint,
	const struct emulator_place *place, struct err *err);

/* Binds every address of every endpoint; an endpoint has the same port on each of its addresses.
   False: STATUS_BIND where an address cannot be bound, else the endpoint's status. Some endpoints
   may be bound then; the emulator can only be destroyed. */
bool emulator_listen(struct emulator *emulator, struct err *err);

/* Starts to serve. Clients that have connected since emulator_listen have waited in the listeners'
   backlog. Emits `start` and `listen`. */
void emulator_start(struct emulator *emulator);

/* The port that an endpoint listens on; 0: it does not listen. If the endpoint was added twice,
   this is the port of the one without a place of its own. */
uint16_t emulator_port(const struct emulator *emulator, enum endpoint_id endpoint);

/* The path of the CA certificate (PEM) that signed the lab's certificate. "": no endpoint uses the
   lab's certificate, or the CA is in no file and emulator_set_ca_file was not called. Where
   endpoints have different tls.dir: the CA of the first endpoint that was added. Lives as long as
   the emulator. */
const char *emulator_ca_file(const struct emulator *emulator);

/* The certificate of that CA (PEM) when it is in no file, because its directory cannot be used.
   Then the certificates are made for this run, and their keys are only in memory. NULL: the CA is
   in a file, or no endpoint uses the lab's certificate. Lives as long as the emulator. */
const char *emulator_ca_text(const struct emulator *emulator);

/* Tells where the caller has put the text of emulator_ca_text: emulator_ca_file returns `path` from
   here on, where emulator_ca_text is not NULL. `path` outlives the emulator. */
void emulator_set_ca_file(struct emulator *emulator, const char *path);

/* The multicast group of the television station; "": the station does not run. */
const char *emulator_group(const struct emulator *emulator);

/* The `i`th line that the user should know, such as why certificates are not kept. "": there is no
   such line at `i`; NULL: `i` is behind the last. Lives as long as the emulator. */
const char *emulator_note(const struct emulator *emulator, size_t i);

/* Serves until emulator_stop or a signal, and until the running streams have ended. Emits `stop`.
   False (STATUS_FAILED): the loop ended by itself. */
bool emulator_run(struct emulator *emulator, struct err *err);

/* Ends emulator_run. Running streams get shutdown.grace to finish. A second call ends them at once.
   Call it only from the loop's thread. */
void emulator_stop(struct emulator *emulator);

/*
 * ---- while it runs ----
 *
 * Call these functions from the loop's thread, between emulator_start and the end of emulator_run,
 * and never from an observer (observers must not emit). `who` names the source of a change: plain
 * text such as "page" or "scenario". It stands in events, and is the origin of a changed value. It
 * is copied.
 */

struct emulator_change {
	const char *key;   /* "pmu.messages", "pmu-ws.messages" */
	const char *value; /* NULL: the value of the start */
};

enum emulator_refusal {
	EMULATOR_UNKNOWN,   /* there is no such key */
	/* the value is bad, by itself or together with others: reorder without delay */
	EMULATOR_BAD_VALUE,
	/* the key is CONFIG_RESTART (servers/config/about.h): only a restart can change it */
	EMULATOR_RESTART,
};

/* Reports that changes[i] is refused. The text of `err` does not begin with the key: "no such key;
   did you mean pmu.messages?". `err` is valid during the call. */
typedef void emulator_on_refused(void *context, size_t i, enum emulator_refusal refusal,
	const struct err *err);

/*
 * Changes all of the keys or none. If any is refused, `on_refused` (may be NULL) is called for each
 * one that is refused, and nothing changes. When a key stands twice, the later change wins. The
 * key's `effect` (servers/config/about.h) says when the change takes effect: for most keys with the
 * next datagram, command or connection. Emits one `change` for each key whose value differs from
 * before. False: refused; or out of memory, reported for changes[0] as EMULATOR_BAD_VALUE with
 * STATUS_FAILED.
 */
bool emulator_change(struct emulator *emulator, const struct emulator_change *changes, size_t count,
	const char *who, emulator_on_refused *on_refused, void *context);

/* Whether emulator_change would succeed now. Changes nothing and emits nothing. May already be
   called after emulator_listen. */
bool emulator_can_change(struct emulator *emulator, const struct emulator_change *changes,
	size_t count, emulator_on_refused *on_refused, void *context);

/* Sets all keys to their values of the start, with one `change` for each key that differed. False:
   out of memory, and nothing has changed. */
bool emulator_restore(struct emulator *emulator, const char *who);

/* The configuration now, and as it was at emulator_listen. Both live as long as the emulator. */
const struct config *emulator_config(const struct emulator *emulator);
const struct config *emulator_config_start(const struct emulator *emulator);

/*
 * Pauses an endpoint, or resumes it; ENDPOINT_NONE: every endpoint. A paused stream endpoint
 * accepts no connection: clients wait in the listener's backlog, and open connections go on. A
 * paused datagram endpoint reads datagrams and loses them (`drop`, "the endpoint is paused"). They
 * get no number, and datagrams that are under way go on. The paused station neither sends nor
 * hears; it resumes with the line at which it stopped. Emits `suspend` or `resume` for each
 * endpoint whose state changes. False: the endpoint does not run.
 */
bool emulator_pause(struct emulator *emulator, enum endpoint_id endpoint, bool paused,
	const char *who);

/* Ends one connection. With a FIN: first comes the carrier's close (close_notify, Close frame), and
   bytes that the kernel already has still arrive. With `reset`: at once, and unsent bytes are lost.
   The connection's `close` has `why` "cut by WHO". False: no such connection is open. */
bool emulator_cut(struct emulator *emulator, uint64_t conn, bool reset, const char *who);

/* Bytes of an endpoint's totals with their NUL. */
enum { EMULATOR_TOTALS = 256 };

/* The state of one endpoint. */
struct emulator_view {
	enum endpoint_id endpoint;
	bool local; /* it has a place of its own (struct emulator_place) */
	bool paused;
	uint16_t port;
	unsigned open;    /* connections */
	/* the families that it serves now: "IPv4", "IPv6", "IPv4 and IPv6", "none". NULL: the
	   endpoint does not choose between families. Static */
	const char *family;
	double left;        /* seconds until `family` changes; INFINITY: never */
	char totals[EMULATOR_TOTALS]; /* a JSON object, as in the event `stop` */
};

/* Fills `view` for the `i`th endpoint, in the order of emulator_add. False: `i` is behind the
   last. */
bool emulator_look(const struct emulator *emulator, size_t i, struct emulator_view *view);

/* An open connection, valid during the call. */
struct emulator_connection {
	uint64_t id; /* `conn` of its events */
	enum endpoint_id endpoint;
	bool local;
	const char *peer;
	double since; /* `t` of its event `open` */
};

/* Calls `each` for every open connection: endpoint by endpoint, and in each the youngest first.
   `each` must not cut a connection. */
void emulator_connections(const struct emulator *emulator,
	void (*each)(void *context, const struct emulator_connection *connection), void *context);

/* Emits an `error` with the fault `configuration`. `what` is one line for people about the lab's
   set-up. */
void emulator_warn(struct emulator *emulator, const char *what);

/* Emits `program`: the command of `pmulab run` has ended. `how` is "exited", "killed" or "timeout",
   `status` what pmulab will exit with, `seconds` how long it ran, `cpu` what it used of the CPU. */
void emulator_tell_program(struct emulator *emulator, const char *how, int status, double seconds,
	double cpu);

/* Copies what the network does to the datagrams of one endpoint, family (4 or 6) and direction.
   impair_next on the copy tells the fates of the datagrams to come. `spec` (may be NULL) gets the
   impairments that the configuration asks for; a direction that is not impaired gets a perfect
   network. False: the endpoint does not run, or has no such family or direction. */
bool emulator_impair(struct emulator *emulator, enum endpoint_id endpoint, int family,
	enum fate_direction direction, struct impair *impair, struct impair_spec *spec);

/* Seconds since the start, on the clock of the events' `t`. */
double emulator_uptime(const struct emulator *emulator);

/* The seed of all random decisions (emulator_options). */
uint64_t emulator_seed(const struct emulator *emulator);

/* The loop in which the emulator runs: its own, or that of the options. */
struct ev_loop *emulator_loop(const struct emulator *emulator);

/* Frees the emulator with its endpoints and observers. Accepts NULL. */
void emulator_destroy(struct emulator *emulator);

#endif
