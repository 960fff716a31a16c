/* Who has a port of this machine. */
#ifndef SERVERS_PORT_HOLDER_H
#define SERVERS_PORT_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who listens on a TCP port or, with `udp`, has bound a UDP port. Writes " by python3 (pid 4711)"
   into `text`, "" where /proc does not tell (other systems, other users' processes). */
void port_holder(uint16_t port, bool udp, char *text, size_t size);

#endif
