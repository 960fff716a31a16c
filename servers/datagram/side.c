/* The socket of one address family of a datagram endpoint. */
#include "servers/datagram/endpoint_private.h"

#include <unistd.h>

#include "common/netns.h"

bool udp_side_open(struct side *side, struct err *err)
{
	/* A leaving socket receives nothing any more. Pending datagrams leave through the new
	   socket, from the same port. */
	if (side->leaving)
		udp_side_close(side);
	int outside;
	if (side->fd < 0 && netns_enter(side->endpoint->options.netns, &outside, err)) {
		side->fd = batch_bind(&side->address, err);
		netns_leave(outside);
	}
	return side->fd >= 0;
}

void udp_tell_missed(struct side *side)
{
	struct batch_queue queue;
	if (side->fd < 0 || !batch_queue(side->fd, &queue) || queue.missed == side->missed)
		return;
	uint32_t missed = queue.missed - side->missed;
	side->missed = queue.missed;
	side->endpoint->totals.missed += missed;
	telling_missed(&side->endpoint->telling, side->number, missed);
}

void udp_side_close(struct side *side)
{
	ev_io_stop(side->endpoint->options.loop, &side->io);
	udp_tell_missed(side);
	if (side->fd >= 0)
		close(side->fd);
	side->fd = -1;
	side->missed = 0;
	side->behind = false;
	side->leaving = false;
}
