/*
 * A network in a box: two network namespaces and a wire between them. The lab's end is the host of
 * the lab's names; the home's end is where a command runs. Nothing else can be reached from either,
 * and nothing of it outlives the last process or descriptor in it. See namespaces(7), veth(4).
 *
 *   home 198.51.100.2, 2001:db8::2 [wire]---veth, MTU 1500, no offload---[wire] 198.51.100.1, 2001:db8::1 lab
 */
#ifndef SERVERS_NETWORK_LABNET_H
#define SERVERS_NETWORK_LABNET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* Addresses for documentation (RFC 5737, RFC 3849): nobody's on any other network. Both are of
   global scope, which AI_ADDRCONFIG asks for. */
#define LABNET_LAB_V4 "198.51.100.1"
#define LABNET_LAB_V6 "2001:db8::1"
#define LABNET_HOME_V4 "198.51.100.2"
#define LABNET_HOME_V6 "2001:db8::2"
#define LABNET_WIRE "wire" /* the interface, at both ends */

struct labnet {
	/* descriptors of network namespaces; -1: none. Where the caller came from, */
	int outside;
	int home;       /* the command's end, */
	int lab;        /* the lab's end, where the calling thread is when labnet_open returns */
	bool own_users; /* a user namespace was made; false: the caller's rights were enough */
	size_t done;    /* steps of labnet_open that hold */
};

/*
 * Makes it and moves the calling thread to the lab's end. Needs a process with one thread. Where
 * the caller may not make network namespaces, a user namespace comes first, in which they stay who
 * they are. False, with one line that says which step was refused and what to do (STATUS_FAILED):
 * everything is as before but for the user namespace, which nobody can leave.
 */
bool labnet_open(struct labnet *net, struct err *err);

/* Goes back outside and lets go of both ends. Accepts one that was not opened (all zero). */
void labnet_close(struct labnet *net);

/* Moves the calling thread to a network namespace. False with `err` (STATUS_FAILED). A socket stays
   in the one in which it was made. */
bool labnet_enter(int netns, struct err *err);

/* Half a sentence: why the kernel may have answered `error` (an errno) when it was asked for a
   namespace, and the command that mends it. */
const char *labnet_remedy(int error);

#endif
