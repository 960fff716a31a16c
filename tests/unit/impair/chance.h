/*
 * For tests of random values. Every seed is fixed, so a test that passed once passes always. Every
 * limit is one that a correct program exceeds with one seed in a million.
 */
#ifndef TESTS_UNIT_IMPAIR_CHANCE_H
#define TESTS_UNIT_IMPAIR_CHANCE_H

#include <check.h>
#include <math.h>
#include <stddef.h>

/* Quantiles of the normal distribution for a probability of 10^-6: in one tail, and in both. */
#define CHANCE_ONE_SIDE 4.753424
#define CHANCE_BOTH_SIDES 4.891638

/* The value that chi-square with `df` degrees of freedom exceeds with a probability of 10^-6
   (approximation of E. B. Wilson and M. M. Hilferty, 1931). */
static inline double chi_square_limit(size_t df)
{
	double spread = 2 / (9 * (double)df);
	return (double)df * pow(1 - spread + CHANCE_ONE_SIDE * sqrt(spread), 3);
}

/* Fails when the counts do not fit the shares of their sum (chi-square test). Cells with an
   expected count under 10 are merged into one. `what` names the test in the failure. */
static inline void check_chi_square(const double *counts, const double *shares, size_t cells,
	const char *what)
{
	double total = 0, statistic = 0, few_count = 0, few_expected = 0;
	size_t used = 0;
	for (size_t i = 0; i < cells; i++)
		total += counts[i];
	for (size_t i = 0; i < cells; i++) {
		double expected = total * shares[i];
		if (expected < 10) {
			few_count += counts[i];
			few_expected += expected;
			continue;
		}
		statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
		used++;
	}
	if (few_expected >= 1) {
		statistic += (few_count - few_expected) * (few_count - few_expected) / few_expected;
		used++;
	} else {
		ck_assert_msg(few_count < 20, "%s: %g where next to none were expected", what,
			few_count);
	}
	ck_assert_msg(used > 1, "%s: nothing to compare", what);
	ck_assert_msg(statistic < chi_square_limit(used - 1),
		"%s: chi-square %g, limit %g with %zu cells", what, statistic,
		chi_square_limit(used - 1), used);
}

#endif
