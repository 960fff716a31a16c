/* Who listens on a TCP port of this machine. */
#ifndef SERVERS_PORT_HOLDER_H
#define SERVERS_PORT_HOLDER_H

#include <stddef.h>
#include <stdint.h>

/* Writes " by python3 (pid 4711)" into `text`, "" where /proc does not tell (other systems, other users' processes). */
void port_holder(uint16_t port, char *text, size_t size);

#endif
