/* The turns of the address families: which socket is open, and when that changes. */
#include "servers/datagram/endpoint_private.h"

#include <math.h>
#include <time.h>

#include "common/clock.h"

/* When a family's turn ends, the datagrams in its queue are still served: as many as the socket's
   receive buffer holds. */
enum { LAST_BATCHES = 192 };

/* The wall clock is read at least this often: it may be set, and summer time may begin. */
static const double TURN_SECONDS_MAX = 30;
/* After this time a port that could not be opened is tried again. */
static const double RETRY_SECONDS = 1;

static void side_watch(struct side *side)
{
	ev_io_stop(side->endpoint->options.loop, &side->io);
	ev_io_init(&side->io, udp_on_readable, side->fd, EV_READ);
	side->io.data = side;
	ev_io_start(side->endpoint->options.loop, &side->io);
}

void udp_read_turns(struct endpoint_udp *endpoint)
{
	enum endpoint_id id = endpoint->base.id;
	endpoint->turns = (struct turns){ .kind = TURNS_FIXED, .families = TURN_4 | TURN_6 };
	if (endpoint_table[id].groups & GROUP_RESET)
		turns_parse(&endpoint->turns,
			config_text(endpoint->options.config, KEY_RESET_FAMILY, id), NULL);
}

void udp_change_turns(struct endpoint_udp *endpoint)
{
	struct turns before = endpoint->turns;
	udp_read_turns(endpoint);
	const struct turns *now = &endpoint->turns;
	if (now->kind != before.kind || now->families != before.families ||
		now->period != before.period)
		endpoint->turn_told = false;
	udp_take_turn(endpoint);
}

static double since_midnight(void)
{
	struct timespec now;
	struct tm local;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	return local.tm_hour * 3600.0 + local.tm_min * 60.0 + local.tm_sec +
	       (double)now.tv_nsec * 1e-9;
}

static unsigned families_of(const struct endpoint_udp *endpoint)
{
	unsigned families = 0;
	for (size_t i = 0; i < endpoint->side_count; i++)
		families |= endpoint->sides[i].active ? endpoint->sides[i].turn : 0;
	return families;
}

static const char *family_name(unsigned families)
{
	static const char *const names[] = { "none", "IPv4", "IPv6", "IPv4 and IPv6" };
	return names[families];
}

const char *udp_family(const struct endpoint *base, double *left)
{
	const struct endpoint_udp *endpoint = (const struct endpoint_udp *)base;
	turns_active(&endpoint->turns, clock_now() - endpoint->started, since_midnight(), left);
	return family_name(families_of(endpoint));
}

static void tell_turn(struct endpoint_udp *endpoint, unsigned families, double left)
{
	const struct subject subject = { .endpoint = endpoint->base.id };
	if (isfinite(left))
		EMIT(endpoint->options.journal, EVENT_FAMILY, &subject,
			F_TEXT("active", family_name(families)), F_REAL("seconds", left));
	else
		EMIT(endpoint->options.journal, EVENT_FAMILY, &subject,
			F_TEXT("active", family_name(families)));
}

/* Opens or closes a family's socket. udp_take_turn opens all sockets before it closes any.
   Datagrams that are in the queue when the family's turn ends are served. False: the port could not
   be opened, try again. */
static bool side_serve(struct side *side, bool active)
{
	struct endpoint_udp *endpoint = side->endpoint;
	bool closed = endpoint_table[endpoint->base.id].groups & GROUP_RESET &&
		      config_integer(endpoint->options.config, KEY_RESET_INACTIVE,
			      endpoint->base.id) == RESET_CLOSED;
	if (active || !closed) {
		struct err err;
		bool was_closed = side->fd < 0;
		if (!udp_side_open(side, &err)) {
			telling_error(&endpoint->telling, "server", err.text);
			return false;
		}
		if (side->active && !active)
			udp_read_batches(side, LAST_BATCHES);
		if (was_closed || !ev_is_active(&side->io))
			side_watch(side);
	} else {
		if (side->active && side->fd >= 0) {
			batch_refuse(side->fd);
			udp_read_batches(side, LAST_BATCHES);
			side->leaving = side->under_way > 0;
		}
		if (side->leaving)
			ev_io_stop(endpoint->options.loop, &side->io);
		else
			udp_side_close(side);
	}
	side->active = active;
	return true;
}

void udp_take_turn(struct endpoint_udp *endpoint)
{
	double left, again = TURN_SECONDS_MAX;
	unsigned before = families_of(endpoint);
	unsigned families = turns_active(&endpoint->turns, clock_now() - endpoint->started,
		since_midnight(), &left);
	if (left < again)
		again = left;
	/* First the families whose turn begins, then those whose turn ends. */
	for (int active = 1; active >= 0; active--) {
		for (size_t i = 0; i < endpoint->side_count; i++) {
			struct side *side = &endpoint->sides[i];
			if (((families & side->turn) != 0) == active && !side_serve(side, active))
				again = RETRY_SECONDS;
		}
	}
	unsigned now = families_of(endpoint);
	if (now != before || !endpoint->turn_told)
		tell_turn(endpoint, now, left);
	endpoint->turn_told = true;
	ev_now_update(endpoint->options.loop);
	endpoint->turn.repeat = again > 0.001 ? again : 0.001;
	ev_timer_again(endpoint->options.loop, &endpoint->turn);
}

void udp_on_turn(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	udp_take_turn(timer->data);
}
