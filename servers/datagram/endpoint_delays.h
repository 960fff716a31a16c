/* What is under way: items that are dealt with when their delay is over, in a bounded room. */
#ifndef SERVERS_DATAGRAM_ENDPOINT_DELAYS_H
#define SERVERS_DATAGRAM_ENDPOINT_DELAYS_H

#include <stddef.h>

struct ev_loop;
struct delayed;

struct delays {
	struct ev_loop *loop;
	struct delayed *first;
	size_t count, bytes;
	double now;    /* the loop's, when the last one came */
	unsigned same; /* how many came then */
};

void delays_init(struct delays *delays, struct ev_loop *loop);

/* `size` zeroed bytes for the caller to fill; `on_due` is given them `seconds` from now, and then they are freed. Of the
   same delay the first comes first. NULL: too many wait already. */
void *delays_add(struct delays *delays, size_t size, double seconds, void (*on_due)(void *item));

/* Frees what still waits; `on_lost` (or NULL) is given each item first. */
void delays_clear(struct delays *delays, void (*on_lost)(void *item));

#endif
