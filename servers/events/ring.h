/*
 * The last events as lines of NDJSON, in bounded memory. A late reader can read on from any line
 * that is still kept. The ring is an observer, so the journal owns it: it lives until the emulator
 * is destroyed.
 */
#ifndef SERVERS_EVENTS_RING_H
#define SERVERS_EVENTS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/events/journal.h"

enum { RING_BYTES = 8 << 20 }; /* what the lab keeps: about 50,000 lines */

struct ring;

/* Makes a ring that keeps `bytes` bytes of lines, at least EVENT_TEXT_MAX. Its index takes another
   quarter of that. NULL: out of memory. */
struct ring *ring_create(size_t bytes);

/* The ring as an observer, for emulator_observe or journal_observe, which then owns it. Call it
   once, before the first event. */
struct observer *ring_observer(struct ring *ring);

/* The number of the oldest line that is kept; where none is kept, that of the next event. */
uint64_t ring_first(const struct ring *ring);

/* The number that the next event will have. */
uint64_t ring_next(const struct ring *ring);

struct ring_line {
	uint64_t seq;
	enum event_type type; /* EVENT_LOST in place of an event that was too long for a line */
	enum endpoint_id endpoint; /* ENDPOINT_NONE: the event is about the whole lab */
	/* the JSON object and its newline, without a NUL; the ring's, valid until the next event */
	const char *text;
	size_t len;
};

/* Finds the line with the number `seq`. False: it is no longer kept (seq < ring_first), or has not
   happened yet (seq >= ring_next). */
bool ring_line(const struct ring *ring, uint64_t seq, struct ring_line *line);

/*
 * Has `on_event` called whenever a line was added. The call comes while the event is being emitted:
 * it must not block, emit or change the lab. It should only start a watcher that reads in the
 * loop's next turn. There is one such function at a time; NULL: none.
 */
void ring_notify(struct ring *ring, void (*on_event)(void *context), void *context);

#endif
