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
#include "servers/config.h"
#include "servers/events/journal.h"

struct emulator;
struct ev_loop;

struct emulator_options {
	const struct config *config; /* outlives the emulator */
	uint64_t seed;
	const struct address *addresses; /* where every endpoint listens, ports ignored; outlives the emulator */
	size_t address_count;
	bool ephemeral; /* free ports instead of the configured ones */
	bool isolated;  /* the network ends at this machine: what would leave it elsewhere needs no warning */
	struct ev_loop *loop; /* the caller's, as are the signals then; NULL: one of its own, and SIGINT, SIGTERM and SIGHUP
	                         stop the emulator */
};

/* Where an endpoint listens that does not listen where the others do. */
struct emulator_place {
	const struct address *addresses; /* ports ignored; outlives the emulator */
	size_t address_count;
	uint16_t port;
	int netns; /* descriptor of their network namespace, which outlives the emulator */
};

struct emulator *emulator_create(const struct emulator_options *options, struct err *err);

/* The observer is the emulator's from here on. Before emulator_start, so that it sees the first event. */
void emulator_observe(struct emulator *emulator, struct observer *observer);

/* Adds an endpoint with what it needs: certificates, the flood. STATUS_USAGE when they are no good. Each once with `place`
   NULL, and then each once more in a place of its own; not the station, which is heard in its group. */
bool emulator_add(struct emulator *emulator, enum endpoint_id endpoint, const struct emulator_place *place,
	struct err *err);

/* Binds every address of every endpoint, one port for each endpoint. All or nothing; STATUS_BIND. */
bool emulator_listen(struct emulator *emulator, struct err *err);

/* Serves from here on: who has connected since emulator_listen waits in the kernel's queue. */
void emulator_start(struct emulator *emulator);

/* 0: that endpoint does not listen. Of two the one without a place of its own. */
uint16_t emulator_port(const struct emulator *emulator, enum endpoint_id endpoint);

/* The CA that signed the lab's certificate; "" when the certificate is the user's or none is needed. Where endpoints
   have a tls.dir of their own: the first one's. */
const char *emulator_ca_file(const struct emulator *emulator);

/* The multicast group of the television station; "" when it does not run. */
const char *emulator_group(const struct emulator *emulator);

/* Lines that the user should know, such as where a temporary certificate lies: the `i`th, "" for none there, NULL behind
   the last. */
const char *emulator_note(const struct emulator *emulator, size_t i);

/* Serves until emulator_stop, or a signal. False: it failed while running. */
bool emulator_run(struct emulator *emulator, struct err *err);

/* Ends emulator_run: streams that run get shutdown.grace; called twice: now. From the loop's thread only. */
void emulator_stop(struct emulator *emulator);

/* Accepts NULL and half-built ones. */
void emulator_destroy(struct emulator *emulator);

#endif
