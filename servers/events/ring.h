/*
 * The last events as lines of NDJSON, in bounded memory: who comes late reads on from any that is
 * still kept. It is an observer, and so the journal's: it lives until the emulator is destroyed.
 */
#ifndef SERVERS_EVENTS_RING_H
#define SERVERS_EVENTS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "servers/events/journal.h"

enum { RING_BYTES = 8 << 20 }; /* what the lab keeps: some 50,000 lines */

struct ring;

/* `bytes` of lines are kept (at least EVENT_TEXT_MAX), and a quarter of that to find them. NULL: no
   memory. */
struct ring *ring_create(size_t bytes);

/* For emulator_observe or journal_observe, which then owns the ring; to be called once, before the
   first event. */
struct observer *ring_observer(struct ring *ring);

/* The number of the oldest line that is kept; that of the next one, where none is. */
uint64_t ring_first(const struct ring *ring);

/* The number that the next event will have. */
uint64_t ring_next(const struct ring *ring);

struct ring_line {
	uint64_t seq;
	enum event_type type; /* EVENT_LOST in the place of one that was too long for any line */
	enum endpoint_id endpoint; /* ENDPOINT_NONE: about the whole lab */
	/* the object and its newline, without NUL; the ring's, until the next event */
	const char *text;
	size_t len;
};

/* False: it is not kept any more (seq < ring_first), or has not happened yet (seq >= ring_next). */
bool ring_line(const struct ring *ring, uint64_t seq, struct ring_line *line);

/*
 * `on_event` is called whenever a line has been added, out of the middle of what happens: it must
 * not block, emit or change the lab; best it starts a watcher that reads on in the loop's next
 * turn. One at a time; NULL: nobody any more.
 */
void ring_notify(struct ring *ring, void (*on_event)(void *context), void *context);

#endif
