/*
 * Random values as a function, not as a stream. The value for datagram n depends only on the seed,
 * the endpoint's name, the family, the direction, n and the purpose of the value. So a run is
 * repeatable, whatever the number of clients and the order of their datagrams, and the fate of
 * datagrams can be shown before they arrive.
 *
 * The function is Philox4x32-10: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel
 * random numbers: as easy as 1, 2, 3", SC11, 2011. Pure: no state, no clock, no allocation.
 */
#ifndef SERVERS_IMPAIR_FATE_H
#define SERVERS_IMPAIR_FATE_H

#include <stddef.h>
#include <stdint.h>

/* What a value is drawn for. The numbers are part of the function: never change or reuse one. */
enum fate_purpose {
	FATE_LOSS = 1,
	FATE_TRANSITION = 2, /* whether a loss model changes its state */
	FATE_OFFSET = 3,     /* X of OFFSET=X */
	FATE_DELAY = 4,
	FATE_DUPLICATE = 5,
	FATE_REORDER = 6,
	FATE_CORRUPT = 7,     /* whether the datagram is corrupted */
	FATE_CORRUPT_BIT = 8, /* which bit is flipped */
	FATE_RIDDLE = 9,      /* which riddle the station sends first */
};

/* The direction of a datagram, as the lab's server sees it. The numbers are part of the function,
   too. */
enum fate_direction {
	FATE_REQUEST = 1, /* the server receives it */
	FATE_REPLY = 2,   /* the server sends it */
};

/* The datagrams of one endpoint, family and direction. A plain value, to be copied. */
struct fate_stream {
	uint64_t seed;
	uint32_t stream;
};

/* `endpoint` is the endpoint's name ("reset"): a name and not a number, so that a new row in the
   table of endpoints changes no values. `family` is 4 or 6. */
struct fate_stream fate_stream(uint64_t seed, const char *endpoint, int family,
	enum fate_direction direction);

/* "request", "reply"; static. */
const char *fate_direction_name(enum fate_direction direction);

/* The hash FNV-1a (64 bits; Fowler, Noll, Vo), to draw a value for a name or an ID instead of a
   number. */
uint64_t fate_hash(const void *data, size_t len);

/*
 * In the functions below, n counts from 1. `draw` (0, 1, 2, ..., less than 2^24) tells apart
 * several values for the same n and purpose. Different (n, purpose, draw) give independent values.
 */

/* 64 random bits. */
uint64_t fate_bits(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint32_t draw);

/* Uniform in [0, 1), a multiple of 2^-53. */
double fate_uniform(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint32_t draw);

/* Uniform in 0 .. bound - 1 without modulo bias; bound > 0. It uses as many draws as it needs, from
   draw 0 on: no other value may be drawn for this n and purpose. */
uint64_t fate_below(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint64_t bound);

/* Normal with mean 0 and standard deviation 1, between -8.6 and 8.6. Only this function uses libm,
   so the last bit of its values may differ from one machine to another. */
double fate_normal(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint32_t draw);

/* The generator itself: writes the block of a counter and a key. It is public for the tests with
   its reference vectors, and for hashes with a key. */
void fate_philox(uint32_t block[4], const uint32_t counter[4], const uint32_t key[2]);

#endif
