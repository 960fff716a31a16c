/*
 * The play as datagrams: the station's ID and a line, a blank line as the bare ID, at the end
 * "RWND..." and a pause, then again from the start. Pure: it decides what comes next and after how
 * many intervals; it knows no socket, loop or clock.
 */
#ifndef SERVERS_STATION_STATION_H
#define SERVERS_STATION_STATION_H

#include <stddef.h>

#include "common/wire.h"

enum {
	/* bytes: what an Ethernet frame takes behind the headers of IPv4 and UDP */
	STATION_DATAGRAM_MAX = 1472,
	STATION_PAUSE = 3,           /* intervals of silence behind the rewinding, as deployed */
};

#define STATION_REWIND "RWND..."

struct station {
	const char *text; /* UTF-8; the caller's */
	size_t len;
	size_t at;        /* the next byte to say; len: rewinds next */
	char id[WIRE_ID_BYTES];
};

void station_init(struct station *station, const char *text, size_t len,
	const char id[WIRE_ID_BYTES]);

/* Writes the next datagram and returns its length. `*intervals`: the one behind it is due so many
   intervals later. A line that does not fit goes on in the next datagram; it is cut between
   characters. Line ends ("\n", "\r\n") are not sent. */
size_t station_next(struct station *station, char datagram[STATION_DATAGRAM_MAX],
	unsigned *intervals);

/* The most of `len` bytes that fit into `size` without cutting a character of UTF-8. */
size_t station_cut(const char *text, size_t len, size_t size);

#endif
