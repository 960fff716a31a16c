/* The events of a report: those of a journal as they may stand inside of HTML, in bounded
   memory. */
#ifndef SERVERS_COMMANDS_REPORT_EVENTS_H
#define SERVERS_COMMANDS_REPORT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/err.h"

enum {
	REPORT_BYTES = 32 << 20, /* what a browser still opens at once, some 150,000 events */
	REPORT_STATES = 256,     /* events that are kept because what they tell still holds */
};

/* An event that tells how something is from then on: where a server listens, a key's value, a
   pause, a family. */
struct report_state {
	char *what; /* it holds until another one about the same comes */
	char *line;
	uint64_t seq;
};

/*
 * The first event, where it is a `start`, and the last ones that fit; of those before them what
 * still holds. Each is a line without any "<" or control character in it.
 */
struct report_events {
	char *start; /* NULL: the journal does not begin with one */
	struct report_state states[REPORT_STATES]; /* in the order of their numbers */
	size_t state_count;
	char *last;  /* a ring of REPORT_BYTES */
	size_t from, len;         /* in it */
	/* numbers: what stands before the events of the ring when all are in it; the last */
	uint64_t before, seq;
	uint64_t count, left_out; /* events in the journal; those for which the ring has no room */
	struct {
		char *text; /* one line on its way */
		size_t size;
	} line;
};

/* Reads a whole journal ("-": stdin); warns on stderr as `program`. `events` is all zero before,
   and to be freed whatever it answers. False with `err` (STATUS_USAGE): it cannot be read, is no
   journal of one run, or is empty. */
bool report_events_read(struct report_events *events, const char *program, const char *path,
	struct err *err);

/* Writes them; where some are left out, a `lost` stands in their place, behind what still holds of
   them. Look at ferror(out) afterwards. */
void report_events_write(struct report_events *events, FILE *out);

void report_events_free(struct report_events *events);

#endif
