/*
 * The doctor's checks. Each tries what the lab will do, undoes it, and says what follows: nothing
 * is concluded from a version or a name.
 */
#ifndef SERVERS_COMMANDS_DOCTOR_CHECKS_H
#define SERVERS_COMMANDS_DOCTOR_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

#include "servers/endpoint_table.h"

enum doctor_result { DOCTOR_OK, DOCTOR_LIMITED, DOCTOR_MISSING };

struct finding {
	enum doctor_result result;
	char means[640]; /* what follows for the lab */
	/* the command that mends it; "": there is nothing to mend, or no command does */
	char mend[320];
};

/* `means` as in printf(3). */
void finding_set(struct finding *finding, enum doctor_result result, const char *means, ...)
	__attribute__((format(printf, 3, 4)));

/* The command that mends it. The second one is for root, with sudo before it for everybody else. */
void finding_mend(struct finding *finding, const char *command, ...)
	__attribute__((format(printf, 2, 3)));
void finding_mend_as_root(struct finding *finding, const char *command, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- trying (doctor_try.c) ---- */

/* How a child has fared. */
struct trial {
	bool done;
	bool late;      /* it was still at it when its time was over */
	/* errno of what failed; 0: it ended without saying, or failed without one */
	int error;
	char text[512]; /* what failed, in the words of the check */
};

/* Runs `body` in a child of its own, whose namespaces, descriptors and processes end with it; ends
   it after `seconds`. The body says whether it is done, and else fills `error` and `text`. */
struct trial doctor_try(bool (*body)(struct trial *trial, const void *argument),
	const void *argument, double seconds);

/* Runs a program of the PATH without input and output. Done: it has ended with status 0. `error`
   says why it could not be started, 0 where it could. */
struct trial doctor_run(const char *const argv[], double seconds);

/* ---- the checks ---- */

void doctor_loopback(struct finding *finding);          /* doctor_network.c */
void doctor_loopback_v6(struct finding *finding);
void doctor_multicast_loopback(struct finding *finding);
void doctor_multicast_route(struct finding *finding);
void doctor_port(enum endpoint_id id, struct finding *finding);

void doctor_users(struct finding *finding);             /* doctor_namespaces.c */
void doctor_network(struct finding *finding);
void doctor_mount(struct finding *finding);
void doctor_pid(struct finding *finding);
void doctor_veth(struct finding *finding);
void doctor_packet(struct finding *finding);
void doctor_box(struct finding *finding);

void doctor_tls(struct finding *finding);               /* doctor_tools.c */
void doctor_python(struct finding *finding);
void doctor_tshark(struct finding *finding);

#endif
