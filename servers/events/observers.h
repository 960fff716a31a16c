/* The observers that write events: as NDJSON for programs, as aligned lines for people, as a
   summary at the end. */
#ifndef SERVERS_EVENTS_OBSERVERS_H
#define SERVERS_EVENTS_OBSERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "servers/events/journal.h"

/* What became of a file of events, known once its observer is destroyed. The caller sets it to zero
   before; the observer writes it only when writing has failed. */
struct events_outcome {
	/* errno: why the end of the file is missing. 0: the file is complete, or its reader has
	   gone or has not read */
	int error;
	/* how many events are missing at the end without a `lost` that tells of them */
	uint64_t missing;
};

/*
 * Writes each event as a line of JSON on `fd`; docs/events.md describes it. Lines that cannot be
 * written are counted: the reader has stopped, the disk is full, or `limit` bytes (0: no limit) are
 * reached. A `lost` event tells their number as soon as there is room. The observer owns the
 * descriptor, and closes it at its end unless it is 0, 1 or 2. `outcome` (may be NULL) outlives the
 * observer. NULL: out of memory, or no thread.
 */
struct observer *observer_jsonl_create(int fd, uint64_t limit, struct events_outcome *outcome);

enum text_mode {
	TEXT_WARNINGS,  /* only warnings about the configuration */
	TEXT_SENTENCES, /* one line for each event that matters */
	TEXT_ALL,       /* every event, with its time */
};

/* Writes lines for people on `fd`, which stays the caller's and outlives the observer. NULL: out of
   memory, or no thread. */
struct observer *observer_text_create(int fd, enum text_mode mode, bool colour);

/*
 * Writes one block of at most 24 lines on `fd` when the observer is destroyed: which endpoints the
 * program met, what it asked of them, what came of it, what was wrong. It writes nothing when no
 * endpoint has listened. `fd` stays the caller's. Observers are destroyed in reverse order: add an
 * observer whose output shall stand above the block after this one. NULL: out of memory.
 */
struct observer *observer_summary_create(int fd);

#endif
