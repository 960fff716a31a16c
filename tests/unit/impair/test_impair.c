/* Impairment: what happens to a datagram and how often, and that loss, delay and the rest do not
   influence each other. */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/share.h"
#include "servers/impair/impair.h"
#include "tests/unit/impair/chance.h"

enum { SEED = 20261109, MANY = 200000, BYTES = 20 };

static struct impair start(void)
{
	struct impair impair;
	impair_init(&impair, SEED, "reset", 4, FATE_REQUEST);
	return impair;
}

static uint32_t percent(unsigned number)
{
	return number * (SHARE_ONE / 100);
}

static struct loss_spec loss(const char *text)
{
	struct loss_spec spec;
	ck_assert(loss_parse(&spec, text, NULL));
	return spec;
}

START_TEST(test_perfect)
{
	const struct impair_spec spec = { 0 };
	struct impair impair = start();
	for (uint64_t n = 1; n <= 100; n++) {
		struct impair_fate fate = impair_next(&impair, &spec, BYTES);
		ck_assert_uint_eq(fate.n, n);
		ck_assert_uint_eq(fate.loss.n, n);
		ck_assert_uint_eq(fate.copies, 1);
		ck_assert(!fate.loss.lost && !fate.reordered && !fate.corrupted);
		ck_assert_double_eq(fate.delay[0], 0);
		ck_assert_double_nan(fate.drawn_duplicate);
		ck_assert_double_nan(fate.drawn_reorder);
		ck_assert_double_nan(fate.drawn_corrupt);
	}
}
END_TEST

START_TEST(test_everything)
{
	const struct impair_spec spec = { .delay = 0.05,
		.duplicate = SHARE_ONE,
		.reorder = SHARE_ONE,
		.corrupt = SHARE_ONE };
	struct impair impair = start();
	for (uint64_t n = 1; n <= 100; n++) {
		struct impair_fate fate = impair_next(&impair, &spec, BYTES);
		ck_assert_uint_eq(fate.copies, 2);
		ck_assert(fate.reordered && fate.corrupted);
		ck_assert_double_eq(fate.delay[0], 0); /* overtakes its own copy */
		ck_assert_double_eq(fate.delay[1], 0.05);
		ck_assert_uint_lt(fate.bit, 8 * BYTES);
		ck_assert_double_eq(fate.drawn_duplicate,
			fate_uniform(&impair.stream, n, FATE_DUPLICATE, 0));
		ck_assert_double_eq(fate.drawn_reorder,
			fate_uniform(&impair.stream, n, FATE_REORDER, 0));
		ck_assert_double_eq(fate.drawn_corrupt,
			fate_uniform(&impair.stream, n, FATE_CORRUPT, 0));
	}
}
END_TEST

START_TEST(test_lost_is_lost)
{
	const struct impair_spec spec = { .loss = loss("list:2"),
		.delay = 0.05,
		.duplicate = SHARE_ONE,
		.reorder = SHARE_ONE,
		.corrupt = SHARE_ONE };
	struct impair impair = start();
	ck_assert_uint_eq(impair_next(&impair, &spec, BYTES).copies, 2);
	struct impair_fate fate = impair_next(&impair, &spec, BYTES);
	ck_assert(fate.loss.lost && !fate.reordered && !fate.corrupted);
	ck_assert_uint_eq(fate.copies, 0);
	ck_assert_str_eq(fate.loss.model, "list");
	ck_assert_uint_eq(impair_next(&impair, &spec, BYTES).copies, 2);
}
END_TEST

