/*
 * The long-run values of each model. The random models are Markov chains of at most four states.
 * Two matrices describe a chain: lost[i][j] is the probability to go from state i to state j and
 * lose the datagram, kept[i][j] the probability to go there and not lose it. max-run limits the
 * runs of such a chain.
 */
#include "servers/impair/loss.h"

#include <math.h>
#include <string.h>

#include "common/share.h"
#include "common/stats.h"
#include "servers/impair/loss_private.h"

enum { STATES = 4, SQUARINGS = 60 };

struct matrix {
	double at[STATES][STATES];
};

struct vector {
	double at[STATES];
};

/* The chain starts in state 0. States that the model does not have, have rows of zeros. */
struct chain {
	struct matrix lost, kept;
};

static struct matrix add(const struct matrix *a, const struct matrix *b)
{
	struct matrix sum;
	for (int i = 0; i < STATES; i++)
		for (int j = 0; j < STATES; j++)
			sum.at[i][j] = a->at[i][j] + b->at[i][j];
	return sum;
}

static struct matrix multiply(const struct matrix *a, const struct matrix *b)
{
	struct matrix product = { 0 };
	for (int i = 0; i < STATES; i++)
		for (int j = 0; j < STATES; j++)
			for (int k = 0; k < STATES; k++)
				product.at[i][j] += a->at[i][k] * b->at[k][j];
	return product;
}

static struct vector apply(const struct vector *v, const struct matrix *m)
{
	struct vector result = { 0 };
	for (int i = 0; i < STATES; i++)
		for (int j = 0; j < STATES; j++)
			result.at[j] += v->at[i] * m->at[i][j];
	return result;
}

static double sum(const struct vector *v)
{
	return v->at[0] + v->at[1] + v->at[2] + v->at[3];
}

/*
 * The share of time that the chain spends in each state, when it starts in state 0. Each step is
 * taken with probability 1/2, so that a periodic chain converges, too. Each squaring doubles the
 * number of steps, until even a transition of one billionth has had its effect.
 */
static struct vector occupancy(const struct matrix *steps)
{
	struct matrix m = *steps;
	for (int i = 0; i < STATES; i++)
		for (int j = 0; j < STATES; j++)
			m.at[i][j] = (m.at[i][j] + (i == j)) / 2;
	for (int squaring = 0; squaring < SQUARINGS; squaring++) {
		m = multiply(&m, &m);
		for (int i = 0; i < STATES; i++) { /* corrects rounding errors */
			double total = m.at[i][0] + m.at[i][1] + m.at[i][2] + m.at[i][3];
			for (int j = 0; total > 0 && j < STATES; j++)
				m.at[i][j] /= total;
		}
	}
	struct vector start = { .at = { 1 } };
	return apply(&start, &m);
}

static struct chain chain_of(const struct loss_spec *spec)
{
	struct chain chain = { 0 };
	double share[LOSS_SHARES_MAX];
	for (int i = 0; i < LOSS_SHARES_MAX; i++)
		share[i] = share_real(spec->shares[i]);
	switch (spec->model) {
	case LOSS_RANDOM:
		chain.lost.at[0][0] = share[0];
		chain.kept.at[0][0] = 1 - share[0];
		break;
	case LOSS_BURST: { /* states: gap, run */
		struct burst_odds odds = loss_burst_odds(spec);
		chain.lost.at[0][1] = odds.begin;
		chain.kept.at[0][0] = 1 - odds.begin;
		chain.lost.at[1][1] = odds.go_on;
		chain.kept.at[1][0] = 1 - odds.go_on;
		break;
	}
	case LOSS_GEMODEL: /* states: good, bad; the state that is left decides */
		for (int from = 0; from < 2; from++)
			for (int to = 0; to < 2; to++) {
				double step = from != to ? share[from] : 1 - share[from];
				double loss = from == 0 ? share[3] : share[2];
				chain.lost.at[from][to] = step * loss;
				chain.kept.at[from][to] = step * (1 - loss);
			}
		break;
	/* States as in tc-netem(8), but counted from 0; the shares are p13, p31, p32, p23, p14. */
	case LOSS_STATE: {
		const uint32_t *s = spec->shares;
		chain.lost.at[0][2] = share[0];
		chain.lost.at[0][3] = share[4];
		chain.kept.at[0][0] = share_real(SHARE_ONE - s[0] - s[4]);
		chain.lost.at[1][2] = share[3];
		chain.kept.at[1][1] = 1 - share[3];
		chain.kept.at[2][0] = share[1];
		chain.kept.at[2][1] = share[2];
		chain.lost.at[2][2] = share_real(SHARE_ONE - s[1] - s[2]);
		chain.kept.at[3][0] = 1;
		break;
	}
	default:
		chain.kept.at[0][0] = 1;
	}
	return chain;
}

