/* Which senders get detailed events, and that every datagram is counted exactly once. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/datagram/fold.h"

static struct fold *fold;

static void set_up(void)
{
	fold = malloc(sizeof *fold);
	memset(fold, 0xa5, sizeof *fold); /* fold_init leaves nothing as it was */
	fold_init(fold, 100);
}

static void tear_down(void)
{
	free(fold);
}

/* What sweeps have told. */
struct told {
	uint64_t sum;
	unsigned lines;
	char name[48];
};

static void tell(void *context, const char *name, uint64_t count)
{
	struct told *told = context;
	ck_assert_uint_gt(count, 0);
	told->sum += count;
	told->lines++;
	snprintf(told->name, sizeof told->name, "%s", name);
}

/* Sends `count` datagrams at one time; how many were admitted. */
static unsigned send_many(uint64_t key, const char *name, unsigned count, double now)
{
	unsigned admitted = 0;
	for (unsigned i = 0; i < count; i++)
		admitted += fold_admit(fold, key, key, name, 1, now);
	return admitted;
}

START_TEST(test_a_burst_is_told_in_detail)
{
	struct told told = { 0 };
	ck_assert_uint_eq(send_many(7, "127.0.0.1", FOLD_BURST, 100), FOLD_BURST);
	fold_sweep(fold, tell, &told);
	ck_assert_uint_eq(told.lines, 0);
	ck_assert(!fold_admit(fold, 7, 7, "127.0.0.1", 1, 100));
	fold_sweep(fold, tell, &told);
	ck_assert_uint_eq(told.lines, 1);
	ck_assert_uint_eq(told.sum, 1);
	ck_assert_str_eq(told.name, "127.0.0.1");
	/* Told once. */
	fold_sweep(fold, tell, &told);
	ck_assert_uint_eq(told.lines, 1);
}
END_TEST

START_TEST(test_it_recovers_with_time)
{
	send_many(7, "a", FOLD_BURST + 5, 100);
	ck_assert_uint_eq(send_many(7, "a", 100, 101), FOLD_RATE);
	ck_assert_uint_eq(send_many(7, "a", 100, 103), 2 * FOLD_RATE);
	/* After a long silence there is one burst, not more. */
	ck_assert_uint_eq(send_many(7, "a", 2 * FOLD_BURST, 1e6), FOLD_BURST);
}
END_TEST

START_TEST(test_a_slow_sender_is_never_folded)
{
	struct told told = { 0 };
	for (int i = 0; i < 100000; i++)
		ck_assert(fold_admit(fold, 7, 7, "a", 1, 100 + i * 1.0001 / FOLD_RATE));
	fold_sweep(fold, tell, &told);
	ck_assert_uint_eq(told.lines, 0);
}
END_TEST

/* A minute of a spinner: what it costs is bounded, and the numbers add up. */
START_TEST(test_a_spinner_for_a_minute)
{
	struct told told = { 0 };
	uint64_t sent = 0, admitted = 0;
	for (int ms = 0; ms < 60000; ms++) {
		admitted += send_many(7, "spinner", 20, 100 + ms / 1000.0);
		sent += 20;
		if (ms % 1000 == 999)
			fold_sweep(fold, tell, &told);
	}
	ck_assert_uint_eq(admitted + told.sum, sent);
	ck_assert_uint_le(admitted, FOLD_BURST + 60 * FOLD_RATE);
	ck_assert_uint_ge(admitted, FOLD_BURST + 59 * FOLD_RATE);
	ck_assert_uint_eq(told.lines, 60);
}
END_TEST

START_TEST(test_a_spinner_does_not_fold_others)
{
	send_many(7, "spinner", 10 * FOLD_BURST, 100);
	ck_assert_uint_eq(send_many(8, "somebody", FOLD_BURST, 100), FOLD_BURST);
}
END_TEST

/* Ports of one address: each has its own bucket, and all of them share a larger one, of which the
   numbers are told. */
START_TEST(test_senders_of_one_address)
{
	enum { SENDERS = 10, EACH = 2 * FOLD_BURST };
	struct told told = { 0 };
	uint64_t admitted = 0;
	for (uint64_t sender = 1; sender <= SENDERS; sender++)
		for (unsigned i = 0; i < EACH; i++)
			admitted += fold_admit(fold, 2 * sender + 1, 7, "127.0.0.1", 1, 100);
	ck_assert_uint_eq(admitted, FOLD_BURST_HOST);
	fold_sweep(fold, tell, &told);
	ck_assert_uint_eq(told.lines, 1);
	ck_assert_uint_eq(told.sum, SENDERS * EACH - FOLD_BURST_HOST);
}
END_TEST

