/*
 * Who has said how much in the station's group: what a datagram is (an ID of six bytes and text),
 * and what each ID has said so far, in bounded memory: those that have been silent longest are
 * forgotten first. Pure: no socket, loop or clock.
 */
#ifndef SERVERS_STATION_AUDIENCE_H
#define SERVERS_STATION_AUDIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"

enum {
	/* an answer is due for more than these, and for more than twice these ... */
	AUDIENCE_CHARACTERS = 300,
	AUDIENCE_MAX = 65536,      /* participants that are remembered */
};

enum speech_kind {
	SPEECH_FINE,
	SPEECH_SHORT,    /* not even an ID */
	SPEECH_NOT_UTF8,
	/* the first six bytes are taken for one, but are rather text: a blank, a control character,
	   an accent */
	SPEECH_NO_ID,
	/* they could, but read like the beginning of a word that goes on behind them */
	SPEECH_DOUBTFUL,
};

/* A datagram, understood. `text` points into it. */
struct speech {
	enum speech_kind kind;
	const char *text;    /* FINE, NO_ID, DOUBTFUL: what stands behind the ID */
	size_t len;
	uint64_t characters; /* of UTF-8, in `text` */
};

struct speech speech_parse(const char *data, size_t len);

struct audience;

/* Remembers `max` participants; `seed` scatters their places. NULL: no memory. */
struct audience *audience_create(size_t max, uint64_t seed);

/* Accepts NULL. */
void audience_destroy(struct audience *audience);

struct audience_heard {
	uint64_t total; /* characters of this ID, these included */
	bool first;     /* of this ID, as far as is remembered */
	uint64_t answer; /* 0: none is due; else its number, from 1 on */
};

/*
 * The ID says so many more characters. Answer k is due when its total comes to more than k times
 * 300: 300 characters are not enough, 301 are. One datagram that passes several of these marks
 * earns one answer, the last one's.
 */
struct audience_heard audience_hear(struct audience *audience, const char id[WIRE_ID_BYTES],
	uint64_t characters);

/* How many were forgotten since the last call. */
uint64_t audience_forgotten(struct audience *audience);

/* Memory that it has, in bytes; it never takes more. */
size_t audience_bytes(const struct audience *audience);

#endif
