/*
 * What a command in the box finds under /etc: the machine's own files, but for those that say which
 * name is which host. Nobody is asked about names: not a resolver, not a cache, not a daemon. See
 * hosts(5), resolv.conf(5), nsswitch.conf(5).
 */
#ifndef SERVERS_NETWORK_HOSTS_H
#define SERVERS_NETWORK_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct hosts {
	/* more names of the lab, beside those that students' programs have in them */
	const char *const *names;
	size_t count;
	const char *v4, *v6; /* the lab's addresses as texts */
	const char *ca;      /* what stands in HOSTS_CA_FILE (PEM); NULL: there is no such file */
};

/* The lab's CA where it is in no file of the machine's. */
#define HOSTS_CA_FILE "/etc/pmulab-ca.pem"

/* The lab's names that everybody gets, the first one first; ends with NULL. */
extern const char *const hosts_names[];

/* False: it cannot stand in a hosts file, or is localhost. */
bool hosts_name_valid(const char *name);

/* Covers /etc for everybody in the calling process's mount namespace, which must be its own; needs
   the rights to mount (CAP_SYS_ADMIN). False with `err` (STATUS_FAILED) and errno: /etc may be half
   done. */
bool hosts_mount(const struct hosts *hosts, struct err *err);

#endif
