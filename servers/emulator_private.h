/* Shared by the emulator's files: emulator.c makes and runs it, emulator_control.c serves the calls
   while it runs. */
#ifndef SERVERS_EMULATOR_PRIVATE_H
#define SERVERS_EMULATOR_PRIVATE_H

#include <ev.h>

#include "servers/emulator.h"
#include "servers/identity/identity.h"
#include "servers/identity/issue.h"

enum { SIGNALS = 3, SLOTS = 2 * ENDPOINT_COUNT };

/* One endpoint and what was made for it. */
struct slot {
	struct endpoint *endpoint;
	struct tls_context *tls;
	char *text;
	bool local; /* it has a place of its own */
	struct emulator_place place;
};

/* The lab's own certificates in one directory. Every endpoint with that directory uses them. */
struct identity {
	struct tls_identity files;
	const char *dir; /* as configured; the configuration owns it */
	/* the directory cannot be used; the certificates of this run are in memory */
	bool unusable;
	/* why the directory is unusable; "": it is usable */
	char note[512];
};

struct emulator {
	struct emulator_options options;
	struct config *start; /* the configuration as it was at emulator_listen */
	struct ev_loop *loop;
	struct journal *journal;
	struct slot slots[SLOTS]; /* the first `count` are in use */
	size_t count;
	struct identity identities[ENDPOINT_COUNT]; /* the first `identity_count` are in use */
	size_t identity_count;
	/* for directories that cannot be used: only in memory, made when first needed */
	struct tls_pair own;
	char *own_ca;        /* the CA's certificate, PEM */
	const char *ca_file; /* the file into which the caller has put own_ca; the caller's */
	uint64_t next_conn;

	struct ev_signal signals[SIGNALS];
	struct ev_timer grace;
	bool stopping;
	const char *why;
};

#endif
