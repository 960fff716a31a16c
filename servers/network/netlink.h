/*
 * Requests to the kernel's network configuration (rtnetlink(7), through libmnl), each answered
 * before it returns. They concern the network namespace in which the socket was made. On failure
 * `err` (STATUS_FAILED) says what was asked and why it was refused, and errno is the kernel's.
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

bool netlink_open(struct netlink *netlink, struct err *err);
void netlink_close(struct netlink *netlink);

/* One end of a wire. */
struct netlink_end {
	const char *name;      /* of the interface */
	unsigned char mac[6];
	int netns;             /* descriptor of the namespace it goes to; -1: the socket's */
};

/* A pair of virtual Ethernet interfaces (veth(4)) of MTU 1500. */
bool netlink_add_wire(struct netlink *netlink, const struct netlink_end *here,
	const struct netlink_end *there, struct err *err);

/* Switches an interface on, without link-local addresses of its own: their search for doubles would
   be seen on the wire. */
bool netlink_set_up(struct netlink *netlink, const char *name, struct err *err);

/* Gives an interface an address and the way to one neighbour, as texts of one family; nothing else
   becomes reachable. */
bool netlink_add_address(struct netlink *netlink, const char *name, const char *address,
	const char *neighbour, struct err *err);

/* A route to "224.0.0.0/4" through an interface; `name` NULL: unreachable, EHOSTUNREACH at once. */
bool netlink_add_route(struct netlink *netlink, const char *prefix, const char *name,
	struct err *err);

#endif
