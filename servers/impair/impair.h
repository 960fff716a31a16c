/*
 * What a network does to the datagrams of one endpoint, family and direction: loss first, then, for
 * what is not lost, corruption, duplication, delay and reordering. It decides; the endpoint keeps
 * the timers. Pure: no socket, clock or allocation.
 */
#ifndef SERVERS_IMPAIR_IMPAIR_H
#define SERVERS_IMPAIR_IMPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "servers/impair/fate.h"
#include "servers/impair/loss.h"

/* All zero: a perfect network. */
struct impair_spec {
	struct loss_spec loss;
	double delay;       /* seconds, >= 0 */
	/* seconds, >= 0: uniform in delay -+ jitter, or the standard deviation */
	double jitter;
	bool normal;        /* jitter is normal */
	uint32_t duplicate; /* billionths (common/share.h) of what is not lost: a second copy */
	/* billionths: leaves at once, before those that wait for their delay, as in netem */
	uint32_t reorder;
	uint32_t corrupt;   /* billionths: one bit is flipped */
};

/* One direction under way. */
struct impair {
	struct fate_stream stream;
	struct loss_state loss;
	uint64_t n; /* the number of the last datagram; they count from 1 */
};

enum { IMPAIR_COPIES_MAX = 2 };

/* `drawn` of what was not asked for is NAN. */
struct impair_fate {
	uint64_t n;
	struct loss_verdict loss;
	unsigned copies; /* 0: lost, 2: duplicated */
	/* of each copy, seconds from now; each is drawn on its own, never negative */
	double delay[IMPAIR_COPIES_MAX];
	/* copy 0 leaves at once though there is a delay; copy 1 waits for its own */
	bool reordered;
	/* bit `bit % 8` (value 1 << bit % 8) of byte `bit / 8` is flipped, in every copy alike */
	bool corrupted;
	uint64_t bit;
	double drawn_duplicate, drawn_reorder, drawn_corrupt;
};

void impair_init(struct impair *impair, uint64_t seed, const char *endpoint, int family,
	enum fate_direction direction);

/* What no single value can tell: reorder without a delay, when there is nobody to overtake.
   STATUS_USAGE. */
bool impair_check(const struct impair_spec *spec, struct err *err);

/*
 * The fate of the next datagram, of `len` bytes. An empty one is never corrupted. Without delay and
 * jitter nothing is reordered. Jitter may well reorder by itself, as in a network: whoever sends
 * goes by the delays alone.
 */
struct impair_fate impair_next(struct impair *impair, const struct impair_spec *spec, size_t len);

/* Flips the bit in the datagram that the fate is about, where it is corrupted. */
void impair_flip(const struct impair_fate *fate, char *data);

#endif
