/*
 * Philox4x32-10, and values made of its bits. The counter is (n low, n high, stream, purpose and
 * draw); the key is the seed. One block gives 128 bits. fate_normal uses all of them, the other
 * functions the first 64.
 */
#include "servers/impair/fate.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { ROUNDS = 10, PURPOSE_BITS = 8, DRAW_BITS = 24 };
#define TWO_PI 6.283185307179586

/* From Random123's philox.h: the multipliers, and what each round adds to the key (the golden
   ratio, sqrt(3) - 1). */
static const uint32_t MULTIPLIERS[2] = { 0xd2511f53, 0xcd9e8d57 };
static const uint32_t WEYL[2] = { 0x9e3779b9, 0xbb67ae85 };

void fate_philox(uint32_t block[4], const uint32_t counter[4], const uint32_t key[2])
{
	uint32_t x[4] = { counter[0], counter[1], counter[2], counter[3] };
	uint32_t k[2] = { key[0], key[1] };
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t product0 = (uint64_t)MULTIPLIERS[0] * x[0];
		uint64_t product1 = (uint64_t)MULTIPLIERS[1] * x[2];
		x[0] = (uint32_t)(product1 >> 32) ^ x[1] ^ k[0];
		x[1] = (uint32_t)product1;
		x[2] = (uint32_t)(product0 >> 32) ^ x[3] ^ k[1];
		x[3] = (uint32_t)product0;
		k[0] += WEYL[0];
		k[1] += WEYL[1];
	}
	memcpy(block, x, sizeof x);
}

/* FNV-1a over more bytes: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_more(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t fate_hash(const void *data, size_t len)
{
	return hash_more(UINT64_C(0xcbf29ce484222325), data, len);
}

struct fate_stream fate_stream(uint64_t seed, const char *endpoint, int family,
	enum fate_direction direction)
{
	/* The name is hashed with its NUL, which separates it from what follows. */
	const unsigned char rest[2] = { (unsigned char)family, (unsigned char)direction };
	uint64_t hash = hash_more(fate_hash(endpoint, strlen(endpoint) + 1), rest, sizeof rest);
	/* XOR-folded to 32 bits, as FNV's authors recommend for a shorter hash. */
	return (struct fate_stream){ .seed = seed, .stream = (uint32_t)(hash >> 32 ^ hash) };
}

const char *fate_direction_name(enum fate_direction direction)
{
	return direction == FATE_REQUEST ? "request" : "reply";
}

static void draw_block(uint64_t halves[2], const struct fate_stream *stream, uint64_t n,
	enum fate_purpose purpose, uint32_t draw)
{
	assert(draw < UINT32_C(1) << DRAW_BITS);
	const uint32_t counter[4] = { (uint32_t)n, (uint32_t)(n >> 32), stream->stream,
		(uint32_t)purpose | draw << PURPOSE_BITS };
	const uint32_t key[2] = { (uint32_t)stream->seed, (uint32_t)(stream->seed >> 32) };
	uint32_t block[4];
	fate_philox(block, counter, key);
	halves[0] = (uint64_t)block[1] << 32 | block[0];
	halves[1] = (uint64_t)block[3] << 32 | block[2];
}

/* The upper 53 bits: a double has no more. */
static double uniform(uint64_t bits)
{
	return (double)(bits >> 11) * 0x1p-53;
}

uint64_t fate_bits(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint32_t draw)
{
	uint64_t halves[2];
	draw_block(halves, stream, n, purpose, draw);
	return halves[0];
}

double fate_uniform(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint32_t draw)
{
	return uniform(fate_bits(stream, n, purpose, draw));
}

uint64_t fate_below(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint64_t bound)
{
	assert(bound > 0);
	/* When 0 .. 2^64 - 1 is divided into ranges of `bound` values, 2^64 mod bound values are
	   left over. The lowest ones are rejected, so that all remainders are equally likely. At
	   worst, every second draw is rejected. */
	uint64_t left_over = (0 - bound) % bound;
	uint64_t bits;
	uint32_t draw = 0;
	do {
		bits = fate_bits(stream, n, purpose, draw++);
	} while (bits < left_over);
	return bits % bound;
}

double fate_normal(const struct fate_stream *stream, uint64_t n, enum fate_purpose purpose,
	uint32_t draw)
{
	/* G. E. P. Box, M. E. Muller, "A note on the generation of random normal deviates",
	   1958. */
	uint64_t halves[2];
	draw_block(halves, stream, n, purpose, draw);
	double radius = sqrt(-2 * log(1 - uniform(halves[0]))); /* 1 - u is never 0 */
	return radius * cos(TWO_PI * uniform(halves[1]));
}
