/* What is under way: items that are dealt with when their delay is over, in a bounded room of which
   nobody gets more than an eighth. */
#ifndef SERVERS_DATAGRAM_DELAYS_H
#define SERVERS_DATAGRAM_DELAYS_H

#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct delayed;

enum { DELAYS_SHARES = 1024 };

struct delays {
	struct ev_loop *loop;
	struct delayed *first;
	/* a peer's, by its key */
	struct delays_share { size_t count, bytes; } all, shares[DELAYS_SHARES];
	double now;    /* the loop's, when the last one came */
	unsigned same; /* how many came then */
};

void delays_init(struct delays *delays, struct ev_loop *loop);

/* `size` zeroed bytes for the caller to fill; `on_due` is given them `seconds` from now, and then
   they are freed. Of the same delay the first comes first. `peer` is whose they are (peer_key.h), 0
   the lab's own. NULL: too many wait already, or too many of this peer. */
void *delays_add(struct delays *delays, uint64_t peer, size_t size, double seconds,
	void (*on_due)(void *item));

/* Frees what still waits; `on_lost` (or NULL) is given each item first. */
void delays_clear(struct delays *delays, void (*on_lost)(void *item));

#endif
