/* The responder of `reset`, the PMU's clock: the reply to each datagram, the clock, the resets of
   each peer, and random values. */
#include "tests/unit/datagram/responder_driver.h"
#include "tests/unit/impair/chance.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) literal, sizeof(literal) - 1
#define WRONG "Wrong command."

enum { SEED = 7 };

static struct responder_driver *driver;

static void set_up(void)
{
	driver = responder_driver_create(&responder_reset, ENDPOINT_RESET, SEED, NULL);
}

static void tear_down(void)
{
	responder_driver_destroy(driver);
}

static void set(const char *assignment)
{
	struct err err;
	ck_assert_msg(config_assign(driver->config, assignment, "--set", &err), "%s", err.text);
}

static const char *say(const char *data, size_t len)
{
	return responder_driver_send(driver, 1, data, len);
}

static const struct {
	const char *data;
	size_t len;
	const char *reply; /* NULL: OFFSET=X, whatever X is */
} rows[] = {
	{ TEXT("RESET:0"), "OFFSET=0" },
	{ TEXT("RESET:0\n"), "OFFSET=0" },
	{ TEXT("RESET:0\r\n"), "OFFSET=0" },
	{ TEXT("RESET:20"), NULL },
	{ TEXT("RESET:20\n"), NULL },
	{ TEXT("RESET:1"), NULL },
	{ TEXT("RESET:86400"), NULL },
	{ TEXT("RESET:86401"), WRONG },
	{ TEXT("RESET:99999999999999999999"), WRONG },
	{ TEXT("RESET:18446744073709551636"), WRONG }, /* 2^64 + 20 */
	{ TEXT(""), WRONG },
	{ TEXT("R"), WRONG },
	{ TEXT("\n"), WRONG },
	{ TEXT("\0"), WRONG },
	{ TEXT("RESET"), WRONG },
	{ TEXT("RESET:"), WRONG },
	{ TEXT("RESET:\n"), WRONG },
	{ TEXT("RESET:20\n\n"), WRONG },
	{ TEXT("RESET:20\r"), WRONG },
	{ TEXT("\nRESET:20"), WRONG },
	{ TEXT("RESET:020"), WRONG },
	{ TEXT("RESET:00"), WRONG },
	{ TEXT("Wrong command."), "" }, /* silence */
	{ TEXT("OFFSET=5"), WRONG },
	{ TEXT("RESET:+20"), WRONG },
	{ TEXT("RESET:-1"), WRONG },
	{ TEXT("RESET:-0"), WRONG },
	{ TEXT("RESET: 20"), WRONG },
	{ TEXT("RESET:20 "), WRONG },
	{ TEXT(" RESET:20"), WRONG },
	{ TEXT("RESET :20"), WRONG },
	{ TEXT("RESET:2 0"), WRONG },
	{ TEXT("RESET:20.0"), WRONG },
	{ TEXT("RESET:2e1"), WRONG },
	{ TEXT("RESET:0x14"), WRONG },
	{ TEXT("RESET:20\0"), WRONG },
	{ TEXT("RESET:\0" "20"), WRONG },
	{ TEXT("RE\0SET:20"), WRONG },
	{ TEXT("reset:20"), WRONG },
	{ TEXT("RESET=20"), WRONG },
	{ TEXT("RESET20"), WRONG },
	{ TEXT("'RESET:20'"), WRONG },
	{ TEXT("b'RESET:20'"), WRONG },
	{ TEXT("RESET:n"), WRONG },
	{ TEXT("OFFSET=20"), WRONG },
	{ TEXT("CMD_short:0"), WRONG },
	{ TEXT("\xef\xbb\xbfRESET:20"), WRONG },
	{ TEXT("RESET:\xef\xbc\x92\xef\xbc\x90"), WRONG },   /* full-width digits */
	{ TEXT("RESET:\xd9\xa2\xd9\xa0"), WRONG },           /* Arabic-Indic digits */
	{ TEXT("R\0E\0S\0E\0T\0:\0" "2\0" "0\0"), WRONG },   /* UTF-16 */
	{ TEXT("\xff\xfe\xfd"), WRONG },
};

