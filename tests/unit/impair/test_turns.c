/* The turns in which each family is served: parsing the texts, and the boundaries of every turn. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "servers/impair/turns.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BOTH (TURN_4 | TURN_6)
#define HOUR 3600.0
#define DAY (24 * HOUR)

static const struct {
	const char *text;
	double since_start, since_midnight;
	unsigned families;
	double left;
} rows[] = {
	{ "4", 0, 0, TURN_4, INFINITY },
	{ "4", 1e9, HOUR, TURN_4, INFINITY },
	{ "6", 0, 0, TURN_6, INFINITY },
	{ "6", 1e9, 2 * HOUR, TURN_6, INFINITY },
	{ "both", 12.5, 12.5, BOTH, INFINITY },

	/* As the handout's: by the time of day, whenever the lab was started. */
	{ "hour", 5, 0, TURN_4, HOUR },
	{ "hour", 7205, 0, TURN_4, HOUR },
	{ "hour", 5, 0.25, TURN_4, HOUR - 0.25 },
	{ "hour", 5, HOUR - 0.25, TURN_4, 0.25 },
	{ "hour", 5, HOUR, TURN_6, HOUR },
	{ "hour", 5, 2 * HOUR - 0.25, TURN_6, 0.25 },
	{ "hour", 5, 2 * HOUR, TURN_4, HOUR },
	{ "hour", 5, 13.5 * HOUR, TURN_6, HOUR / 2 },
	{ "hour", 5, 22 * HOUR, TURN_4, HOUR },
	{ "hour", 5, 23 * HOUR, TURN_6, HOUR },
	{ "hour", 5, DAY - 0.25, TURN_6, 0.25 }, /* and midnight begins with IPv4 again */
	{ "hour", 5, DAY, TURN_4, HOUR },        /* a leap second */

	/* From the start of the lab, whatever the time of day. */
	{ "alternate:10s", 0, HOUR, TURN_4, 10 },
	{ "alternate:10s", 9.75, HOUR, TURN_4, 0.25 },
	{ "alternate:10s", 10, HOUR, TURN_6, 10 },
	{ "alternate:10s", 19.75, 0, TURN_6, 0.25 },
	{ "alternate:10s", 20, 0, TURN_4, 10 },
	{ "alternate:10s", 1000010, 0, TURN_6, 10 },
	{ "alternate:0.5", 0.5, 0, TURN_6, 0.5 },
	{ "alternate:500ms", 0.25, 0, TURN_4, 0.25 },
	{ "alternate:2m", 121, 0, TURN_6, 119 },
	{ "alternate:1h", 3600, 0, TURN_6, 3600 },
	{ "alternate:500000us", 0.5, 0, TURN_6, 0.5 },
	{ "alternate:86400", 86400, 0, TURN_6, 86400 },
	{ "alternate:100ms", 0, 0, TURN_4, 0.1 },
};

START_TEST(test_active)
{
	struct turns turns;
	struct err err;
	double left = -1;
	ck_assert_msg(turns_parse(&turns, rows[_i].text, &err), "%s", err.text);
	ck_assert_uint_eq(turns_active(&turns, rows[_i].since_start, rows[_i].since_midnight,
				  &left),
		rows[_i].families);
	if (isinf(rows[_i].left))
		ck_assert(isinf(left));
	else
		ck_assert_double_eq_tol(left, rows[_i].left, 1e-9);
}
END_TEST

/* A caller that has waited for `left` is in the next turn, however the period is rounded: nothing
   spins at a boundary. */
static const char *const periods[] = { "alternate:0.1", "alternate:0.3", "alternate:0.7",
	"alternate:1.1", "alternate:10s", "alternate:3333.3", "alternate:86400" };

START_TEST(test_waiting_leads_into_the_next_turn)
{
	struct turns turns;
	double now = 0, left;
	ck_assert(turns_parse(&turns, periods[_i], NULL));
	unsigned before = turns_active(&turns, now, 0, &left);
	for (int i = 0; i < 10000; i++) {
		ck_assert(left > 0 && left <= turns.period * 1.000001);
		now += left + 1e-6; /* a timer is never early */
		unsigned families = turns_active(&turns, now, 0, &left);
		ck_assert_msg(families == (BOTH & ~before), "turn %d at %.9f", i, now);
		before = families;
	}
}
END_TEST

static const char *const bad[] = { "", "5", "46", "Hour", "hour ", " 4", "none", "alternate",
	"alternate:", "alternate:x", "alternate:0", "alternate:99ms", "alternate:86401",
	"alternate:-1", "alternate:10s ", "alternate:1,2", "alternate:25h", "alternate:0.1ms",
	"alternate:nan", "alternate:inf", "alternate:1e3", "ALTERNATE:1" };

START_TEST(test_bad_text)
{
	struct turns turns;
	struct err err = { 0 };
	char expected[sizeof err.text];
	snprintf(expected, sizeof expected,
		"\"%s\" is not hour, 4, 6, both or alternate:10s (from 0.1 to 86400 s)", bad[_i]);
	ck_assert(!turns_parse(&turns, bad[_i], &err));
	ck_assert_str_eq(err.text, expected);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert(!turns_parse(&turns, bad[_i], NULL));
}
END_TEST

START_TEST(test_foreign_text_is_shown_escaped)
{
	struct turns turns;
	struct err err = { 0 };
	ck_assert(!turns_parse(&turns, "\x1b[2J\n", &err));
	ck_assert_ptr_eq(strpbrk(err.text, "\x1b\n"), NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("turns");
	TCase *tcase = tcase_create("turns");
	tcase_add_loop_test(tcase, test_active, 0, COUNT(rows));
	tcase_add_loop_test(tcase, test_waiting_leads_into_the_next_turn, 0, COUNT(periods));
	tcase_add_loop_test(tcase, test_bad_text, 0, COUNT(bad));
	tcase_add_test(tcase, test_foreign_text_is_shown_escaped);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
