#include "servers/datagram/peer_key.h"

#include <netinet/in.h>
#include <string.h>

#include "servers/impair/fate.h"

/* Hashes the parts, not the whole sockaddr: flow label, scope and padding do not identify a
   sender. */
static uint64_t key_of(const struct address *peer, uint16_t port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&peer->ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&peer->ss;
	struct { uint16_t family, port; unsigned char host[sizeof in6->sin6_addr]; } parts = {
		.family = peer->ss.ss_family, .port = port };
	if (peer->ss.ss_family == AF_INET6)
		memcpy(parts.host, &in6->sin6_addr, sizeof in6->sin6_addr);
	else
		memcpy(parts.host, &in->sin_addr, sizeof in->sin_addr);
	return fate_hash(&parts, sizeof parts) | 1;
}

uint64_t peer_key_host(const struct address *peer)
{
	return key_of(peer, 0);
}

uint64_t peer_key(const struct address *peer)
{
	return key_of(peer, address_port(peer));
}
