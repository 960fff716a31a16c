/* What the files of the emulator share: emulator.c makes and runs it, emulator_control.c changes it
   while it runs. */
#ifndef SERVERS_EMULATOR_PRIVATE_H
#define SERVERS_EMULATOR_PRIVATE_H

#include <ev.h>

#include "servers/emulator.h"
#include "servers/identity/identity.h"
#include "servers/identity/issue.h"

enum { SIGNALS = 3, SLOTS = 2 * ENDPOINT_COUNT };

/* One endpoint of the lab and what was made for it alone. */
struct slot {
	struct endpoint *endpoint;
	struct tls_context *tls;
	char *text;
	bool local; /* in a place of its own */
	struct emulator_place place;
};

/* The lab's own certificates in one directory, for every endpoint that is to use it. */
struct identity {
	struct tls_identity files;
	const char *dir; /* as configured; the configuration's */
	bool unusable;   /* the directory: the certificates are the run's own, in memory */
	char note[512];
};

struct emulator {
	struct emulator_options options;
	struct config *start; /* as the configuration was then */
	struct ev_loop *loop;
	struct journal *journal;
	struct slot slots[SLOTS]; /* the first `count` are in use */
	size_t count;
	struct identity identities[ENDPOINT_COUNT]; /* the first `identity_count` are in use */
	size_t identity_count;
	/* in memory alone, for directories that cannot be used; made when first needed */
	struct tls_pair own;
	char *own_ca;        /* the CA's certificate, PEM */
	const char *ca_file; /* where others find it */
	uint64_t next_conn;

	struct ev_signal signals[SIGNALS];
	struct ev_timer grace;
	bool stopping;
	const char *why;
};

#endif
