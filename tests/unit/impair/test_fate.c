/* Fates: the generator's reference vectors, values that must never change, and tests that the
   values are uniform and independent. */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "servers/impair/fate.h"
#include "tests/unit/impair/chance.h"

enum { SEED = 20261109, MANY = 200000 };

/* Random123's kat_vectors, "philox4x32 10". */
static const struct {
	uint32_t counter[4], key[2], block[4];
} vectors[] = {
	{ { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
	{ { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, { 0xffffffff, 0xffffffff },
		{ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
	{ { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 },
		{ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
};

START_TEST(test_reference)
{
	uint32_t block[4];
	fate_philox(block, vectors[_i].counter, vectors[_i].key);
	ck_assert_mem_eq(block, vectors[_i].block, sizeof block);
}
END_TEST

START_TEST(test_hash)
{
	/* draft-eastlake-fnv, appendix C */
	ck_assert_uint_eq(fate_hash("", 0), UINT64_C(0xcbf29ce484222325));
	ck_assert_uint_eq(fate_hash("a", 1), UINT64_C(0xaf63dc4c8601ec8c));
	ck_assert_uint_eq(fate_hash("foobar", 6), UINT64_C(0x85944171f73967e8));
}
END_TEST

/* Computed by another program from fate.h's description: runs of old seeds must repeat for ever. */
static const struct {
	uint64_t seed;
	const char *endpoint;
	int family;
	enum fate_direction direction;
	uint32_t stream;
	uint64_t n;
	enum fate_purpose purpose;
	uint32_t draw;
	uint64_t bits;
} frozen[] = {
	{ 7, "reset", 4, FATE_REQUEST, 0xc93c64ee, 1, FATE_LOSS, 0, UINT64_C(0xac1953807fa91b11) },
	{ INT64_MAX, "reset", 6, FATE_REPLY, 0xc934f429, UINT64_C(4294967301), FATE_TRANSITION, 0,
		UINT64_C(0x1bd135e084e3eb72) },
	{ 7, "tv", 4, FATE_REPLY, 0xd4f62c5c, 1000, FATE_DELAY, 1, UINT64_C(0xdda66e68fa7333d8) },
};

START_TEST(test_frozen)
{
	struct fate_stream stream = fate_stream(frozen[_i].seed, frozen[_i].endpoint,
		frozen[_i].family, frozen[_i].direction);
	ck_assert_uint_eq(stream.stream, frozen[_i].stream);
	ck_assert_uint_eq(fate_bits(&stream, frozen[_i].n, frozen[_i].purpose, frozen[_i].draw),
		frozen[_i].bits);
}
END_TEST

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

START_TEST(test_streams_differ)
{
	static const char *const names[] = { "udp-print", "echo", "pmu", "reset", "tv", "pmu-ws",
		"pmu-tls", "pmu-wss", "reset4", "rese", "" };
	enum { NAMES = sizeof names / sizeof names[0] };
	uint32_t streams[4 * NAMES];
	for (size_t i = 0; i < 4 * NAMES; i++)
		streams[i] = fate_stream(SEED, names[i / 4], i & 1 ? 4 : 6,
			i & 2 ? FATE_REQUEST : FATE_REPLY)
				     .stream;
	qsort(streams, 4 * NAMES, sizeof streams[0], compare);
	for (size_t i = 1; i < 4 * NAMES; i++)
		ck_assert_uint_ne(streams[i - 1], streams[i]);
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(fate_direction_name(FATE_REQUEST), "request");
	ck_assert_str_eq(fate_direction_name(FATE_REPLY), "reply");
}
END_TEST

/* The cell that a value in [0, 1) falls into. (Check tells its parent of every ck_assert that
   holds: in a loop of many only what fails may get to one.) */
static size_t cell(double value, size_t cells)
{
	if (!(value >= 0 && value < 1))
		ck_abort_msg("%g is not in [0, 1)", value);
	return (size_t)(value * (double)cells);
}

START_TEST(test_uniform)
{
	enum { CELLS = 1000 };
	double counts[CELLS] = { 0 }, shares[CELLS], lowest[2] = { 0 };
	const double halves[2] = { 0.5, 0.5 };
	struct fate_stream stream = fate_stream(SEED, "reset", 4, FATE_REQUEST);
	for (uint64_t n = 1; n <= MANY; n++) {
		double value = fate_uniform(&stream, n, FATE_LOSS, 0);
		counts[cell(value, CELLS)]++;
		lowest[(uint64_t)(value * 0x1p53) & 1]++; /* all 53 bits are there */
	}
	for (size_t i = 0; i < CELLS; i++)
		shares[i] = 1.0 / CELLS;
	check_chi_square(counts, shares, CELLS, "uniform");
	check_chi_square(lowest, halves, 2, "the lowest bit");
}
END_TEST

/* Pairs of values that share all but one thing fill a square evenly. */
static const struct {
	const char *what, *endpoint;
	uint64_t seed, behind;
	int family;
	enum fate_direction direction;
	enum fate_purpose purpose;
	uint32_t draw;
} others[] = {
	{ "the next n", "reset", SEED, 1, 4, FATE_REQUEST, FATE_LOSS, 0 },
	{ "n and 2^32", "reset", SEED, UINT64_C(1) << 32, 4, FATE_REQUEST, FATE_LOSS, 0 },
	{ "endpoints", "tv", SEED, 0, 4, FATE_REQUEST, FATE_LOSS, 0 },
	{ "families", "reset", SEED, 0, 6, FATE_REQUEST, FATE_LOSS, 0 },
	{ "directions", "reset", SEED, 0, 4, FATE_REPLY, FATE_LOSS, 0 },
	{ "purposes", "reset", SEED, 0, 4, FATE_REQUEST, FATE_TRANSITION, 0 },
	{ "draws", "reset", SEED, 0, 4, FATE_REQUEST, FATE_LOSS, 1 },
	{ "seeds", "reset", SEED + 1, 0, 4, FATE_REQUEST, FATE_LOSS, 0 },
	{ "seeds and 2^32", "reset", SEED + (UINT64_C(1) << 32), 0, 4, FATE_REQUEST, FATE_LOSS, 0 },
};

START_TEST(test_independent)
{
	enum { SIDE = 20, CELLS = SIDE * SIDE };
	double counts[CELLS] = { 0 }, shares[CELLS];
	struct fate_stream one = fate_stream(SEED, "reset", 4, FATE_REQUEST);
	struct fate_stream two = fate_stream(others[_i].seed, others[_i].endpoint,
		others[_i].family, others[_i].direction);
	for (uint64_t n = 1; n <= MANY; n++) {
		double a = fate_uniform(&one, n, FATE_LOSS, 0);
		double b = fate_uniform(&two, n + others[_i].behind, others[_i].purpose,
			others[_i].draw);
		counts[cell(a, SIDE) * SIDE + cell(b, SIDE)]++;
	}
	for (size_t i = 0; i < CELLS; i++)
		shares[i] = 1.0 / CELLS;
	check_chi_square(counts, shares, CELLS, others[_i].what);
}
END_TEST

/* 3 * 2^62 is where a bare remainder is most uneven: its lower third would come twice as often. */
static const uint64_t bounds[] = { 1, 2, 3, 21, 86401, UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1,
	UINT64_C(3) << 62, (UINT64_C(1) << 63) + 1, UINT64_MAX };

START_TEST(test_below)
{
	enum { CELLS = 300 };
	double counts[CELLS] = { 0 }, shares[CELLS];
	uint64_t bound = bounds[_i];
	size_t cells = bound < CELLS ? (size_t)bound : CELLS;
	struct fate_stream stream = fate_stream(SEED, "reset", 4, FATE_REQUEST);
	for (uint64_t n = 1; n <= MANY; n++) {
		uint64_t value = fate_below(&stream, n, FATE_OFFSET, bound);
		if (value >= bound)
			ck_assert_uint_lt(value, bound);
		size_t at = bound <= CELLS ? (size_t)value
					   : (size_t)((double)value / (double)bound * CELLS);
		counts[at < CELLS ? at : CELLS - 1]++;
	}
	if (bound == 1)
		return;
	for (size_t i = 0; i < cells; i++)
		shares[i] = 1.0 / (double)cells;
	if (bound == 86401) /* 288 values fall into a cell, and 289 into the first */
		for (size_t i = 0; i < cells; i++)
			shares[i] = (i == 0 ? 289.0 : 288.0) / 86401;
	check_chi_square(counts, shares, cells, "below");
}
END_TEST

/* A value that is thrown back is drawn anew, not from the next datagram. */
START_TEST(test_below_draws_again)
{
	const uint64_t bound = UINT64_C(3) << 62;
	struct fate_stream stream = fate_stream(SEED, "reset", 4, FATE_REQUEST);
	unsigned again = 0;
	for (uint64_t n = 1; n <= 100; n++) {
		uint32_t draw = 0;
		while (fate_bits(&stream, n, FATE_OFFSET, draw) < UINT64_C(1) << 62)
			draw++;
		again += draw;
		ck_assert_uint_eq(fate_below(&stream, n, FATE_OFFSET, bound),
			fate_bits(&stream, n, FATE_OFFSET, draw) % bound);
	}
	ck_assert_uint_gt(again, 10);
}
END_TEST

START_TEST(test_normal)
{
	enum { CELLS = 80 };
	double counts[CELLS] = { 0 }, shares[CELLS], sum = 0, squares = 0;
	struct fate_stream stream = fate_stream(SEED, "tv", 4, FATE_REPLY);
	for (uint64_t n = 1; n <= MANY; n++) {
		double value = fate_normal(&stream, n, FATE_DELAY, 0);
		if (!(fabs(value) < 8.6))
			ck_abort_msg("%g is beyond 8.6", value);
		sum += value;
		squares += value * value;
		counts[cell(erfc(-value / sqrt(2)) / 2, CELLS)]++;
	}
	for (size_t i = 0; i < CELLS; i++)
		shares[i] = 1.0 / CELLS;
	check_chi_square(counts, shares, CELLS, "normal");
	ck_assert_double_eq_tol(sum / MANY, 0, CHANCE_BOTH_SIDES / sqrt(MANY));
	ck_assert_double_eq_tol(squares / MANY, 1, CHANCE_BOTH_SIDES * sqrt(2.0 / MANY));
}
END_TEST

/* Box and Muller's formula in another program, from the block's two halves. */
START_TEST(test_normal_exactly)
{
	struct fate_stream stream = fate_stream(7, "tv", 4, FATE_REPLY);
	ck_assert_double_eq_tol(fate_normal(&stream, 1, FATE_DELAY, 1), 0.6665322169917047, 1e-12);
	ck_assert_double_eq_tol(fate_normal(&stream, 2, FATE_DELAY, 1), 1.338258824662964, 1e-12);
	ck_assert_double_eq_tol(fate_normal(&stream, 1000, FATE_DELAY, 1), 1.4238429308438119,
		1e-12);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

int main(void)
{
	Suite *suite = suite_create("fate");
	TCase *tcase = tcase_create("fate");
	tcase_add_loop_test(tcase, test_reference, 0, COUNT(vectors));
	tcase_add_test(tcase, test_hash);
	tcase_add_loop_test(tcase, test_frozen, 0, COUNT(frozen));
	tcase_add_test(tcase, test_streams_differ);
	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_uniform);
	tcase_add_loop_test(tcase, test_independent, 0, COUNT(others));
	tcase_add_loop_test(tcase, test_below, 0, COUNT(bounds));
	tcase_add_test(tcase, test_below_draws_again);
	tcase_add_test(tcase, test_normal);
	tcase_add_test(tcase, test_normal_exactly);
	tcase_set_timeout(tcase, 30);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
