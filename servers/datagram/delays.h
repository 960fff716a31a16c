/* Delayed items, each handed to a function when its delay is over. At most 4096 items and 4 MiB
   wait at a time. One peer may use an eighth of that. */
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
	/* items and bytes that wait: of all, and by the peer's key */
	struct delays_share { size_t count, bytes; } all, shares[DELAYS_SHARES];
	double now;    /* ev_now() when the last item was added */
	unsigned same; /* how many items were added before it at the same ev_now() */
};

/* `loop` outlives `delays`. Call delays_clear at the end: it stops the timers. */
void delays_init(struct delays *delays, struct ev_loop *loop);

/*
 * Returns an item of `size` zeroed bytes, which the caller fills. `on_due` is called with it
 * `seconds` from now (the loop's time); afterwards it is freed. Items with the same delay keep
 * their order. `peer` is the key of the item's peer (peer_key.h); 0: an item of the lab itself,
 * which only counts in the total. NULL: too many items or bytes wait, in all or for this peer, or
 * out of memory.
 */
void *delays_add(struct delays *delays, uint64_t peer, size_t size, double seconds,
	void (*on_due)(void *item));

/* Frees all items that still wait. Before an item is freed, `on_lost` is called with it, unless
   `on_lost` is NULL. */
void delays_clear(struct delays *delays, void (*on_lost)(void *item));

#endif
