/*
 * How a datagram endpoint tells what happens to datagrams: about the one that is being dealt with,
 * in detail as long as its sender sends no more than can be read (fold.h), else in numbers; and
 * what the network did to it.
 */
#ifndef SERVERS_DATAGRAM_TELLING_H
#define SERVERS_DATAGRAM_TELLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/net.h"
#include "servers/datagram/fold.h"
#include "servers/events/journal.h"
#include "servers/impair/impair.h"

struct telling {
	struct journal *journal;
	enum endpoint_id endpoint;
	struct fold fold;

	/* The datagram that is being dealt with. */
	const struct address *peer; /* NULL: none of anybody's */
	bool told;                  /* in detail */
	char peer_text[ADDRESS_TEXT];

	uint64_t dropped, errors; /* totals */
};

void telling_init(struct telling *telling, struct journal *journal, enum endpoint_id endpoint);

/* What telling of a datagram with this text costs (fold.h), of which at most `most` bytes are
   written, each character that is not plain ASCII as if it were escaped; `spec`: what may happen to
   it, NULL for nothing. */
unsigned telling_cost(const struct impair_spec *spec, const char *text, size_t len, size_t most);

/* Whether a new datagram of this sender is told in detail. */
bool telling_admit(struct telling *telling, const struct address *peer, unsigned cost);

/* From here on events are about this datagram. `peer` stays valid until the next call. */
void telling_regard(struct telling *telling, const struct address *peer, bool told);

/* About that datagram. `telling` is a struct telling; it has the type of struct responder_log's
   emit. */
void telling_emit(void *telling, enum event_type type, const struct field *fields, size_t count);

#define TELL(telling, type, ...)                                                                             \
	telling_emit(telling, type, (const struct field[]){ __VA_ARGS__ },                                    \
		sizeof((const struct field[]){ __VA_ARGS__ }) / sizeof(struct field))

/* About the endpoint itself; never folded. */
void telling_error(struct telling *telling, const char *fault, const char *what);

/* What the network did to the datagram. True: it is lost. */
bool telling_fate(struct telling *telling, int family, enum fate_direction direction,
	const struct impair_fate *fate);

/* The datagram is lost, not by chance. */
void telling_dropped(struct telling *telling, int family, enum fate_direction direction, uint64_t n,
	const char *reason);

/* So many found no room in the kernel's queue; whose they were, nobody knows. Not folded, not among
   the dropped. */
void telling_missed(struct telling *telling, int family, uint64_t count);

/* Once a second, and at the end: tells what was folded. */
void telling_sweep(struct telling *telling);

#endif
