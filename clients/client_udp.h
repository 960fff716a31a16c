/* What the datagram clients share: where a datagram goes, who has sent one, and what stands in
   it. */
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
	CLIENT_DATAGRAM_MAX = 65536, /* bytes: none is longer (RFC 768) */
	CLIENT_PACKET_MAX =
		/* bytes that fit into one packet: Ethernet's 1500, less 20 of IPv4 and 8 of UDP */
		1472,
};

/*
 * The address of `host` in `family`. AF_UNSPEC: in IPv4 if there is one, else in IPv6; trying one
 * after the other as with TCP is of no use, since nothing tells whether a datagram has arrived.
 * "localhost" is the loopback address of either family, whatever /etc/hosts has (RFC 6761 6.3).
 * False with `err`.
 */
bool client_resolve(const char *host, uint16_t port, int family, struct address *address,
	struct err *err);

/* The same address and port. */
bool client_is_from(const struct address *from, const struct address *expected);

/*
 * A socket that is not connected is told of closed ports only when it asks for it (ip(7),
 * IP_RECVERR; the errors stand in a queue, which poll(2) shows as POLLERR). client_take_refusals
 * empties the queue: how many of our datagrams met a closed port.
 */
void client_hear_refusals(int fd, int family);
long client_take_refusals(int fd);

/* Text for people to read, on stdout: printable UTF-8 as it is; control characters (\n, \x1b), the
   backslash and bytes that are no UTF-8 escaped, so that nobody who sends a datagram can hijack a
   terminal. */
void client_print_text(const char *data, size_t len);

/* How many of `len` bytes go into a piece of at most `max` >= 4: all, or fewer so that no UTF-8
   character is cut. */
size_t client_cut(const char *data, size_t len, size_t max);

/* Characters of UTF-8; bytes that are none count too. */
size_t client_characters(const char *data, size_t len);

/* A multicast group, the interface by which it is reached, and how far a datagram has to go. */
struct client_group {
	struct address address;
	struct in_addr interface;
	/* networks: 1 in the lab's own network, where nothing leaves the machine; else 0 */
	int ttl;
};

/* --group, --port and --iface; else PMULAB_TV_GROUP, PMULAB_TV_PORT and PMULAB_TV_INTERFACE; else
   224.1.1.1, 5005, the loopback. Any other interface has to be asked for, and is told on stderr.
   False with `err` (STATUS_USAGE). */
bool client_find_group(struct client_group *group, const char *program,
	struct client_options *options, struct err *err);

#endif
