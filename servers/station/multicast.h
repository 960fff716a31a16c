/* Sockets for an IPv4 multicast group: one that hears it, one that sends to it (ip(7)). */
#ifndef SERVERS_STATION_MULTICAST_H
#define SERVERS_STATION_MULTICAST_H

#include <netinet/in.h>
#include <stdbool.h>

#include "common/err.h"
#include "common/net.h"

/* 224.0.0.0 to 239.255.255.255 */
bool multicast_is(const struct address *group);

/* 127.0.0.0 to 127.255.255.255 */
bool multicast_is_loopback(struct in_addr address);

/* Whether a socket of this interface can send there at all: from the loopback interface no other
   host can be reached. STATUS_USAGE. */
bool multicast_check(const struct address *group, struct in_addr interface, struct err *err);

/*
 * A non-blocking, close-on-exec socket that gets what is sent to the group's address and port on
 * the interface, and nothing else. Where `group` is no multicast address there is nothing to join,
 * and the socket hears what is sent to the interface's own address on that port. Receivers that set
 * SO_REUSEADDR too can run beside it; port 0 asks for one that nobody has, and `group` then gets
 * it. -1 with `err` (STATUS_BIND) and errno on failure.
 */
int multicast_hear(struct address *group, struct in_addr interface, struct err *err);

/* The same for sending: from a free port of the interface's address, which `source` gets, through
   that interface, with this TTL (0: stays on this machine), and heard on this machine too. */
int multicast_speak(struct address *source, struct in_addr interface, int ttl, struct err *err);

#endif
