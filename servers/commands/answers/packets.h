/* The packets that carried the messages of one connection of the journal: counted in the capture,
   or without it concluded from the kernel's count of segments. */
#ifndef SERVERS_COMMANDS_ANSWERS_PACKETS_H
#define SERVERS_COMMANDS_ANSWERS_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/commands/answers/facts.h"
#include "servers/network/capture_read.h"

/* Only packets that carry the PMU's messages count. The packet of the WebSocket handshake does not,
   nor does one with nothing but a Close frame. */
struct packets {
	bool known; /* false: neither the capture nor the kernel's count gives `count` */
	uint64_t count;
	/* `count` may be one too low: the kernel's count does not tell whether the last packet
	   carries only the Close frame */
	bool or_one_more;
	bool captured;  /* `count` is from the capture, else from the kernel */
	uint64_t again; /* retransmitted packets with data, of the whole connection */
	/* of each packet, in order; its `count` is 0 where the sizes are not known. The caller
	   frees `sizes.items` */
	struct facts_sizes sizes;
	uint64_t first_frame, last_frame; /* in the capture, from 1; 0: not `captured` */

	/* Packets with data from the lab in the whole connection, handshake included: by the
	   capture and by the kernel. Only when both are known (`compared`). */
	bool compared;
	uint64_t in_capture, in_events;
};

/* `conn` is one of `facts`; `capture` may be NULL. `packets->known` becomes false when the capture
   does not have the connection, and the kernel's count is missing or contradicts itself; it is
   missing where the connection has not ended. False: out of memory. */
bool packets_of(struct packets *packets, const struct facts *facts, const struct facts_conn *conn,
	const struct capture_streams *capture);

#endif
