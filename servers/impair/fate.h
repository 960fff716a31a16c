/*
 * Chance is a function, not a stream: what is drawn for datagram n depends on the seed, the
 * endpoint's name, the family, the direction, n and what it is drawn for, and on nothing else. So a
 * run repeats whatever the number and interleaving of its clients, and can be shown before it
 * happens.
 *
 * The function is Philox4x32-10: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel
 * random numbers: as easy as 1, 2, 3", SC11, 2011. Pure: no state, no clock, no allocation.
 */
#ifndef SERVERS_IMPAIR_FATE_H
#define SERVERS_IMPAIR_FATE_H

#include <stddef.h>
#include <stdint.h>

/* The values are part of the function: never change or reuse one. */
enum fate_purpose {
	FATE_LOSS = 1,
	FATE_TRANSITION = 2, /* of a loss model's state */
	FATE_OFFSET = 3,     /* X of OFFSET=X */
	FATE_DELAY = 4,
	FATE_DUPLICATE = 5,
	FATE_REORDER = 6,
	FATE_CORRUPT = 7,     /* whether */
	FATE_CORRUPT_BIT = 8, /* which bit */
	FATE_RIDDLE = 9,
};

/* Seen from the lab's server. The values count as above. */
enum fate_direction {
	FATE_REQUEST = 1, /* what comes to it */
	FATE_REPLY = 2,   /* what it sends */
};

/* Whose datagrams; a value to be copied. */
struct fate_stream {
	uint64_t seed;
	uint32_t stream;
};

/* `endpoint` counts by its name ("reset"), so that a new row in the table changes nobody's fate.
   `family` is 4 or 6. */
struct fate_stream fate_stream(uint64_t seed, const char *endpoint, int family,
	enum fate_direction direction);

/* "request", "reply" */
const char *fate_direction_name(enum fate_direction direction);

/* FNV-1a (64 bits; Fowler, Noll, Vo): for what is drawn by a name or an ID instead of a number. */
uint64_t fate_hash(const void *data, size_t len);

/*
 * Below, n counts from 1, and `draw` tells apart several values for the same n and purpose: 0, 1,
 * 2, ... below 2^24. Different (n, purpose, draw) give independent values.
 */
uint64_t fate_bits(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint32_t draw);

/* Uniform in [0, 1), a multiple of 2^-53. */
double fate_uniform(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint32_t draw);

/* Uniform in 0 .. bound - 1 without modulo bias; bound > 0. It takes as many draws as it needs,
   from 0 on: no other value may be drawn for this n and purpose. */
uint64_t fate_below(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint64_t bound);

/* Normal with mean 0 and standard deviation 1, never beyond 8.6. The only one that goes through
   libm, whose last bit may differ from one machine to another. */
double fate_normal(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint32_t draw);

/* The generator itself, for its reference vectors. */
void fate_philox(uint32_t block[4], const uint32_t counter[4], const uint32_t key[2]);

#endif
