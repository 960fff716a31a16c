/*
 * Writes lines to a descriptor from a thread of its own, through a bounded queue. A pipe without a
 * reader, a stopped terminal or a slow disk never delays the caller. Lines that do not fit are
 * refused; the caller counts them.
 */
#ifndef SERVERS_EVENTS_SINK_H
#define SERVERS_EVENTS_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink;

/* Starts the thread. `fd` stays the caller's and outlives the sink. `limit`: bytes that are written
   in all, 0: no limit. NULL: out of memory, or no thread. */
struct sink *sink_create(int fd, uint64_t limit);

/* Queues the whole line (copied) or nothing. `reserve` bytes of the queue and of the limit are left
   free. False: the queue is full, the limit is reached, or writing has failed for good (reader
   gone). */
bool sink_write(struct sink *sink, const char *line, size_t len, size_t reserve);

/* What a sink has not written. */
struct sink_loss {
	/* errno of the last write, when it failed; 0: it did not fail, but perhaps the reader did
	   not read */
	int error;
	uint64_t lines; /* lines that were queued and not written as a whole */
};

/* Waits up to `seconds` until the queue is written, then gives up the rest and frees the sink.
   `loss` (may be NULL) gets what was given up. Accepts NULL. */
void sink_destroy(struct sink *sink, double seconds, struct sink_loss *loss);

#endif
