/*
 * The doctor's checks. Each check tries what the lab will do, undoes it, and says what the result
 * means for the lab. No check concludes anything from a version or a name.
 */
#ifndef SERVERS_COMMANDS_DOCTOR_CHECKS_H
#define SERVERS_COMMANDS_DOCTOR_CHECKS_H

#include <stdbool.h>
#include <stddef.h>

#include "servers/endpoint_table.h"

/* It works; it works in part or in another way; it does not work. */
enum doctor_result { DOCTOR_OK, DOCTOR_LIMITED, DOCTOR_MISSING };

/* The result of a check. Longer texts are cut. */
struct finding {
	enum doctor_result result;
	char means[640]; /* what the result means for the lab */
	/* the command that repairs it; "": nothing is to be repaired, or no command does it */
	char mend[320];
};

/* Sets the result and `means`, a format as in printf(3), and clears `mend`. */
void finding_set(struct finding *finding, enum doctor_result result, const char *means, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets `mend`; `command` is a format as in printf(3). The second function is for commands that need
   root: it puts "sudo " before them unless the caller is root. */
void finding_mend(struct finding *finding, const char *command, ...)
	__attribute__((format(printf, 2, 3)));
void finding_mend_as_root(struct finding *finding, const char *command, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- trying (try.c) ---- */

/* The result of a trial in a child process. */
struct trial {
	bool done;      /* it succeeded */
	bool late;      /* the child was killed because its time was over */
	/* errno of what failed; 0: the child ended without a word, or there is no errno */
	int error;
	char text[512]; /* what failed, in the check's words; "": not known */
};

/*
 * Runs `body` in a child process and waits for it. Namespaces and descriptors of the child end with
 * it. After `seconds` it is killed, with its process group. The body returns whether it succeeded;
 * if not, it fills in `error` and `text`. A child that becomes another program (execve(2)) succeeds
 * when its exit status is 0. SIGCHLD has its default action afterwards.
 */
struct trial doctor_try(bool (*body)(struct trial *trial, const void *argument),
	const void *argument, double seconds);

/* Runs a program from PATH, with /dev/null as its stdin, stdout and stderr, for at most `seconds`.
   `argv` ends with NULL. `done`: it ended with status 0. `error`: errno, why it could not be
   started; 0: it was started. */
struct trial doctor_run(const char *const argv[], double seconds);

/* ---- the checks: each fills in `finding` ---- */

/* network.c */
void doctor_loopback(struct finding *finding);
void doctor_loopback_v6(struct finding *finding);
void doctor_multicast_loopback(struct finding *finding);
void doctor_multicast_route(struct finding *finding);
/* whether the endpoint's port is free */
void doctor_port(enum endpoint_id id, struct finding *finding);

/* namespaces.c */
void doctor_users(struct finding *finding);
void doctor_network(struct finding *finding);
void doctor_mount(struct finding *finding);
void doctor_pid(struct finding *finding);
void doctor_veth(struct finding *finding);
void doctor_packet(struct finding *finding);
void doctor_box(struct finding *finding);

/* tools.c */
void doctor_tls(struct finding *finding);
void doctor_python(struct finding *finding);
void doctor_tshark(struct finding *finding);

#endif
