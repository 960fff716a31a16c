/*
 * What a network does to the datagrams of one endpoint, family and direction. It decides on loss
 * first, then, for a datagram that is not lost, on corruption, duplication, delay and reordering.
 * It only decides; the endpoint flips the bit, holds the copies and keeps the timers. Pure: no
 * socket, clock or allocation.
 */
#ifndef SERVERS_IMPAIR_IMPAIR_H
#define SERVERS_IMPAIR_IMPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "servers/impair/fate.h"
#include "servers/impair/loss.h"

/* The impairments that are asked for. All zero: a perfect network. */
struct impair_spec {
	struct loss_spec loss;
	double delay;       /* seconds, >= 0 */
	/* seconds, >= 0: the delay is uniform in delay -+ jitter, or jitter is its standard
	   deviation */
	double jitter;
	bool normal;        /* the delay is normal, else uniform */
	/* The shares are billionths (common/share.h) of the datagrams that are not lost. */
	uint32_t duplicate; /* get a second copy */
	/* leave at once, before those that wait for their delay, as in netem */
	uint32_t reorder;
	uint32_t corrupt;   /* have one bit flipped */
};

/* The state of one endpoint, family and direction. A plain value, to be copied. */
struct impair {
	struct fate_stream stream;
	struct loss_state loss;
	uint64_t n; /* the number of the last datagram; the first is 1 */
};

enum { IMPAIR_COPIES_MAX = 2 };

/* What happens to one datagram. */
struct impair_fate {
	uint64_t n;
	struct loss_verdict loss;
	unsigned copies; /* 0: lost, 2: duplicated */
	/* of each copy, seconds from now; drawn for each copy separately, never negative */
	double delay[IMPAIR_COPIES_MAX];
	/* copy 0 leaves at once although there is a delay; copy 1 waits for its own delay */
	bool reordered;
	/* bit `bit % 8` (value 1 << bit % 8) of byte `bit / 8` is flipped, in all copies */
	bool corrupted;
	uint64_t bit;
	/* the random values in [0, 1) that decided; NAN: nothing was drawn */
	double drawn_duplicate, drawn_reorder, drawn_corrupt;
};

/* Starts before datagram 1. `endpoint` is the endpoint's name, `family` 4 or 6 (fate.h). */
void impair_init(struct impair *impair, uint64_t seed, const char *endpoint, int family,
	enum fate_direction direction);

/* Checks what no single value can tell. False (STATUS_USAGE): there is reordering, but neither
   delay nor jitter, so no datagram waits that another could overtake. */
bool impair_check(const struct impair_spec *spec, struct err *err);

/*
 * Decides on the next datagram, which has `len` bytes, and counts it. An empty datagram is never
 * corrupted. Without delay and jitter no datagram is reordered. Jitter may reorder datagrams by
 * itself, as in a real network: the caller sends each copy when its own delay is over.
 */
struct impair_fate impair_next(struct impair *impair, const struct impair_spec *spec, size_t len);

/* Flips the bit in the datagram `data` when the fate says that it is corrupted. */
void impair_flip(const struct impair_fate *fate, char *data);

#endif
