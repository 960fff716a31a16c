/* Which process has a port of this machine. */
#ifndef SERVERS_PORT_HOLDER_H
#define SERVERS_PORT_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Finds the process that listens on a TCP port or, with `udp`, has bound a UDP port. Writes " by
   python3 (pid 4711)" into `text`, which has `size` bytes. Writes "" where /proc does not tell: on
   other systems, or for processes of other users. */
void port_holder(uint16_t port, bool udp, char *text, size_t size);

#endif
