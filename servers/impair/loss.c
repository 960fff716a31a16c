/*
 * The loss models, one function each. `gemodel` and `state` have the transitions of loss_gilb_ell
 * and loss_4state in Linux's net/sched/sch_netem.c, and decide in the same state on a datagram
 * (S. Salsano, F. Ludovici, A. Ordine, "Definition of a general and intuitive loss model for packet
 * networks and its implementation in the Netem module in the Linux kernel", 2009).
 */
#include "servers/impair/loss.h"

#include <assert.h>
#include <math.h>

#include "common/share.h"
#include "servers/impair/loss_private.h"

/* Decides on datagram verdict->n and changes the state. On entry `lost` is false, and nothing was
   drawn. */
typedef void judge(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, struct loss_verdict *verdict);

/* True with the probability `limit`: never for 0, always for 1. */
static bool draw(double *drawn, const struct fate_stream *stream, uint64_t n,
	enum fate_purpose purpose, double limit)
{
	*drawn = fate_uniform(stream, n, purpose, 0);
	return *drawn < limit;
}

static void judge_none(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, struct loss_verdict *verdict)
{
}

static void judge_random(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, struct loss_verdict *verdict)
{
	verdict->lost =
		draw(&verdict->drawn, stream, verdict->n, FATE_LOSS, share_real(spec->shares[0]));
}

struct burst_odds loss_burst_odds(const struct loss_spec *spec)
{
	double average = spec->shares[0], length = spec->length; /* billionths, millionths */
	struct burst_odds odds = { .first = share_real(spec->shares[0]), .begin = 1, .go_on = 1 };
	if (spec->shares[0] < SHARE_ONE) {
		/* A run begins after a datagram that is not lost; there are average / length runs
		   for 1 - average such datagrams. */
		odds.begin = average * LOSS_LENGTH_ONE / (length * (SHARE_ONE - average));
		odds.go_on = (length - LOSS_LENGTH_ONE) / length;
	}
	return odds;
}

/* The model of E. N. Gilbert, "Capacity of a burst-noise channel", 1960: all datagrams are lost in
   the bad state, none in the good one. The first datagram is lost with the average probability, so
   that all datagrams are lost with the same probability. */
static void judge_burst(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, struct loss_verdict *verdict)
{
	enum { START, GAP, BURST };
	static const char *const names[] = { "start", "gap", "burst" };
	struct burst_odds odds = loss_burst_odds(spec);
	double limits[] = { odds.first, odds.begin, odds.go_on };
	verdict->state = names[state->at];
	verdict->lost = draw(&verdict->drawn, stream, verdict->n, FATE_LOSS, limits[state->at]);
	state->at = verdict->lost ? BURST : GAP;
}

static void judge_gemodel(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, struct loss_verdict *verdict)
{
	enum { GOOD, BAD };
	enum { P, R, LOSS_BAD, LOSS_GOOD };
	static const struct {
		const char *name;
		int leave, loss; /* of the shares */
	} states[] = { [GOOD] = { "good", P, LOSS_GOOD }, [BAD] = { "bad", R, LOSS_BAD } };
	/* As in netem, the state changes first, but the old state decides on the datagram. In the
	   bad state netem loses it when the random value is above h. Here it is lost when the value
	   is below 1-h: this has the same probability, and is the comparison of the other
	   models. */
	int at = state->at;
	bool leaves = draw(&verdict->transition, stream, verdict->n, FATE_TRANSITION,
		share_real(spec->shares[states[at].leave]));
	verdict->state = states[at].name;
	verdict->lost = draw(&verdict->drawn, stream, verdict->n, FATE_LOSS,
		share_real(spec->shares[states[at].loss]));
	if (leaves)
		state->at = at == GOOD ? BAD : GOOD;
}

/* The state changes first, and the new state decides on the datagram. */
static void judge_state(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, struct loss_verdict *verdict)
{
	enum { TX_IN_GAP, TX_IN_BURST, LOST_IN_BURST, LOST_IN_GAP }; /* 1 to 4 in tc-netem(8) */
	enum { P13, P31, P32, P23, P14 };
	static const struct {
		const char *name;
		bool lost;
		/* two transitions: their shares, tried in this order (-1: none), and the states
		   they lead to */
		int share[2];
		int next[2], otherwise;
	} states[] = {
		[TX_IN_GAP] = { "tx in gap", false, { P14, P13 }, { LOST_IN_GAP, LOST_IN_BURST },
			TX_IN_GAP },
		[TX_IN_BURST] = { "tx in burst", false, { P23, -1 }, { LOST_IN_BURST },
			TX_IN_BURST },
		[LOST_IN_BURST] = { "lost in burst", true, { P32, P31 }, { TX_IN_BURST, TX_IN_GAP },
			LOST_IN_BURST },
		[LOST_IN_GAP] = { "lost in gap", true, { -1, -1 }, { 0 }, TX_IN_GAP },
	};
	verdict->drawn = fate_uniform(stream, verdict->n, FATE_TRANSITION, 0);
	int next = states[state->at].otherwise;
	uint32_t limit = 0;
	for (int i = 0; i < 2 && states[state->at].share[i] >= 0; i++) {
		limit += spec->shares[states[state->at].share[i]];
		if (verdict->drawn < share_real(limit)) {
			next = states[state->at].next[i];
			break;
		}
	}
	state->at = (uint8_t)next;
	verdict->state = states[next].name;
	verdict->lost = states[next].lost;
}

static void judge_list(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, struct loss_verdict *verdict)
{
	for (uint32_t i = 0; i < spec->count && !verdict->lost; i++)
		verdict->lost = spec->list[i] == verdict->n;
}

static void judge_first(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, struct loss_verdict *verdict)
{
	verdict->lost = verdict->n <= spec->count;
}

static void judge_pattern(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, struct loss_verdict *verdict)
{
	verdict->lost = spec->pattern[(verdict->n - 1) % spec->count] == 'x';
}

static const struct {
	const char *name;
	judge *judge;
} models[LOSS_MODEL_COUNT] = {
	[LOSS_NONE] = { "none", judge_none },
	[LOSS_RANDOM] = { "random", judge_random },
	[LOSS_BURST] = { "burst", judge_burst },
	[LOSS_GEMODEL] = { "gemodel", judge_gemodel },
	[LOSS_STATE] = { "state", judge_state },
	[LOSS_LIST] = { "list", judge_list },
	[LOSS_FIRST] = { "first", judge_first },
	[LOSS_PATTERN] = { "pattern", judge_pattern },
};

struct loss_verdict loss_next(const struct loss_spec *spec, struct loss_state *state,
	const struct fate_stream *stream, uint64_t n)
{
	assert(n > 0);
	struct loss_verdict verdict = { .n = n,
		.model = models[spec->model].name,
		.drawn = NAN,
		.transition = NAN };
	if (state->model != spec->model) {
		state->model = spec->model;
		state->at = 0;
	}
	models[spec->model].judge(spec, state, stream, &verdict);
	/* The model keeps the state that it has after a loss. */
	if (verdict.lost && spec->max_run > 0 && state->run >= spec->max_run) {
		verdict.lost = false;
		verdict.spared = true;
	}
	if (!verdict.lost)
		state->run = 0;
	else if (state->run < UINT32_MAX)
		state->run++;
	return verdict;
}
