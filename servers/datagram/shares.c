#include "servers/datagram/shares.h"

#include <string.h>

#include "servers/impair/fate.h"

void shares_begin(struct shares *shares)
{
	*shares = (struct shares){ .turn = shares->turn + 1 };
}

static unsigned place_of(const struct shares *shares, uint64_t key)
{
	/* The turn comes first: keys that collide in one turn must not collide in the next. */
	const uint64_t parts[] = { shares->turn, key };
	uint64_t hash = fate_hash(parts, sizeof parts);
	/* XOR-folded, since keys may differ in few bits. */
	return (unsigned)(hash >> 40 ^ hash >> 20) % SHARES_PLACES;
}

static bool take(uint8_t *taken, uint8_t most)
{
	if (*taken == most)
		return false;
	++*taken;
	return true;
}

/* The sender's share comes first: a socket that has used it up takes nothing from the share of its
   address, which stays for other sockets there. */
bool shares_take(struct shares *shares, uint64_t sender, uint64_t host)
{
	return take(&shares->senders[place_of(shares, sender)], SHARES_SENDER) &&
		take(&shares->hosts[place_of(shares, host)], SHARES_HOST);
}
