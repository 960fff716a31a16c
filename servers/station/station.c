#include "servers/station/station.h"

#include <string.h>

void station_init(struct station *station, const char *text, size_t len,
	const char id[WIRE_ID_BYTES])
{
	*station = (struct station){ .text = text, .len = len };
	memcpy(station->id, id, WIRE_ID_BYTES);
}

size_t station_cut(const char *text, size_t len, size_t size)
{
	if (len <= size)
		return len;
	/* The bytes of a character behind its first have the form 10xxxxxx; there are at most three
	   (RFC 3629, section 3). */
	size_t cut = size;
	while (cut > 0 && size - cut < 3 && ((unsigned char)text[cut] & 0xC0) == 0x80)
		cut--;
	/* A text that is not UTF-8 is cut anywhere. */
	return ((unsigned char)text[cut] & 0xC0) == 0x80 ? size : cut;
}

size_t station_next(struct station *station, char datagram[STATION_DATAGRAM_MAX],
	unsigned *intervals)
{
	enum { ROOM = STATION_DATAGRAM_MAX - WIRE_ID_BYTES };
	const char *line = STATION_REWIND;
	size_t said = sizeof STATION_REWIND - 1;
	memcpy(datagram, station->id, WIRE_ID_BYTES);
	*intervals = 1;
	if (station->at >= station->len) {
		station->at = 0;
		*intervals = STATION_PAUSE;
	} else {
		line = station->text + station->at;
		size_t left = station->len - station->at;
		const char *newline = memchr(line, '\n', left);
		size_t end = newline ? (size_t)(newline - line) : left;
		size_t bare = newline && end > 0 && line[end - 1] == '\r' ? end - 1 : end;
		said = station_cut(line, bare, ROOM);
		station->at += said < bare ? said : end + (newline != NULL);
	}
	memcpy(datagram + WIRE_ID_BYTES, line, said);
	return WIRE_ID_BYTES + said;
}
