/*
 * The participants in the station's group. It decodes their datagrams (an ID of six bytes and text)
 * and counts the characters of each ID, in bounded memory: the participant that has been silent
 * longest is forgotten first. Pure: no socket, loop or clock.
 */
#ifndef SERVERS_STATION_AUDIENCE_H
#define SERVERS_STATION_AUDIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"

enum {
	/* an answer is due for more than 300 characters, for more than 600, and so on */
	AUDIENCE_CHARACTERS = 300,
	AUDIENCE_MAX = 65536,      /* participants that are remembered */
};

enum speech_kind {
	SPEECH_FINE,
	SPEECH_SHORT,    /* less than six bytes: no ID */
	SPEECH_NOT_UTF8,
	/* the first six bytes are used as the ID, but are more likely text: one of them is a blank,
	   a control character, or not ASCII */
	SPEECH_NO_ID,
	/* the first six bytes can be an ID, but look like the beginning of a longer word */
	SPEECH_DOUBTFUL,
};

/* A decoded datagram. `text` points into it. */
struct speech {
	enum speech_kind kind;
	const char *text;    /* FINE, NO_ID, DOUBTFUL: the text behind the ID; else NULL */
	size_t len;          /* bytes of `text` */
	uint64_t characters; /* characters of UTF-8 in `text` */
};

/* Decodes a datagram of `len` bytes. */
struct speech speech_parse(const char *data, size_t len);

struct audience;

/* Makes an audience that remembers `max` (at least 1) participants. `seed` is the key of its hash
   table: a sender that does not know it cannot choose IDs that collide. NULL: out of memory. */
struct audience *audience_create(size_t max, uint64_t seed);

/* Accepts NULL. */
void audience_destroy(struct audience *audience);

struct audience_heard {
	uint64_t total; /* characters of this ID so far, with these */
	bool first;     /* the ID is new, or was forgotten */
	uint64_t answer; /* 0: no answer is due; else the answer's number, from 1 on */
};

/*
 * Adds `characters` to the ID's total. Answer k is due when the total becomes more than k times
 * 300: 300 characters are not enough, 301 are. When one datagram passes several of these limits,
 * one answer is due: that of the last limit.
 */
struct audience_heard audience_hear(struct audience *audience, const char id[WIRE_ID_BYTES],
	uint64_t characters);

/* How many participants were forgotten since the last call. */
uint64_t audience_forgotten(struct audience *audience);

/* The memory of the audience in bytes. It never grows. */
size_t audience_bytes(const struct audience *audience);

#endif
