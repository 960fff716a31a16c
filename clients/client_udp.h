/* Shared by the datagram clients: a datagram's destination, its sender, and its text. */
#ifndef CLIENTS_CLIENT_UDP_H
#define CLIENTS_CLIENT_UDP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clients/client_options.h"
#include "common/err.h"
#include "common/net.h"

enum {
	CLIENT_DATAGRAM_MAX = 65536, /* bytes: no datagram is longer (RFC 768) */
	/* bytes of a datagram that fits into one packet: Ethernet's 1500, less 20 of IPv4 and 8 of
	   UDP */
	CLIENT_PACKET_MAX = 1472,
};

/*
 * Finds the address of `host` in `family`. AF_UNSPEC: an IPv4 address if there is one, else IPv6.
 * It is of no use to try the addresses in turn as with TCP, because a sender does not learn whether
 * a datagram has arrived. "localhost" is the family's loopback address, whatever /etc/hosts has
 * (RFC 6761 6.3). False with `err` (STATUS_FAILED).
 */
bool client_resolve(const char *host, uint16_t port, int family, struct address *address,
	struct err *err);

/* Whether both have the same family, address and port. They are IPv4 or IPv6. */
bool client_is_from(const struct address *from, const struct address *expected);

/*
 * A UDP socket that is not connected learns of closed ports only with IP_RECVERR (ip(7)). The
 * errors go into a queue, and poll(2) reports POLLERR. client_hear_refusals sets the option on a
 * socket of `family`. client_take_refusals empties the queue without waiting, and returns how many
 * datagrams met a closed port.
 */
void client_hear_refusals(int fd, int family);
long client_take_refusals(int fd);

/* Prints a text for people to stdout. UTF-8 stays as it is. Control characters (\n, \x1b), the
   backslash and bytes that are no UTF-8 are escaped, so that a datagram cannot control a
   terminal. */
void client_print_text(const char *data, size_t len);

/* How many of `len` bytes go into the first piece of at most `max` bytes, without cutting a UTF-8
   character. `max` is at least 4. */
size_t client_cut(const char *data, size_t len, size_t max);

/* The number of UTF-8 characters in `len` bytes. A byte that belongs to none counts as one. */
size_t client_characters(const char *data, size_t len);

/* A multicast group in IPv4, the interface to it, and the TTL to send with. */
struct client_group {
	struct address address;
	struct in_addr interface;
	/* 1 in the lab's own network, where nothing leaves the machine; else 0: datagrams stay on
	   this machine */
	int ttl;
};

/* Fills `group` from --group, --port and --iface; else from PMULAB_TV_GROUP, PMULAB_TV_PORT and
   PMULAB_TV_INTERFACE; else 224.1.1.1, 5005, the loopback interface. `ttl` is 1 only where the
   environment names another interface, as it does in the lab's own network. Another interface from
   --iface is reported on stderr, with the name `program`. False with `err` (STATUS_USAGE). */
bool client_find_group(struct client_group *group, const char *program,
	struct client_options *options, struct err *err);

#endif
