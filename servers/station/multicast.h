/* Sockets for an IPv4 multicast group: one that receives from it, one that sends to it (ip(7)). All
   addresses are IPv4. */
#ifndef SERVERS_STATION_MULTICAST_H
#define SERVERS_STATION_MULTICAST_H

#include <netinet/in.h>
#include <stdbool.h>

#include "common/err.h"
#include "common/net.h"

/* Whether it is a multicast address: 224.0.0.0 to 239.255.255.255. */
bool multicast_is(const struct address *group);

/* Whether it is a loopback address: 127.0.0.0 to 127.255.255.255. */
bool multicast_is_loopback(struct in_addr address);

/* Whether a socket of this interface can reach the address. False (STATUS_USAGE): the interface is
   the loopback interface, and `group` is neither a multicast nor a loopback address. */
bool multicast_check(const struct address *group, struct in_addr interface, struct err *err);

/*
 * Makes a non-blocking, close-on-exec socket that receives the datagrams sent to the group's
 * address and port on the interface, and no others. When `group` is no multicast address, the
 * socket joins no group and receives what is sent to the interface's own address and that port.
 * Other receivers that set SO_REUSEADDR too can run beside it. Port 0 asks for a free port, which
 * `group` gets. The caller closes the socket. -1 with `err` (STATUS_BIND) and errno: failure.
 */
int multicast_hear(struct address *group, struct in_addr interface, struct err *err);

/*
 * Makes a non-blocking, close-on-exec socket that sends to multicast groups through the interface,
 * with this TTL (0 to 255; 0: datagrams stay on this machine). Receivers on this machine get them
 * too. It is bound to the interface's address and a free port, which `source` gets. The caller
 * closes the socket. -1 with `err` (STATUS_BIND) and errno: failure.
 */
int multicast_speak(struct address *source, struct in_addr interface, int ttl, struct err *err);

#endif
