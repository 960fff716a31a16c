/* Shares as text, Wilson's interval compared with published values, and runs. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/share.h"
#include "common/stats.h"

/* Wilson's formula in decimals of 40 digits. 81 of 263 is R. G. Newcombe's example ("Two-sided
   confidence intervals for the single proportion", 1998, table I: 0.2553 to 0.3662). */
static const struct {
	uint64_t hits, tries;
	double low, high;
} intervals[] = {
	{ 0, 0, 0, 1 },
	{ 0, 10, 0, 0.2775327998628892 },
	{ 10, 10, 0.7224672001371107, 1 },
	{ 5, 10, 0.2365930905125640, 0.7634069094874360 },
	{ 1, 2, 0.0945312057342307, 0.9054687942657693 },
	{ 81, 263, 0.2552885198782742, 0.3662095769828001 },
	{ 500000, 1000000, 0.4990200198900048, 0.5009799801099952 },
};

START_TEST(test_wilson)
{
	struct interval interval = stats_wilson(intervals[_i].hits, intervals[_i].tries);
	ck_assert_double_eq_tol(interval.low, intervals[_i].low, 1e-12);
	ck_assert_double_eq_tol(interval.high, intervals[_i].high, 1e-12);
}
END_TEST

START_TEST(test_wilson_order)
{
	for (uint64_t tries = 1; tries <= 60; tries++)
		for (uint64_t hits = 0; hits <= tries; hits++) {
			struct interval interval = stats_wilson(hits, tries);
			double share = (double)hits / (double)tries;
			ck_assert(0 <= interval.low && interval.low <= share);
			ck_assert(share <= interval.high && interval.high <= 1);
			/* What was lost is what did not get through. */
			struct interval other = stats_wilson(tries - hits, tries);
			ck_assert_double_eq_tol(interval.low, 1 - other.high, 1e-12);
		}
}
END_TEST

static struct stats_runs count(const char *text)
{
	struct stats_runs runs = { 0 };
	for (; *text; text++)
		if (*text == '|')
			stats_runs_break(&runs);
		else
			stats_runs_add(&runs, *text == 'x');
	return runs;
}

static const struct {
	const char *text;
	uint64_t tries, hits, runs, longest;
	double mean;
} sequences[] = {
	{ "", 0, 0, 0, 0, 0 },
	{ "...", 3, 0, 0, 0, 0 },
	{ "xxx", 3, 3, 1, 3, 3 },
	{ "x.xx..xxx", 9, 6, 3, 3, 2 },
	{ "xx|xx", 4, 4, 2, 2, 2 },
	{ "x.|.x", 4, 2, 2, 1, 1 },
};

START_TEST(test_runs)
{
	struct stats_runs runs = count(sequences[_i].text);
	ck_assert_uint_eq(runs.tries, sequences[_i].tries);
	ck_assert_uint_eq(runs.hits, sequences[_i].hits);
	ck_assert_uint_eq(runs.runs, sequences[_i].runs);
	ck_assert_uint_eq(runs.longest, sequences[_i].longest);
	ck_assert_double_eq_tol(stats_runs_mean(&runs), sequences[_i].mean, 1e-12);
}
END_TEST

static const struct {
	const char *text;
	uint32_t share;
	const char *canonical;
} shares[] = {
	{ "0", 0, "0%" },
	{ "0%", 0, "0%" },
	{ "0.0", 0, "0%" },
	{ "000", 0, "0%" },
	{ "30%", 300000000, "30%" },
	{ "0.3", 300000000, "30%" },
	{ ".3", 300000000, "30%" },
	{ "30.%", 300000000, "30%" },
	{ "0.30000000000000000", 300000000, "30%" },
	{ "100%", 1000000000, "100%" },
	{ "1.0", 1000000000, "100%" },
	{ "1.", 1000000000, "100%" },
	{ "00100.0%", 1000000000, "100%" },
	{ "0.05%", 500000, "0.05%" },
	{ "0.0000001%", 1, "0.0000001%" },
	{ "0.000000001", 1, "0.0000001%" },
	{ "99.9999999%", 999999999, "99.9999999%" },
	{ "0.999999999", 999999999, "99.9999999%" },
	{ "12.5%", 125000000, "12.5%" },
};

