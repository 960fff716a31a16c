#include "servers/impair/impair.h"

#include <math.h>

#include "common/share.h"

void impair_init(struct impair *impair, uint64_t seed, const char *endpoint, int family,
	enum fate_direction direction)
{
	*impair = (struct impair){ .stream = fate_stream(seed, endpoint, family, direction) };
}

bool impair_check(const struct impair_spec *spec, struct err *err)
{
	if (spec->reorder == 0 || spec->delay > 0 || spec->jitter > 0)
		return true;
	/* tc-netem(8) rejects it, too. */
	err_set(err, STATUS_USAGE,
		"reorder needs a delay: a datagram that leaves at once overtakes those that wait; "
		"add one, such as delay=50ms");
	return false;
}

/* True with the probability `share`. When that is 0, nothing is drawn. */
static bool happens(double *drawn, const struct impair *impair, enum fate_purpose purpose,
	uint32_t share)
{
	*drawn = share > 0 ? fate_uniform(&impair->stream, impair->n, purpose, 0) : NAN;
	return *drawn < share_real(share); /* false for NAN */
}

static double delay(const struct impair *impair, const struct impair_spec *spec, uint32_t copy)
{
	if (spec->jitter <= 0)
		return spec->delay;
	double deviation =
		spec->normal ? fate_normal(&impair->stream, impair->n, FATE_DELAY, copy)
			     : 2 * fate_uniform(&impair->stream, impair->n, FATE_DELAY, copy) - 1;
	return fmax(0, spec->delay + spec->jitter * deviation);
}

/* Loss comes first, so no copy of a lost datagram is sent. netem decides on duplication first:
   there one of two copies may be lost, and the measured loss is less than the configured one. */
struct impair_fate impair_next(struct impair *impair, const struct impair_spec *spec, size_t len)
{
	struct impair_fate fate = { .n = ++impair->n, .drawn_duplicate = NAN, .drawn_reorder = NAN,
		.drawn_corrupt = NAN };
	fate.loss = loss_next(&spec->loss, &impair->loss, &impair->stream, fate.n);
	if (fate.loss.lost)
		return fate;
	fate.copies =
		happens(&fate.drawn_duplicate, impair, FATE_DUPLICATE, spec->duplicate) ? 2 : 1;
	if (len > 0 && happens(&fate.drawn_corrupt, impair, FATE_CORRUPT, spec->corrupt)) {
		fate.corrupted = true;
		fate.bit = fate_below(&impair->stream, fate.n, FATE_CORRUPT_BIT, 8 * (uint64_t)len);
	}
	for (unsigned copy = 0; copy < fate.copies; copy++)
		fate.delay[copy] = delay(impair, spec, copy);
	bool others_wait = spec->delay > 0 || spec->jitter > 0;
	if (others_wait && happens(&fate.drawn_reorder, impair, FATE_REORDER, spec->reorder)) {
		fate.reordered = true;
		fate.delay[0] = 0;
	}
	return fate;
}

void impair_flip(const struct impair_fate *fate, char *data)
{
	if (fate->corrupted)
		data[fate->bit / 8] = (char)(data[fate->bit / 8] ^ 1 << fate->bit % 8);
}