START_TEST(test_row)
{
	const char *reply = say(rows[_i].data, rows[_i].len);
	if (!rows[_i].reply) {
		long x;
		ck_assert_int_eq(strncmp(reply, "OFFSET=", 7), 0);
		ck_assert(wire_parse_offset(reply, driver->reply_len, &x));
		ck_assert_int_eq(x, responder_driver_number(driver, "offset"));
		ck_assert_int_le(x, responder_driver_number(driver, "asked"));
	} else {
		ck_assert_str_eq(reply, rows[_i].reply);
	}
	/* One event, and only an accepted reset is one. */
	ck_assert_uint_eq(driver->events, 1);
	bool wrong = strncmp(reply, "OFFSET", 6) != 0;
	ck_assert_int_eq(strncmp(driver->event, wrong ? "error " : "reset ", 6), 0);
}
END_TEST

START_TEST(test_what_a_wrong_command_is_told_with)
{
	say(TEXT("RESET:-1\0\x1b[2J"));
	ck_assert_str_eq(driver->event,
		"error fault=peer what=this is no RESET:n bytes=\"RESET:-1\\x00\\x1b[2J\"/13");
}
END_TEST

START_TEST(test_large_datagrams)
{
	enum { LARGE = 65507 };
	char *data = malloc(LARGE);
	memset(data, '0', LARGE);
	memcpy(data, "RESET:20", 8);
	for (size_t len = 12; len <= LARGE; len = len == LARGE      ? LARGE + 1
						  : len * 2 > LARGE ? LARGE
								    : len * 2)
		ck_assert_str_eq(say(data, len), "Wrong command.");
	/* One line end and no more, however far away. */
	memset(data + 8, '\n', LARGE - 8);
	ck_assert_str_eq(say(data, LARGE), WRONG);
	ck_assert_int_eq(strncmp(say(data, 9), "OFFSET=", 7), 0);
	free(data);
}
END_TEST

START_TEST(test_separator)
{
	set("reset.separator=:");
	ck_assert_str_eq(say(TEXT("RESET:0")), "OFFSET:0");
	set("reset.separator==");
	ck_assert_str_eq(say(TEXT("RESET:0")), "OFFSET=0");
}
END_TEST

START_TEST(test_only_one_n_is_right)
{
	set("reset.only=20");
	ck_assert_str_eq(say(TEXT("RESET:19")), WRONG);
	ck_assert_str_eq(say(TEXT("RESET:0")), WRONG);
	ck_assert_str_eq(say(TEXT("RESET:200")), WRONG);
	ck_assert_str_eq(say(TEXT("RESET:020")), WRONG);
	ck_assert_int_eq(strncmp(say(TEXT("RESET:20")), "OFFSET=", 7), 0);
	ck_assert_int_eq(strncmp(say(TEXT("RESET:20\n")), "OFFSET=", 7), 0);
	set("reset.only=0");
	ck_assert_str_eq(say(TEXT("RESET:20")), WRONG);
	ck_assert_str_eq(say(TEXT("RESET:0")), "OFFSET=0");
	set("reset.only=none");
	ck_assert_int_eq(strncmp(say(TEXT("RESET:20")), "OFFSET=", 7), 0);
}
END_TEST

/* The longest there are: 16 bytes are enough for all. */
START_TEST(test_replies_stay_short)
{
	size_t longest = 0;
	for (int i = 0; i < 10000; i++) {
		say(TEXT("RESET:86400"));
		longest = driver->reply_len > longest ? driver->reply_len : longest;
	}
	ck_assert_uint_eq(longest, sizeof "OFFSET=86400" - 1);
	say(TEXT("x"));
	ck_assert_uint_eq(driver->reply_len, 14);
}
END_TEST

START_TEST(test_the_clock_moves_by_each_offset)
{
	int64_t clock = 0;
	for (int i = 1; i <= 100; i++) {
		say(TEXT("RESET:20"));
		ck_assert_int_eq(responder_driver_number(driver, "clock_before"), clock);
		clock += responder_driver_number(driver, "offset");
		ck_assert_int_eq(responder_driver_number(driver, "clock_after"), clock);
		ck_assert_int_eq(responder_driver_number(driver, "resets"), i);
		ck_assert_int_eq(responder_driver_number(driver, "n"), 2 * i - 1);
		/* What is wrong moves nothing and counts for nothing. */
		say(TEXT("RESET:020"));
	}
	ck_assert_int_gt(clock, 0);
}
END_TEST

START_TEST(test_event_of_a_reset)
{
	responder_driver_send_n(driver, 6, 41, 1, TEXT("RESET:0"));
	ck_assert_str_eq(driver->event,
		"reset family=6 n=41 asked=0 offset=0 clock_before=0 clock_after=0 resets=1");
}
END_TEST

