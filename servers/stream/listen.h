/* Listeners whose connections leave segments to round_trip.c, with segments and a buffer of the
   lab's sizes. */
#ifndef SERVERS_STREAM_LISTEN_H
#define SERVERS_STREAM_LISTEN_H

#include <stddef.h>

#include "common/err.h"
#include "common/net.h"

/* As net_listen. `mss`: bytes in a segment, 0: the kernel's; `flood`: bytes that are sent at once,
   0: few. */
int stream_listen_on(const struct address *address, int mss, size_t flood, struct err *err);

/* The same for a listener that is there: for connections that begin from now on. */
void stream_listen_change(int fd, int mss, size_t flood);

#endif