static struct loss_theory theory(double lost, double starts)
{
	struct loss_theory result = { .loss = lost };
	if (lost > 0)
		result.run = starts > 0 ? lost / starts : INFINITY;
	return result;
}

static struct loss_theory expect_chain(const struct chain *chain)
{
	struct matrix steps = add(&chain->lost, &chain->kept);
	struct vector now = occupancy(&steps);
	struct vector lost = apply(&now, &chain->lost), kept = apply(&now, &chain->kept);
	struct vector starts = apply(&kept, &chain->lost); /* kept, then lost */
	return theory(sum(&lost), sum(&starts));
}

/*
 * With max-run m, the chain is observed whenever a datagram was not lost. Between two such moments
 * there are 0 to m losses, then a datagram that is not lost; after m losses the next datagram is
 * not lost in any case.
 */
static struct loss_theory expect_limited(const struct chain *chain, uint32_t max_run)
{
	struct matrix any = add(&chain->lost, &chain->kept);
	struct matrix losses = { 0 }, between = { 0 };
	for (int i = 0; i < STATES; i++)
		losses.at[i][i] = 1;
	for (uint32_t run = 0; run <= max_run; run++) {
		struct matrix end = multiply(&losses, run < max_run ? &chain->kept : &any);
		between = add(&between, &end);
		losses = multiply(&losses, &chain->lost);
	}
	struct vector v = occupancy(&between);
	double total = sum(&v), lost = 0, starts = 0;
	for (uint32_t run = 1; run <= max_run; run++) {
		v = apply(&v, &chain->lost);
		lost += sum(&v);
		if (run == 1)
			starts = sum(&v);
	}
	return theory(lost / (total + lost), starts / (total + lost));
}

/* ---- the models without chance ---- */

static struct loss_theory expect_list(const struct loss_spec *spec)
{
	struct stats_runs runs = { 0 };
	struct loss_state state = { 0 };
	const struct fate_stream unused = { 0 };
	for (uint32_t i = 0; i < spec->count; i++) {
		if (i > 0 && spec->list[i] != spec->list[i - 1] + 1) {
			stats_runs_break(&runs);
			state.run = 0;
		}
		stats_runs_add(&runs, loss_next(spec, &state, &unused, spec->list[i]).lost);
	}
	return (struct loss_theory){ .total = runs.hits, .run = stats_runs_mean(&runs) };
}

static struct loss_theory expect_first(const struct loss_spec *spec)
{
	uint64_t n = spec->count, period = spec->max_run + UINT64_C(1);
	uint64_t total = spec->max_run > 0 ? n - n / period : n;
	uint64_t runs = spec->max_run > 0 ? (n + period - 1) / period : 1;
	return (struct loss_theory){ .total = total,
		.run = total > 0 ? (double)total / (double)runs : 0 };
}

/* After the first round of the pattern, the losses repeat with the pattern, or with max-run when
   the pattern is all x. So it counts over a whole number of both. */
static struct loss_theory expect_pattern(const struct loss_spec *spec)
{
	if (!memchr(spec->pattern, '.', spec->count) && spec->max_run == 0)
		return theory(1, 0);
	struct loss_state state = { 0 };
	const struct fate_stream unused = { 0 };
	uint64_t first = spec->count, last = first + first * (spec->max_run + UINT64_C(1));
	uint64_t hits = 0, starts = 0;
	bool before = false;
	for (uint64_t n = 1; n <= last; n++) {
		bool lost = loss_next(spec, &state, &unused, n).lost;
		if (n > first) {
			hits += lost;
			starts += lost && !before;
		}
		before = lost;
	}
	double tries = (double)(last - first);
	return theory((double)hits / tries, (double)starts / tries);
}

struct loss_theory loss_expect(const struct loss_spec *spec)
{
	switch (spec->model) {
	case LOSS_LIST:
		return expect_list(spec);
	case LOSS_FIRST:
		return expect_first(spec);
	case LOSS_PATTERN:
		return expect_pattern(spec);
	default: {
		struct chain chain = chain_of(spec);
		return spec->max_run > 0 ? expect_limited(&chain, spec->max_run)
					 : expect_chain(&chain);
	}
	}
}