START_TEST(test_resets_are_counted_for_each_peer)
{
	for (uint32_t peer = 1; peer <= 3; peer++)
		for (uint32_t i = 1; i <= peer; i++) {
			responder_driver_send(driver, peer, TEXT("RESET:20"));
			ck_assert_int_eq(responder_driver_number(driver, "resets"), i);
		}
	responder_driver_send(driver, 2, TEXT("RESET:20"));
	ck_assert_int_eq(responder_driver_number(driver, "resets"), 3);
	responder_driver_send(driver, 4, TEXT("RESET:20"));
	ck_assert_int_eq(responder_driver_number(driver, "resets"), 1);
}
END_TEST

/* More than are remembered: those that keep talking are counted on, and a stranger begins with
   1. */
START_TEST(test_two_thousand_peers)
{
	enum { FAITHFUL = 20, STRANGERS = 2000 };
	for (uint32_t stranger = 0; stranger < STRANGERS; stranger++) {
		responder_driver_send(driver, 1000 + stranger, TEXT("RESET:20"));
		ck_assert_int_eq(responder_driver_number(driver, "resets"), 1);
		for (uint32_t peer = 0; peer < FAITHFUL; peer++) {
			responder_driver_send(driver, peer, TEXT("RESET:20"));
			ck_assert_int_eq(responder_driver_number(driver, "resets"), stranger + 1);
		}
	}
	/* The last stranger is still known. */
	responder_driver_send(driver, 1000 + STRANGERS - 1, TEXT("RESET:20"));
	ck_assert_int_eq(responder_driver_number(driver, "resets"), 2);
}
END_TEST

static const long uniform_n[] = { 1, 2, 20, 99 };

START_TEST(test_x_is_uniform)
{
	enum { DRAWS = 5000 };
	double counts[100] = { 0 }, shares[100];
	char text[WIRE_OFFSET_TEXT_MAX];
	long n = uniform_n[_i];
	size_t len = wire_format_reset(text, n);
	for (int i = 0; i < DRAWS; i++) {
		long x;
		say(text, len);
		ck_assert(wire_parse_offset(driver->reply, driver->reply_len, &x) && x <= n);
		counts[x]++;
	}
	for (long x = 0; x <= n; x++)
		shares[x] = 1.0 / (double)(n + 1);
	check_chi_square(counts, shares, (size_t)n + 1, text);
}
END_TEST

/* X depends on the seed, the family and the datagram's number: not on who asks, or on what was
   asked before. */
START_TEST(test_x_repeats)
{
	int64_t first[200];
	for (uint32_t i = 0; i < 200; i++) {
		say(TEXT("RESET:86400"));
		first[i] = responder_driver_number(driver, "offset");
	}
	struct responder_driver *again =
		responder_driver_create(&responder_reset, ENDPOINT_RESET, SEED, NULL);
	struct responder_driver *other =
		responder_driver_create(&responder_reset, ENDPOINT_RESET, SEED + 1, NULL);
	unsigned same_seed = 0, same_family = 0;
	for (uint32_t i = 200; i-- > 0;) {
		responder_driver_send_n(again, 4, i + 1, i, TEXT("RESET:86400\n"));
		ck_assert_int_eq(responder_driver_number(again, "offset"), first[i]);
		responder_driver_send_n(again, 6, i + 1, i, TEXT("RESET:86400"));
		same_family += responder_driver_number(again, "offset") == first[i];
		responder_driver_send_n(other, 4, i + 1, i, TEXT("RESET:86400"));
		same_seed += responder_driver_number(other, "offset") == first[i];
	}
	ck_assert_uint_lt(same_seed, 3);
	ck_assert_uint_lt(same_family, 3);
	responder_driver_destroy(again);
	responder_driver_destroy(other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("responder_reset");
	TCase *tcase = tcase_create("responder_reset");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, test_row, 0, COUNT(rows));
	tcase_add_test(tcase, test_what_a_wrong_command_is_told_with);
	tcase_add_test(tcase, test_large_datagrams);
	tcase_add_test(tcase, test_separator);
	tcase_add_test(tcase, test_only_one_n_is_right);
	tcase_add_test(tcase, test_replies_stay_short);
	tcase_add_test(tcase, test_the_clock_moves_by_each_offset);
	tcase_add_test(tcase, test_event_of_a_reset);
	tcase_add_test(tcase, test_resets_are_counted_for_each_peer);
	tcase_add_test(tcase, test_two_thousand_peers);
	tcase_add_loop_test(tcase, test_x_is_uniform, 0, COUNT(uniform_n));
	tcase_add_test(tcase, test_x_repeats);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
