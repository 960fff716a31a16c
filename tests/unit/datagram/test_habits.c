/* What is noticed of a program that does not see its answer, and what is not. */
#include <check.h>

#include "servers/datagram/habits.h"

static struct habits habits;

static void setup(void)
{
	habits = (struct habits){ 0 };
}

/* Asks and is answered every `pause` seconds; when a habit is noticed, at which request. */
static int ask(uint64_t key, double start, double pause, int times, enum habit wanted)
{
	for (int i = 0; i < times; i++) {
		enum habit habit = habits_asked(&habits, key, start + i * pause);
		ck_assert(habit == HABIT_NONE || habit == wanted);
		if (habit == wanted)
			return i;
		habits_answered(&habits, key, start + i * pause);
	}
	return -1;
}

START_TEST(test_a_program_that_waits_for_another_answer)
{
	ck_assert_int_eq(ask(7, 1, 1, 10, HABIT_AGAIN), HABITS_AGAIN);
	ck_assert_int_eq(ask(8, 1, 1, 10, HABIT_AGAIN), -1); /* once is enough */
}
END_TEST

START_TEST(test_a_program_that_spins)
{
	ck_assert_int_eq(ask(7, 1, 0.0001, 100, HABIT_SPIN), HABITS_A_SECOND);
	ck_assert_int_eq(ask(7, 5, 0.0001, 100, HABIT_SPIN), -1);
}
END_TEST

START_TEST(test_a_program_that_was_not_answered)
{
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(habits_asked(&habits, 7, 1 + 0.001 * i), HABIT_NONE);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(habits_asked(&habits, 9, 10 + i), HABIT_NONE);
}
END_TEST

START_TEST(test_runs_in_one_go)
{
	/* twenty runs in two seconds, then a pause: each request comes soon after an answer */
	ck_assert_int_eq(ask(7, 1, 0.1, 20, HABIT_AGAIN), -1);
	ck_assert_int_eq(ask(7, 60, 0.1, 20, HABIT_AGAIN), -1);
	/* a person starts it every ten seconds */
	ck_assert_int_eq(ask(9, 100, 10, 20, HABIT_AGAIN), -1);
}
END_TEST

START_TEST(test_senders_are_told_apart)
{
	for (int i = 0; i < 40; i++)
		for (uint64_t key = 1; key <= 2; key++) {
			ck_assert_int_eq(habits_asked(&habits, key, 1 + 0.1 * i), HABIT_NONE);
			habits_answered(&habits, key, 1 + 0.1 * i);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("habits");
	TCase *tcase = tcase_create("habits");
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, test_a_program_that_waits_for_another_answer);
	tcase_add_test(tcase, test_a_program_that_spins);
	tcase_add_test(tcase, test_a_program_that_was_not_answered);
	tcase_add_test(tcase, test_runs_in_one_go);
	tcase_add_test(tcase, test_senders_are_told_apart);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