START_TEST(test_share)
{
	uint32_t share = 17, again = 17;
	char text[SHARE_TEXT_MAX];
	struct err err = { 0 };
	ck_assert_msg(share_parse(&share, shares[_i].text, &err), "%s", err.text);
	ck_assert_uint_eq(share, shares[_i].share);
	share_format(text, share);
	ck_assert_str_eq(text, shares[_i].canonical);
	ck_assert(share_parse(&again, text, &err));
	ck_assert_uint_eq(again, share);
	ck_assert_double_eq_tol(share_real(share), shares[_i].share / 1e9, 1e-15);
}
END_TEST

#define NO_SHARE "is no share; write 30% or 0.3"

static const struct {
	const char *text, *error;
} refused[] = {
	{ "", "\"\" " NO_SHARE },
	{ "%", "\"%\" " NO_SHARE },
	{ ".", "\".\" " NO_SHARE },
	{ ".%", "\".%\" " NO_SHARE },
	{ "30", "\"30\" could be percent or a fraction; write 30% or 0.3" },
	{ "1", "\"1\" could be percent or a fraction; write 1% or 0.01" },
	{ "5", "\"5\" could be percent or a fraction; write 5% or 0.05" },
	{ "100", "\"100\" could be percent or a fraction; write 100% or 1.0" },
	{ "101", "\"101\" is over 100 %; write 30% or 0.3" },
	{ "99999999999999999999", "\"99999999999999999999\" is over 100 %; write 30% or 0.3" },
	{ "101%", "\"101%\" is over 100 %" },
	{ "100.0000001%", "\"100.0000001%\" is over 100 %" },
	{ "99999999999999999999%", "\"99999999999999999999%\" is over 100 %" },
	{ "1.5", "\"1.5\" is over 1; write a percentage with %, as 30%" },
	{ "1.000000001", "\"1.000000001\" is over 1; write a percentage with %, as 30%" },
	{ "0.00000001%", "\"0.00000001%\" has more than 7 decimals" },
	{ "0.0000000001", "\"0.0000000001\" has more than 9 decimals" },
	{ "-5%", "\"-5%\" " NO_SHARE },
	{ "+0.3", "\"+0.3\" " NO_SHARE },
	{ "30 %", "\"30 %\" " NO_SHARE },
	{ " 30%", "\" 30%\" " NO_SHARE },
	{ "30%%", "\"30%%\" " NO_SHARE },
	{ "1e-1", "\"1e-1\" " NO_SHARE },
	{ "0,3", "\"0,3\" " NO_SHARE },
	{ "0.3.1", "\"0.3.1\" " NO_SHARE },
	{ "nan", "\"nan\" " NO_SHARE },
	{ "\x1b[2J", "\"\\x1b[2J\" " NO_SHARE },
};

START_TEST(test_share_refused)
{
	uint32_t share = 17;
	struct err err = { 0 };
	ck_assert(!share_parse(&share, refused[_i].text, &err));
	ck_assert_str_eq(err.text, refused[_i].error);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_uint_eq(share, 17);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

int main(void)
{
	Suite *suite = suite_create("stats");
	TCase *tcase = tcase_create("stats");
	tcase_add_loop_test(tcase, test_wilson, 0, COUNT(intervals));
	tcase_add_test(tcase, test_wilson_order);
	tcase_add_loop_test(tcase, test_runs, 0, COUNT(sequences));
	tcase_add_loop_test(tcase, test_share, 0, COUNT(shares));
	tcase_add_loop_test(tcase, test_share_refused, 0, COUNT(refused));
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
