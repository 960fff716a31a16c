/* Listeners whose connections have the lab's segment size and send buffer, and no Nagle delay:
   round_trip.c emulates it. */
#ifndef SERVERS_STREAM_LISTEN_H
#define SERVERS_STREAM_LISTEN_H

#include <stddef.h>

#include "common/err.h"
#include "common/net.h"

/* net_listen with the lab's options. `mss`: bytes in a segment, 0: the kernel's choice. `flood`:
   bytes that a connection sends at once, 0: few. Returns the listener; -1 with `err` and errno as
   net_listen. */
int stream_listen_on(const struct address *address, int mss, size_t flood, struct err *err);

/* Changes the same two values of an existing listener, for connections that begin from now on. */
void stream_listen_change(int fd, int mss, size_t flood);

#endif
