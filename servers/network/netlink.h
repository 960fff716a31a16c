/*
 * Requests to the kernel's network configuration (rtnetlink(7), through libmnl). Each waits for the
 * kernel's answer. They act on the network namespace in which the socket was made. False: `err`
 * (STATUS_FAILED) says what was asked and why it was refused, and errno is the kernel's.
 */
#ifndef SERVERS_NETWORK_NETLINK_H
#define SERVERS_NETWORK_NETLINK_H

#include <stdbool.h>

#include "common/err.h"

struct mnl_socket;

struct netlink {
	struct mnl_socket *socket; /* NULL: not open */
	unsigned seq;
};

/* Opens the socket in the calling thread's network namespace. */
bool netlink_open(struct netlink *netlink, struct err *err);

/* Closes the socket. Accepts one that is not open. */
void netlink_close(struct netlink *netlink);

/* One end of a wire. */
struct netlink_end {
	const char *name;      /* the interface's name */
	unsigned char mac[6];
	int netns;             /* descriptor of its network namespace; -1: the socket's */
};

/* Makes a pair of virtual Ethernet interfaces (veth(4)) of MTU 1500. */
bool netlink_add_wire(struct netlink *netlink, const struct netlink_end *here,
	const struct netlink_end *there, struct err *err);

/* Switches an interface on, without link-local addresses: duplicate address detection for them
   would be seen on the wire. */
bool netlink_set_up(struct netlink *netlink, const char *name, struct err *err);

/* Gives an interface an address and the route to one neighbour; nothing else becomes reachable.
   Both are texts of the same family; a text that is no address is a bug (abort). */
bool netlink_add_address(struct netlink *netlink, const char *name, const char *address,
	const char *neighbour, struct err *err);

/* Adds a route to `prefix` ("224.0.0.0/4") through the interface `name`. `name` NULL: the prefix is
   unreachable, so senders get EHOSTUNREACH at once. */
bool netlink_add_route(struct netlink *netlink, const char *prefix, const char *name,
	struct err *err);

#endif
