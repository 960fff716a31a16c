/* How the station sends the play: one line each interval, through an imperfect network, to the
   group. */
#include "servers/station/endpoint_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"

/* A delayed datagram to the group. */
struct pending {
	struct endpoint_tv *tv;
	uint64_t n;
	size_t len;
	char data[];
};

void tv_regard_nobody(struct endpoint_tv *tv)
{
	telling_regard(&tv->telling, NULL, true);
}

static void transmit(struct endpoint_tv *tv, const char *data, size_t len)
{
	if (sendto(tv->speaking, data, len, 0, (const struct sockaddr *)&tv->group.ss,
		    tv->group.len) >= 0)
		return;
	char what[128];
	snprintf(what, sizeof what, "a datagram could not be sent to the group: %s",
		strerror(errno));
	/* Errors are folded, since an interface that is down causes one for each datagram. */
	if (telling_admit(&tv->telling, &tv->group, 1))
		telling_error(&tv->telling, "network", what);
}

static void on_due(void *item)
{
	const struct pending *pending = item;
	transmit(pending->tv, pending->data, pending->len);
}

void tv_on_lost(void *item)
{
	const struct pending *pending = item;
	tv_regard_nobody(pending->tv);
	telling_dropped(&pending->tv->telling, TV_FAMILY, FATE_REPLY, pending->n,
		"the lab has stopped");
}

static void hold(struct endpoint_tv *tv, const char *data, size_t len, uint64_t n, double delay)
{
	struct pending *pending = delays_add(&tv->delays, 0, sizeof *pending + len, delay, on_due);
	if (!pending) {
		telling_dropped(&tv->telling, TV_FAMILY, FATE_REPLY, n, "too many are delayed");
		return;
	}
	*pending = (struct pending){ .tv = tv, .n = n, .len = len };
	memcpy(pending->data, data, len);
}

uint64_t tv_broadcast(struct endpoint_tv *tv, const char *data, size_t len)
{
	char copy[STATION_DATAGRAM_MAX];
	struct impair_fate fate =
		impair_next(&tv->impair, impair_config_spec(&tv->imperfection), len);
	if (telling_fate(&tv->telling, TV_FAMILY, FATE_REPLY, &fate))
		return 0;
	memcpy(copy, data, len);
	impair_flip(&fate, copy);
	for (unsigned i = 0; i < fate.copies; i++) {
		if (fate.delay[i] > 0)
			hold(tv, copy, len, fate.n, fate.delay[i]);
		else
			transmit(tv, copy, len);
	}
	return fate.n;
}

void tv_schedule(struct endpoint_tv *tv, double late)
{
	double now = clock_now();
	tv->interval = config_seconds(tv->options.config, KEY_TV_INTERVAL, tv->base.id);
	tv->due = tv->said + tv->intervals * tv->interval;
	if (tv->due < now - late)
		tv->due = now;
	ev_now_update(tv->options.loop);
	ev_timer_stop(tv->options.loop, &tv->line);
	ev_timer_set(&tv->line, tv->due > now ? tv->due - now : 0, 0);
	ev_timer_start(tv->options.loop, &tv->line);
}

void tv_on_line(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct endpoint_tv *tv = timer->data;
	char datagram[STATION_DATAGRAM_MAX];
	tv->said = tv->due;
	size_t len = station_next(&tv->station, datagram, &tv->intervals);
	tv_regard_nobody(tv);
	uint64_t n = tv_broadcast(tv, datagram, len);
	if (n > 0) {
		tv->totals.lines++;
		TELL(&tv->telling, EVENT_LINE, F_INTEGER("n", n), F_INTEGER("bytes", len),
			F_SAID("text", datagram, len));
	}
	tv_schedule(tv, TV_LATE_SECONDS);
}
