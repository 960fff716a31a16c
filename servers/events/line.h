/* An event as a line of NDJSON, as docs/events.md describes it. */
#ifndef SERVERS_EVENTS_LINE_H
#define SERVERS_EVENTS_LINE_H

#include <stddef.h>

#include "servers/events/event.h"

/* Bytes of any line. A `start` carries the whole configuration; the others stay far below. */
enum { EVENT_TEXT_MAX = 16384 };

/* Writes the event with its newline; returns its length, 0 when it does not fit. No NUL counts or
   is needed. */
size_t event_write(char *text, size_t size, const struct event *event);

/* Writes a `lost` in the place of `count` events, of which the last has the number `seq`, at the
   time `t`. */
size_t event_write_lost(char *text, size_t size, double t, uint64_t seq, uint64_t count);

#endif
