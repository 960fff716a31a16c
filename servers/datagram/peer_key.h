/* A hash that stands for a sender. Pure. */
#ifndef SERVERS_DATAGRAM_PEER_KEY_H
#define SERVERS_DATAGRAM_PEER_KEY_H

#include <stdint.h>

#include "common/net.h"

/* The key of the IP address, without the port; never 0. */
uint64_t peer_key_host(const struct address *peer);

/* The key of IP address and port; never 0. */
uint64_t peer_key(const struct address *peer);

#endif
