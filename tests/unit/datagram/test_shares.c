/* How the senders share a queue that is too full. */
#include <check.h>

#include "servers/datagram/shares.h"

enum { HOST = 1001, OTHER_HOST = 2001 };

/* Sends `count` datagrams in one turn; how many are served. */
static unsigned send_many(struct shares *shares, uint64_t sender, uint64_t host, unsigned count)
{
	unsigned served = 0;
	for (unsigned i = 0; i < count; i++)
		served += shares_take(shares, sender, host);
	return served;
}

START_TEST(test_who_fills_the_queue_gets_a_share)
{
	struct shares shares = { 0 };
	shares_begin(&shares);
	ck_assert_uint_eq(send_many(&shares, 7, HOST, 4000), SHARES_SENDER);
	/* And leaves the rest of its address's share to others there. */
	ck_assert_uint_eq(send_many(&shares, 9, HOST, 1), 1);
	ck_assert_uint_eq(send_many(&shares, 11, OTHER_HOST, 1), 1);
}
END_TEST

START_TEST(test_many_ports_of_one_address_share)
{
	struct shares shares = { 0 };
	unsigned served = 0;
	shares_begin(&shares);
	for (uint64_t port = 1; port <= 4000; port++)
		served += send_many(&shares, 2 * port + 1, HOST, 1);
	ck_assert_uint_eq(served, SHARES_HOST);
	ck_assert_uint_eq(send_many(&shares, 1, OTHER_HOST, 1), 1);
}
END_TEST

START_TEST(test_the_next_turn_begins_anew)
{
	struct shares shares = { 0 };
	for (int turn = 0; turn < 10; turn++) {
		shares_begin(&shares);
		ck_assert_uint_eq(send_many(&shares, 7, HOST, 100), SHARES_SENDER);
	}
}
END_TEST

/* A sender that has the same place as the spinner has another one in another turn: it is served in
   most turns. */
START_TEST(test_no_place_is_shared_for_long)
{
	enum { TURNS = 20, SENDERS = 3000 };
	struct shares shares = { 0 };
	unsigned refused[SENDERS] = { 0 };
	for (int turn = 0; turn < TURNS; turn++)
		for (uint64_t i = 0; i < SENDERS; i++) {
			shares_begin(&shares);
			send_many(&shares, 7, HOST, 100);
			refused[i] += !shares_take(&shares, 1000 + 2 * i, OTHER_HOST);
		}
	unsigned sum = 0;
	for (int i = 0; i < SENDERS; i++) {
		ck_assert_uint_lt(refused[i], TURNS / 4);
		sum += refused[i];
	}
	ck_assert_uint_lt(sum, 2 * TURNS * SENDERS / SHARES_PLACES);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shares");
	TCase *tcase = tcase_create("shares");
	tcase_add_test(tcase, test_who_fills_the_queue_gets_a_share);
	tcase_add_test(tcase, test_many_ports_of_one_address_share);
	tcase_add_test(tcase, test_the_next_turn_begins_anew);
	tcase_add_test(tcase, test_no_place_is_shared_for_long);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