/* Each share is what it says, and knows nothing of the others. */
START_TEST(test_shares)
{
	const struct impair_spec spec = { .loss = loss("30%"),
		.delay = 0.05,
		.duplicate = percent(5),
		.reorder = percent(10),
		.corrupt = percent(20) };
	const double probabilities[3] = { 0.05, 0.1, 0.2 };
	struct impair impair = start();
	double counts[8] = { 0 }, shares[8], lost[2] = { 0 };
	const double loss_shares[2] = { 0.7, 0.3 };
	for (uint64_t n = 1; n <= MANY; n++) {
		struct impair_fate fate = impair_next(&impair, &spec, BYTES);
		lost[fate.loss.lost]++;
		if (!fate.loss.lost)
			counts[(fate.copies > 1) | fate.reordered << 1 | fate.corrupted << 2]++;
	}
	for (int i = 0; i < 8; i++) {
		shares[i] = 1;
		for (int k = 0; k < 3; k++)
			shares[i] *= i >> k & 1 ? probabilities[k] : 1 - probabilities[k];
	}
	check_chi_square(lost, loss_shares, 2, "loss");
	check_chi_square(counts, shares, 8, "duplicate, reorder, corrupt");
}
END_TEST

/* The same datagrams are lost whatever else is asked for. */
START_TEST(test_loss_alone)
{
	const struct impair_spec alone = { .loss = loss("burst:30%,4") };
	const struct impair_spec more = { .loss = alone.loss,
		.delay = 1,
		.jitter = 1,
		.duplicate = percent(50),
		.reorder = percent(50),
		.corrupt = percent(50) };
	struct impair one = start(), two = start();
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(impair_next(&one, &alone, BYTES).loss.lost,
			impair_next(&two, &more, 0).loss.lost);
}
END_TEST

START_TEST(test_bits)
{
	enum { BITS = 8 * BYTES };
	const struct impair_spec spec = { .corrupt = SHARE_ONE };
	struct impair impair = start();
	double counts[BITS] = { 0 }, shares[BITS];
	for (uint64_t n = 1; n <= MANY; n++) {
		uint64_t bit = impair_next(&impair, &spec, BYTES).bit;
		if (bit >= BITS)
			ck_abort_msg("bit %lu", (unsigned long)bit);
		counts[bit]++;
	}
	for (int i = 0; i < BITS; i++)
		shares[i] = 1.0 / BITS;
	check_chi_square(counts, shares, BITS, "bits");
	struct impair_fate fate = impair_next(&impair, &spec, 1);
	ck_assert(fate.corrupted);
	ck_assert_uint_lt(fate.bit, 8);
	fate = impair_next(&impair, &spec, 0); /* has no bit */
	ck_assert(!fate.corrupted);
	ck_assert_uint_eq(fate.copies, 1);
}
END_TEST

START_TEST(test_delay)
{
	const struct impair_spec spec = { .delay = 0.05, .duplicate = SHARE_ONE };
	struct impair impair = start();
	struct impair_fate fate = impair_next(&impair, &spec, BYTES);
	ck_assert_double_eq(fate.delay[0], 0.05);
	ck_assert_double_eq(fate.delay[1], 0.05);
	ck_assert(!fate.reordered);
}
END_TEST

/* Uniform in delay -+ jitter, each copy on its own. */
START_TEST(test_uniform_jitter)
{
	enum { SIDE = 20 };
	const struct impair_spec spec = { .delay = 0.05, .jitter = 0.02, .duplicate = SHARE_ONE };
	struct impair impair = start();
	double counts[SIDE * SIDE] = { 0 }, shares[SIDE * SIDE];
	for (uint64_t n = 1; n <= MANY; n++) {
		struct impair_fate fate = impair_next(&impair, &spec, BYTES);
		int at[2];
		for (int copy = 0; copy < 2; copy++) {
			if (!(fate.delay[copy] >= 0.03 - 1e-12 && fate.delay[copy] < 0.07 + 1e-12))
				ck_abort_msg("delay %g", fate.delay[copy]);
			at[copy] = (int)((fate.delay[copy] - 0.03) / 0.04 * SIDE);
			at[copy] = at[copy] < SIDE ? at[copy] : SIDE - 1;
		}
		counts[at[0] * SIDE + at[1]]++;
	}
	for (int i = 0; i < SIDE * SIDE; i++)
		shares[i] = 1.0 / (SIDE * SIDE);
	check_chi_square(counts, shares, SIDE * SIDE, "jitter");
}
END_TEST

