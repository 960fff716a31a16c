#include "servers/datagram/shares.h"

#include <string.h>

#include "servers/impair/fate.h"

void shares_begin(struct shares *shares)
{
	*shares = (struct shares){ .turn = shares->turn + 1 };
}

static unsigned place_of(const struct shares *shares, uint64_t key)
{
	/* in this order: what was alike would stay so */
	const uint64_t parts[] = { shares->turn, key };
	uint64_t hash = fate_hash(parts, sizeof parts);
	/* folded: keys may differ in few bits */
	return (unsigned)(hash >> 40 ^ hash >> 20) % SHARES_PLACES;
}

static bool take(uint8_t *taken, uint8_t most)
{
	if (*taken == most)
		return false;
	++*taken;
	return true;
}

/* Its sender's share first: who spins on one socket leaves their address's share to others
   there. */
bool shares_take(struct shares *shares, uint64_t sender, uint64_t host)
{
	return take(&shares->senders[place_of(shares, sender)], SHARES_SENDER) &&
		take(&shares->hosts[place_of(shares, host)], SHARES_HOST);
}
