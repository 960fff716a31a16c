/* How many packets with data one connection of the journal was: by the capture, else by the
   kernel's count. */
#ifndef SERVERS_COMMANDS_ANSWERS_PACKETS_H
#define SERVERS_COMMANDS_ANSWERS_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/commands/answers/facts.h"
#include "servers/network/capture_read.h"

/* Of the packets that carry the PMU's messages: not the handshake's, not that of a Close frame
   alone. */
struct packets {
	bool known;
	uint64_t count;
	/* the kernel's count does not tell whether the last one carries a Close frame alone */
	bool or_one_more;
	bool captured;    /* `count` is that of the capture */
	uint64_t again;   /* sent again */
	struct facts_sizes sizes; /* of each; count 0: not known. The caller frees `items` */
	uint64_t first_frame, last_frame; /* in the capture */

	/* Of the whole connection, handshakes included, where both are known. */
	bool compared;
	uint64_t in_capture, in_events;
};

/* `capture` may be NULL. `packets->known` is false for a connection that has not ended and is in no
   capture. Returns false when out of memory. */
bool packets_of(struct packets *packets, const struct facts *facts, const struct facts_conn *conn,
	const struct capture_streams *capture);

#endif
