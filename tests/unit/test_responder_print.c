/* Code B: tells what comes, whatever it is, and says nothing. */
#include "tests/unit/responder_driver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT(literal) literal, sizeof(literal) - 1

static struct responder_driver *driver;

static void set_up(void)
{
	driver = responder_driver_create(&responder_print, ENDPOINT_UDP_PRINT, 7, NULL);
}

static void tear_down(void)
{
	responder_driver_destroy(driver);
}

static const struct {
	const char *data;
	size_t len;
	const char *event;
} rows[] = {
	{ TEXT("Hello, Romeo "), "print text=\"Hello, Romeo \"/13" }, /* code A's, blank included */
	{ TEXT(""), "print text=\"\"/0" },
	{ TEXT("\0"), "print text=\"\\x00\"/1" },
	{ TEXT("a\0b"), "print text=\"a\\x00b\"/3" },
	{ TEXT("one\ntwo\r\n"), "print text=\"one\\ntwo\\r\\n\"/9" },
	{ TEXT("\x1b]0;owned\x07"), "print text=\"\\x1b]0;owned\\x07\"/10" },
	{ TEXT("\x9b" "2J"), "print text=\"\\x9b2J\"/3" }, /* a control sequence in Latin-1 */
	{ TEXT("caf\xc3\xa9"), "print text=\"caf\\xc3\\xa9\"/5" },
	{ TEXT("RESET:20"), "print text=\"RESET:20\"/8" },
};

START_TEST(test_row)
{
	responder_driver_send(driver, 1, rows[_i].data, rows[_i].len);
	ck_assert_uint_eq(driver->reply_len, 0);
	ck_assert_uint_eq(driver->events, 1);
	ck_assert_str_eq(driver->event, rows[_i].event);
}
END_TEST

START_TEST(test_large)
{
	char *data = calloc(1, 65507);
	memset(data, 'x', 65507);
	responder_driver_send(driver, 1, data, 65507);
	ck_assert_uint_eq(driver->reply_len, 0);
	ck_assert_ptr_nonnull(strstr(driver->event, "xxx...\"/65507"));
	ck_assert_uint_lt(strlen(driver->event), 100);
	free(data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("responder_print");
	TCase *tcase = tcase_create("responder_print");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, test_row, 0, COUNT(rows));
	tcase_add_test(tcase, test_large);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
