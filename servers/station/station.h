/*
 * The play as datagrams. Each datagram is the station's ID and one line of the play; for a blank
 * line it is the ID alone. After the last line comes "RWND...", then a pause, then the play begins
 * again. Pure: it decides what is sent next and after how many intervals; it knows no socket, loop
 * or clock.
 */
#ifndef SERVERS_STATION_STATION_H
#define SERVERS_STATION_STATION_H

#include <stddef.h>

#include "common/wire.h"

enum {
	/* bytes: the payload that fits into an Ethernet frame with IPv4 and UDP headers */
	STATION_DATAGRAM_MAX = 1472,
	/* intervals from "RWND..." to the first line, as in the deployed server */
	STATION_PAUSE = 3,
};

#define STATION_REWIND "RWND..."

struct station {
	const char *text; /* UTF-8; the caller's */
	size_t len;       /* bytes */
	size_t at;        /* the offset of the next byte to send; len: "RWND..." comes next */
	char id[WIRE_ID_BYTES];
};

/* `text` outlives the station; `id` is copied. */
void station_init(struct station *station, const char *text, size_t len,
	const char id[WIRE_ID_BYTES]);

/* Writes the next datagram and returns its length in bytes. `*intervals` is the number of intervals
   until the datagram after it is due. A line that does not fit is cut between characters and goes
   on in the next datagram. Line ends ("\n", "\r\n") are not sent. */
size_t station_next(struct station *station, char datagram[STATION_DATAGRAM_MAX],
	unsigned *intervals);

/* How many of `len` bytes fit into `size` bytes without cutting a character of UTF-8. A text that
   is not UTF-8 is cut anywhere. */
size_t station_cut(const char *text, size_t len, size_t size);

#endif
