/* Observers that write: NDJSON for programs, aligned lines for people, a summary at the end. */
#ifndef SERVERS_EVENTS_OBSERVERS_H
#define SERVERS_EVENTS_OBSERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "servers/events/journal.h"

/* What became of a file of events, known once its observer is destroyed. */
struct events_outcome {
	/* errno, why its end is missing; 0: it is complete, or its reader has gone or did not
	   read */
	int error;
	uint64_t missing; /* the last so many events, of which no `lost` in it tells */
};

/*
 * One JSON object a line on `fd`, described in docs/events.md. What cannot be taken (reader
 * stopped, disk full, `limit` bytes reached; 0: none) is counted and told by a `lost` event as soon
 * as there is room. The descriptor is the observer's from here on and closed at its end, except 0
 * to 2. `outcome` (may be NULL) outlives the observer. NULL: no memory.
 */
struct observer *observer_jsonl_create(int fd, uint64_t limit, struct events_outcome *outcome);

enum text_mode {
	TEXT_WARNINGS,  /* only what is odd about the configuration */
	TEXT_SENTENCES, /* one line per thing that matters */
	TEXT_ALL,       /* every event, with its time */
};

/* Lines for people on `fd`, which stays the caller's. NULL: no memory. */
struct observer *observer_text_create(int fd, enum text_mode mode, bool colour);

/*
 * One block of at most 24 lines on `fd`, which stays the caller's, when the observer is destroyed:
 * which endpoints were met, what they were asked, what came of it, what was wrong. Nothing where no
 * endpoint has listened. What stands on the same terminal before it belongs to observers that are
 * added after this one: the last is destroyed first. NULL: no memory.
 */
struct observer *observer_summary_create(int fd);

#endif
