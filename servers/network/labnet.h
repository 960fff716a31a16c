/*
 * A network in a box: two network namespaces and a wire between them. The lab end has the lab's
 * addresses. The home end is where a command runs. Nothing else can be reached from either end. The
 * network ends with the last process or descriptor in it. See namespaces(7), veth(4).
 *
 *   home: 198.51.100.2, 2001:db8::2
 *     |
 *     | "wire" at both ends: a veth pair, MTU 1500, no offload
 *     |
 *   lab: 198.51.100.1, 2001:db8::1
 */
#ifndef SERVERS_NETWORK_LABNET_H
#define SERVERS_NETWORK_LABNET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* Addresses for documentation (RFC 5737, RFC 3849), which no other network uses. They have global
   scope, as AI_ADDRCONFIG requires. */
#define LABNET_LAB_V4 "198.51.100.1"
#define LABNET_LAB_V6 "2001:db8::1"
#define LABNET_HOME_V4 "198.51.100.2"
#define LABNET_HOME_V6 "2001:db8::2"
#define LABNET_WIRE "wire" /* the name of the interface, at both ends */

struct labnet {
	/* descriptors of network namespaces; -1: none */
	int outside;    /* where the caller came from */
	int home;       /* the command's end */
	int lab;        /* the lab's end, where the calling thread is after labnet_open */
	bool own_users; /* a user namespace was made; false: the caller's own rights were enough */
	size_t done;    /* steps of labnet_open that are done */
};

/*
 * Makes the network and moves the calling thread to the lab's end. The process must have one
 * thread. Where the caller may not make network namespaces, a user namespace is made first; the
 * user and group stay the same in it. False with `err` (STATUS_FAILED): the line says which step
 * was refused and what to do. Then all is as before, except for the user namespace, which a process
 * cannot leave.
 */
bool labnet_open(struct labnet *net, struct err *err);

/* Moves the calling thread back outside and closes both ends. Accepts a network that was not opened
   (all zero). */
void labnet_close(struct labnet *net);

/* Moves the calling thread to the network namespace of a descriptor. A socket stays in the
   namespace in which it was made. False with `err` (STATUS_FAILED). */
bool labnet_enter(int netns, struct err *err);

/* Half a sentence (static): why the kernel may have refused a namespace with `error` (an errno),
   and the command that helps. */
const char *labnet_remedy(int error);

#endif
