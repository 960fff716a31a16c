/*
 * What a command in the box finds under /etc: the machine's own entries, but other files for names
 * and addresses. Names come from these files alone; no resolver, cache or daemon is asked. See
 * hosts(5), resolv.conf(5), nsswitch.conf(5), gai.conf(5).
 */
#ifndef SERVERS_NETWORK_HOSTS_H
#define SERVERS_NETWORK_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct hosts {
	/* more names of the lab, beside hosts_names */
	const char *const *names;
	size_t count;
	const char *v4, *v6; /* the lab's addresses as text */
	const char *ca;      /* the content of HOSTS_CA_FILE (PEM); NULL: no such file */
};

/* The path of the lab's CA in the box, when the CA is in no file of the machine. */
#define HOSTS_CA_FILE "/etc/pmulab-ca.pem"

/* The lab's names that are always there, the main one first; ends with NULL. Students' programs
   contain them. */
extern const char *const hosts_names[];

/* Whether `name` may become a name of the lab. False: it cannot stand in a hosts file, or is
   localhost. */
bool hosts_name_valid(const char *name);

/* Mounts a new /etc in the calling process's mount namespace, which must be its own. Needs
   CAP_SYS_ADMIN. False with `err` (STATUS_FAILED) and errno; /etc may be half done then. */
bool hosts_mount(const struct hosts *hosts, struct err *err);

#endif
