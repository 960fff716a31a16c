/* Jitter such as "20ms" and "20ms,normal": texts that are accepted, and texts that are refused. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "servers/impair/jitter.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *text;
	double seconds;
	bool normal;
} good[] = {
	{ "0", 0, false },
	{ "20ms", 0.02, false },
	{ "20ms,uniform", 0.02, false },
	{ "20ms,normal", 0.02, true },
	{ "0.5", 0.5, false },
	{ ".5s,normal", 0.5, true },
	{ "20", 20, false },
	{ "60", 60, false },
	{ "60s,normal", 60, true },
	{ "1m", 60, false },
	{ "500us", 0.0005, false },
	{ "0.01h,normal", 36, true },
	{ "20 ms", 0.02, false },
	{ "20MS", 0.02, false }, /* as every duration of the configuration */
};

START_TEST(test_good)
{
	struct jitter jitter = { .seconds = -1 };
	struct err err;
	ck_assert_msg(jitter_parse(&jitter, good[_i].text, &err), "%s", err.text);
	ck_assert_double_eq_tol(jitter.seconds, good[_i].seconds, 1e-12);
	ck_assert_int_eq(jitter.normal, good[_i].normal);
}
END_TEST

static const char *const bad[] = { "", ",", ",normal", "x", "-1", "-20ms", "60.1", "61s", "2m",
	"20ms,", "20ms, normal", "20ms ,normal", "20ms,Normal", "20ms,normal,normal", "20ms,pareto",
	"0.5us", "1h", "1e-3", "nan", "inf", " 20ms", "20%", "20ms\n", "0x1" };

START_TEST(test_bad)
{
	struct jitter jitter;
	struct err err = { 0 };
	ck_assert_msg(!jitter_parse(&jitter, bad[_i], &err), "%s", bad[_i]);
	ck_assert_ptr_nonnull(strstr(err.text,
		"is not a jitter such as 20ms or 20ms,normal, at most 60 s"));
	ck_assert_int_eq(err.text[0], '"');
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert(!jitter_parse(&jitter, bad[_i], NULL));
}
END_TEST

START_TEST(test_long_text_is_cut_not_taken)
{
	char text[4000];
	struct jitter jitter;
	struct err err = { 0 };
	memset(text, '0', sizeof text);
	text[sizeof text - 1] = '\0';
	ck_assert(!jitter_parse(&jitter, text, &err));
	ck_assert_uint_lt(strlen(err.text), 160);
	strcpy(text + 40, "s,normal");
	ck_assert(!jitter_parse(&jitter, text, &err));
}
END_TEST

START_TEST(test_foreign_text_is_shown_escaped)
{
	struct jitter jitter;
	struct err err = { 0 };
	ck_assert(!jitter_parse(&jitter, "\x1b[2J\n", &err));
	ck_assert_ptr_eq(strpbrk(err.text, "\x1b\n"), NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("jitter");
	TCase *tcase = tcase_create("jitter");
	tcase_add_loop_test(tcase, test_good, 0, COUNT(good));
	tcase_add_loop_test(tcase, test_bad, 0, COUNT(bad));
	tcase_add_test(tcase, test_long_text_is_cut_not_taken);
	tcase_add_test(tcase, test_foreign_text_is_shown_escaped);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
