/* The events of a report: lines of a journal, escaped so that they may stand in HTML, in bounded
   memory. */
#ifndef SERVERS_COMMANDS_REPORT_EVENTS_H
#define SERVERS_COMMANDS_REPORT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"

enum {
	/* bytes of the last events that are kept, about 150,000 events: a browser still opens that
	   at once */
	REPORT_BYTES = 32 << 20,
	/* events that are kept, however old, because they set a state that still holds */
	REPORT_STATES = 256,
};

/* An event that sets a state: where an endpoint listens, the value of a key, whether an endpoint is
   paused, the served family. */
struct report_state {
	char *what; /* the state; the next event about the same state replaces this one */
	char *line;
	uint64_t seq; /* the event's number */
};

/*
 * The `start` event, when the journal begins with it; the last events, as many as fit; and the
 * states that still hold, also from older events. Each event is a line without "<" and without
 * control characters, but for its line end. All zero before report_events_read.
 */
struct report_events {
	char *start; /* NULL: the journal does not begin with one */
	struct report_state states[REPORT_STATES]; /* in the order of `seq` */
	size_t state_count;
	char *last;       /* the last events: a ring buffer of REPORT_BYTES */
	size_t from, len; /* the used part of the ring, in bytes */
	/* `seq` of the event before the first one that went into the ring; of the last event */
	uint64_t before, seq;
	/* events in the journal; events that the ring had no room for */
	uint64_t count, left_out;
	struct {
		char *text; /* the line that is being read or written */
		size_t size;
	} line;
};

/* Reads the whole journal at `path`; "-" is stdin. Warnings go to stderr as `program`.
   report_events_free is due in either case. False with `err`: STATUS_USAGE: the journal cannot be
   read, is empty, or is not the journal of one run; STATUS_FAILED: no memory for the ring. */
bool report_events_read(struct report_events *events, const char *program, const char *path,
	struct err *err);

/* Writes the events. Where older events are left out, their states that still hold are written, and
   then a `lost` event that counts the others. The caller checks ferror(out). Needs a successful
   report_events_read. */
void report_events_write(struct report_events *events, FILE *out);

/* Frees all, and makes `events` all zero. Accepts one that is all zero. */
void report_events_free(struct report_events *events);

#endif
