/* An event as a line of NDJSON, which docs/events.md describes. */
#ifndef SERVERS_EVENTS_LINE_H
#define SERVERS_EVENTS_LINE_H

#include <stddef.h>

#include "servers/events/event.h"

/* Bytes of the longest line. A `start` has the whole configuration; all others are far shorter. */
enum { EVENT_TEXT_MAX = 16384 };

/* Writes the event and a newline, without a NUL. Returns the bytes written; 0: they do not fit into
   `size`. */
size_t event_write(char *text, size_t size, const struct event *event);

/* Writes a `lost` in place of `count` events, the last of which has the number `seq`. `t` is its
   time. Returns as event_write. */
size_t event_write_lost(char *text, size_t size, double t, uint64_t seq, uint64_t count);

#endif
