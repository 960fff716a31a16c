#include "servers/stream/round_trip.h"

#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* More bytes than this are more than one segment on an Ethernet: 1500 less the headers of IPv4 and
   of TCP with timestamps. */
enum { SEGMENT_BYTES = 1448 };

static void set_cork(struct round_trip *trip, int on)
{
	setsockopt(trip->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
	trip->corked = on;
	if (!on)
		trip->uncork_at = INFINITY;
}

void round_trip_init(struct round_trip *trip, int fd, double seconds)
{
	*trip = (struct round_trip){ .fd = fd, .seconds = seconds, .uncork_at = INFINITY };
}

void round_trip_before_send(struct round_trip *trip, size_t len)
{
	if (trip->seconds > 0 && !trip->corked && len > SEGMENT_BYTES)
		set_cork(trip, 1);
}

void round_trip_after_send(struct round_trip *trip, double due)
{
	if (trip->seconds <= 0)
		return;
	if (trip->corked)
		trip->held = true;
	else
		set_cork(trip, 1);
	if (trip->uncork_at == INFINITY)
		trip->uncork_at = due + trip->seconds;
}

void round_trip_expire(struct round_trip *trip, double now)
{
	if (now < trip->uncork_at)
		return;
	set_cork(trip, 0);
	if (trip->held) {
		trip->held = false;
		set_cork(trip, 1);
		trip->uncork_at = now + trip->seconds;
	}
}

void round_trip_end(struct round_trip *trip)
{
	if (trip->corked)
		set_cork(trip, 0);
}
