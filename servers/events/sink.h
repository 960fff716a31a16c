/*
 * Writes lines to a descriptor from a thread of its own, through a bounded queue: a pipe that
 * nobody reads, a stopped terminal or a slow disk never delays the caller. What does not fit is
 * refused, and the caller counts it.
 */
#ifndef SERVERS_EVENTS_SINK_H
#define SERVERS_EVENTS_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink;

/* `fd` is the caller's and must outlive the sink. `limit`: bytes written in all, 0 for no limit.
   NULL: no memory or no thread. */
struct sink *sink_create(int fd, uint64_t limit);

/* Queues a whole line or nothing. False: the queue is full, the limit is reached, or writing has
   failed (full disk, reader gone). `reserve` bytes of the queue and the limit are left free. */
bool sink_write(struct sink *sink, const char *line, size_t len, size_t reserve);

/* What a sink had to give up. */
struct sink_loss {
	/* errno of the write that failed last, and was not made good; 0: none did, at most nobody
	   read */
	int error;
	uint64_t lines; /* queued, and not written whole */
};

/* Waits up to `seconds` for what is queued, then gives up the rest: `loss` (may be NULL) says what
   that was. Accepts NULL. */
void sink_destroy(struct sink *sink, double seconds, struct sink_loss *loss);

#endif