START_TEST(test_normal_jitter)
{
	const struct impair_spec spec = { .delay = 10, .jitter = 0.02, .normal = true };
	struct impair impair = start();
	double sum = 0, squares = 0, beyond = 0;
	for (uint64_t n = 1; n <= MANY; n++) {
		double deviation = (impair_next(&impair, &spec, BYTES).delay[0] - 10) / 0.02;
		sum += deviation;
		squares += deviation * deviation;
		beyond += fabs(deviation) > 1.959964;
	}
	ck_assert_double_eq_tol(sum / MANY, 0, CHANCE_BOTH_SIDES / sqrt(MANY));
	ck_assert_double_eq_tol(squares / MANY, 1, CHANCE_BOTH_SIDES * sqrt(2.0 / MANY));
	ck_assert_double_eq_tol(beyond / MANY, 0.05, CHANCE_BOTH_SIDES * sqrt(0.05 * 0.95 / MANY));
}
END_TEST

/* More jitter than delay: nothing leaves before it has come. */
START_TEST(test_never_negative)
{
	const struct impair_spec spec = { .delay = 0.01, .jitter = 0.05, .normal = _i };
	struct impair impair = start();
	unsigned at_once = 0;
	for (uint64_t n = 1; n <= 10000; n++) {
		double delay = impair_next(&impair, &spec, BYTES).delay[0];
		if (!(delay >= 0))
			ck_abort_msg("delay %g", delay);
		at_once += delay == 0;
	}
	ck_assert_uint_gt(at_once, 3000);
	ck_assert_uint_lt(at_once, 6000);
}
END_TEST

START_TEST(test_reorder_alone)
{
	struct err err = { 0 };
	struct impair_spec spec = { .reorder = SHARE_ONE };
	struct impair impair = start();
	ck_assert(!impair_next(&impair, &spec, BYTES).reordered);
	ck_assert(!impair_check(&spec, &err));
	ck_assert_str_eq(err.text,
		"reorder needs a delay: a datagram that leaves at once overtakes those that wait; "
		"add one, such as delay=50ms");
	ck_assert_int_eq(err.status, STATUS_USAGE);
	spec.jitter = 0.01;
	ck_assert(impair_check(&spec, &err));
	ck_assert(impair_next(&impair, &spec, BYTES).reordered);
	spec = (struct impair_spec){ .reorder = 1, .delay = 0.01 };
	ck_assert(impair_check(&spec, &err));
	spec = (struct impair_spec){ 0 };
	ck_assert(impair_check(&spec, &err));
}
END_TEST

/* Two directions run side by side, each as if it were alone. */
START_TEST(test_interleaved)
{
	const struct impair_spec spec = { .loss = loss("gemodel:10%,40%,70%,5%"),
		.duplicate = percent(50) };
	unsigned alone[2][200];
	struct impair sides[2];
	for (int side = 0; side < 2; side++) {
		impair_init(&sides[side], SEED, "reset", 4, side ? FATE_REPLY : FATE_REQUEST);
		for (int i = 0; i < 200; i++)
			alone[side][i] = impair_next(&sides[side], &spec, BYTES).copies;
	}
	ck_assert_mem_ne(alone[0], alone[1], sizeof alone[0]);
	for (int side = 0; side < 2; side++)
		impair_init(&sides[side], SEED, "reset", 4, side ? FATE_REPLY : FATE_REQUEST);
	for (int i = 0; i < 200; i++)
		for (int side = 0; side < 2; side++)
			ck_assert_uint_eq(impair_next(&sides[side], &spec, BYTES).copies,
				alone[side][i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("impair");
	TCase *tcase = tcase_create("impair");
	tcase_add_test(tcase, test_perfect);
	tcase_add_test(tcase, test_everything);
	tcase_add_test(tcase, test_lost_is_lost);
	tcase_add_test(tcase, test_shares);
	tcase_add_test(tcase, test_loss_alone);
	tcase_add_test(tcase, test_bits);
	tcase_add_test(tcase, test_delay);
	tcase_add_test(tcase, test_uniform_jitter);
	tcase_add_test(tcase, test_normal_jitter);
	tcase_add_loop_test(tcase, test_never_negative, 0, 2);
	tcase_add_test(tcase, test_reorder_alone);
	tcase_add_test(tcase, test_interleaved);
	tcase_set_timeout(tcase, 30);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
