/*
 * The events of a datagram endpoint. Events about the current datagram are emitted in detail as
 * long as its sender sends no more than a person can read (fold.h); further datagrams are only
 * counted. It also emits what the network did to a datagram.
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

	/* The current datagram. */
	const struct address *peer; /* NULL: events have no peer */
	bool told;                  /* its events are emitted */
	char peer_text[ADDRESS_TEXT]; /* `peer` as text; "": not formatted yet */

	uint64_t dropped, errors; /* totals */
};

/* `journal` outlives `telling`. */
void telling_init(struct telling *telling, struct journal *journal, enum endpoint_id endpoint);

/* What the detailed events of a datagram cost (fold.h). `text` is its text, of which at most `most`
   bytes are written; a byte that is not plain printable ASCII counts as if it were escaped. `spec`
   is the impairments that may happen to it, NULL for none. */
unsigned telling_cost(const struct impair_spec *spec, const char *text, size_t len, size_t most);

/* Whether the events of a new datagram from `peer` are emitted; if so, `cost` is paid for. False
   also when nobody reads the journal. */
bool telling_admit(struct telling *telling, const struct address *peer, unsigned cost);

/* Makes a datagram the current one. `told`: whether its events are emitted. `peer` NULL: the events
   that follow have no peer. `peer` stays valid until the next call. */
void telling_regard(struct telling *telling, const struct address *peer, bool told);

/* Emits an event about the current datagram, if it is told. `telling` is a struct telling: the
   function has the type of struct responder_log's `emit`. An EVENT_ERROR is counted in any case. */
void telling_emit(void *telling, enum event_type type, const struct field *fields, size_t count);

/* telling_emit with a list of fields (F_TEXT and so on). */
#define TELL(telling, type, ...)                                                                   \
	telling_emit(telling, type, (const struct field[]){ __VA_ARGS__ },                         \
		sizeof((const struct field[]){ __VA_ARGS__ }) / sizeof(struct field))

/* Emits `error` about the endpoint itself. It is never folded. */
void telling_error(struct telling *telling, const char *fault, const char *what);

/* Emits what the network did to the current datagram: `drop`, or `corrupt`, `duplicate`, `reorder`
   and `delay`. True: it is lost. `family` is 4 or 6. */
bool telling_fate(struct telling *telling, int family, enum fate_direction direction,
	const struct impair_fate *fate);

/* Emits `drop` for the current datagram, which is lost for `reason` and not by chance. `n` is its
   number; 0: it has none. */
void telling_dropped(struct telling *telling, int family, enum fate_direction direction, uint64_t n,
	const char *reason);

/* Emits one `drop` for `count` datagrams that the kernel dropped because the socket's queue was
   full. Their senders are unknown. It is never folded, and not counted in `dropped`. */
void telling_missed(struct telling *telling, int family, uint64_t count);

/* Emits `repeated` for the datagrams that were folded since the last call. The endpoint calls it
   once a second and when it stops. */
void telling_sweep(struct telling *telling);

#endif
