#include "servers/datagram/delays.h"

#include <ev.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
	ITEMS_MAX = 4096,
	BYTES_MAX = 4 << 20,
	PEERS_PART = 8, /* one peer may use this part of both: an eighth */
};

/* Seconds. libev runs timers of the same time in any order. So timers that are started in the same
   iteration of the loop get times that differ by this, which a double can still tell apart after a
   year of uptime. The next iteration comes later than that. */
static const double APART = 10e-9;

struct delayed {
	struct ev_timer timer;
	struct delays *delays;
	struct delayed *prev, *next;
	void (*on_due)(void *item);
	uint64_t peer;
	size_t size;
	max_align_t item[];
};

void delays_init(struct delays *delays, struct ev_loop *loop)
{
	*delays = (struct delays){ .loop = loop };
}

/* Two peers whose keys have the same place share it: peers are few, and a share is large. NULL: the
   lab's own items have no share. */
static struct delays_share *share_of(struct delays *delays, uint64_t peer)
{
	return peer ? &delays->shares[(peer >> 1) % DELAYS_SHARES] : NULL;
}

static bool share_has_room(const struct delays_share *share, size_t size, size_t part)
{
	return share->count < ITEMS_MAX / part && share->bytes + size <= BYTES_MAX / part;
}

static void share_add(struct delays_share *share, size_t size)
{
	share->count++;
	share->bytes += size;
}

static void share_remove(struct delays_share *share, size_t size)
{
	share->count--;
	share->bytes -= size;
}

static void delayed_destroy(struct delayed *delayed)
{
	struct delays *delays = delayed->delays;
	ev_timer_stop(delays->loop, &delayed->timer);
	if (delayed->prev)
		delayed->prev->next = delayed->next;
	else
		delays->first = delayed->next;
	if (delayed->next)
		delayed->next->prev = delayed->prev;
	share_remove(&delays->all, delayed->size);
	if (delayed->peer)
		share_remove(share_of(delays, delayed->peer), delayed->size);
	free(delayed);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct delayed *delayed = timer->data;
	delayed->on_due(delayed->item);
	delayed_destroy(delayed);
}

void *delays_add(struct delays *delays, uint64_t peer, size_t size, double seconds,
	void (*on_due)(void *item))
{
	struct delays_share *share = share_of(delays, peer);
	if (!share_has_room(&delays->all, size, 1) ||
		(share && !share_has_room(share, size, PEERS_PART)))
		return NULL;
	struct delayed *delayed = calloc(1, sizeof *delayed + size);
	if (!delayed)
		return NULL;
	delayed->delays = delays;
	delayed->on_due = on_due;
	delayed->peer = peer;
	delayed->size = size;
	delayed->next = delays->first;
	if (delayed->next)
		delayed->next->prev = delayed;
	delays->first = delayed;
	share_add(&delays->all, size);
	if (share)
		share_add(share, size);
	delays->same = ev_now(delays->loop) == delays->now ? delays->same + 1 : 0;
	delays->now = ev_now(delays->loop);
	ev_timer_init(&delayed->timer, on_timer, seconds + delays->same * APART, 0);
	delayed->timer.data = delayed;
	ev_timer_start(delays->loop, &delayed->timer);
	return delayed->item;
}

void delays_clear(struct delays *delays, void (*on_lost)(void *item))
{
	while (delays->first) {
		if (on_lost)
			on_lost(delays->first->item);
		delayed_destroy(delays->first);
	}
}
