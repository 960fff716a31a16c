#include "servers/datagram/endpoint_delays.h"

#include <ev.h>
#include <stdlib.h>

enum {
	ITEMS_MAX = 4096,
	BYTES_MAX = 4 << 20,
};

/* Timers of one time run in any order, so those that begin in one turn of the loop are set apart by as much as a double
   can tell after a year. It is less than the next turn is later. */
static const double APART = 10e-9;

struct delayed {
	struct ev_timer timer;
	struct delays *delays;
	struct delayed *prev, *next;
	void (*on_due)(void *item);
	size_t size;
	max_align_t item[];
};

void delays_init(struct delays *delays, struct ev_loop *loop)
{
	*delays = (struct delays){ .loop = loop };
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
	delays->count--;
	delays->bytes -= delayed->size;
	free(delayed);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct delayed *delayed = timer->data;
	delayed->on_due(delayed->item);
	delayed_destroy(delayed);
}

void *delays_add(struct delays *delays, size_t size, double seconds, void (*on_due)(void *item))
{
	struct delayed *delayed = NULL;
	if (delays->count < ITEMS_MAX && delays->bytes + size <= BYTES_MAX)
		delayed = calloc(1, sizeof *delayed + size);
	if (!delayed)
		return NULL;
	delayed->delays = delays;
	delayed->on_due = on_due;
	delayed->size = size;
	delayed->next = delays->first;
	if (delayed->next)
		delayed->next->prev = delayed;
	delays->first = delayed;
	delays->count++;
	delays->bytes += size;
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