START_TEST(test_a_spinner_does_not_fold_its_neighbours)
{
	for (unsigned i = 0; i < 10 * FOLD_BURST; i++)
		fold_admit(fold, 3, 7, "127.0.0.1", 1, 100);
	for (unsigned i = 0; i < FOLD_BURST; i++)
		ck_assert(fold_admit(fold, 5, 7, "127.0.0.1", 1, 100));
}
END_TEST

START_TEST(test_more_text_costs_more)
{
	unsigned admitted = 0;
	ck_assert_uint_eq(fold_cost(0, 0), 1);
	ck_assert_uint_eq(fold_cost(FOLD_TEXT - 1, 0), 1);
	ck_assert_uint_eq(fold_cost(FOLD_TEXT, 0), 2);
	ck_assert_uint_eq(fold_cost(1472, 4), 10);
	for (unsigned i = 0; i < FOLD_BURST; i++)
		admitted += fold_admit(fold, 7, 7, "a", 10, 100);
	ck_assert_uint_eq(admitted, FOLD_BURST / 10);
	/* Whatever is sent, a minute of it is less than 1 MiB, a `repeated` a second of 200 bytes
	   included. */
	ck_assert_uint_lt((FOLD_BURST + 60 * FOLD_RATE) * FOLD_UNIT + 60 * 200, 1 << 20);
}
END_TEST

static bool admit_spoofed(uint64_t number, double now)
{
	uint64_t key = number * 0x9e3779b97f4a7c15 | 1;
	return fold_admit(fold, key, key, "spoofed", 1, now);
}

/* Spoofed senders: more than there are places. All together are bounded, and none is forgotten. */
START_TEST(test_many_senders_share_a_limit)
{
	enum { SENDERS = 100000 };
	struct told told = { 0 };
	uint64_t admitted = 0;
	for (uint64_t key = 1; key <= SENDERS; key++)
		admitted += admit_spoofed(key, 100);
	fold_sweep(fold, tell, &told);
	ck_assert_uint_eq(admitted, FOLD_BURST_ALL);
	ck_assert_uint_eq(admitted + told.sum, SENDERS);
	ck_assert_uint_le(told.lines, FOLD_HOSTS);
	admitted = 0;
	for (uint64_t key = 1; key <= SENDERS; key++)
		admitted += admit_spoofed(key, 101);
	ck_assert_uint_eq(admitted, FOLD_RATE_ALL);
}
END_TEST

/* One who was silent longest makes room; what it has folded is told before. */
START_TEST(test_newcomers_find_a_place)
{
	struct told told = { 0 };
	uint64_t sent = 0, admitted = 0;
	for (int round = 0; round < 50; round++) {
		for (uint64_t s = 0; s < 100; s++) {
			char name[16];
			uint64_t key = ((uint64_t)round * 100 + s) * 0x9e3779b97f4a7c15 | 1;
			snprintf(name, sizeof name, "%d", round);
			admitted += send_many(key, name, FOLD_BURST + 1, 100 + round);
			sent += FOLD_BURST + 1;
		}
		fold_sweep(fold, tell, &told);
	}
	ck_assert_uint_eq(admitted + told.sum, sent);
	ck_assert_str_eq(told.name, "49");
}
END_TEST

START_TEST(test_long_names_are_cut)
{
	struct told told = { 0 };
	char name[200];
	memset(name, 'x', sizeof name);
	name[sizeof name - 1] = '\0';
	send_many(7, name, FOLD_BURST + 1, 100);
	fold_sweep(fold, tell, &told);
	ck_assert_uint_eq(strlen(told.name), sizeof told.name - 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fold");
	TCase *tcase = tcase_create("fold");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, test_a_burst_is_told_in_detail);
	tcase_add_test(tcase, test_it_recovers_with_time);
	tcase_add_test(tcase, test_a_slow_sender_is_never_folded);
	tcase_add_test(tcase, test_a_spinner_for_a_minute);
	tcase_add_test(tcase, test_a_spinner_does_not_fold_others);
	tcase_add_test(tcase, test_senders_of_one_address);
	tcase_add_test(tcase, test_a_spinner_does_not_fold_its_neighbours);
	tcase_add_test(tcase, test_more_text_costs_more);
	tcase_add_test(tcase, test_many_senders_share_a_limit);
	tcase_add_test(tcase, test_newcomers_find_a_place);
	tcase_add_test(tcase, test_long_names_are_cut);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
