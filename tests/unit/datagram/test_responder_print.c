/* The responder of `udp-print` (code B): makes an event of every datagram, and never replies. */
#include "tests/unit/datagram/responder_driver.h"

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
	/* the datagram of code A, with the blank at its end */
	{ TEXT("Hello, Romeo "), "print bytes=13 text=\"Hello, Romeo \"" },
	{ TEXT(""), "print bytes=0 text=\"\"" },
	{ TEXT("\0"), "print bytes=1 text=\"\\x00\"" },
	{ TEXT("a\0b"), "print bytes=3 text=\"a\\x00b\"" },
	{ TEXT("one\ntwo\r\n"), "print bytes=9 text=\"one\\ntwo\\r\\n\"" },
	{ TEXT("\x1b]0;owned\x07"), "print bytes=10 text=\"\\x1b]0;owned\\x07\"" },
	{ TEXT("\x9b" "2J"), "print bytes=3 text=\"\\x9b2J\"" }, /* a control sequence in Latin-1 */
	{ TEXT("Z\xc3\xbcrich"), "print bytes=7 text=\"Z\xc3\xbcrich\"" },
	{ TEXT("Z\xfcrich"), "print bytes=6 text=\"Z\\xfcrich\"" }, /* in Latin-1 */
	{ TEXT("RESET:20"), "print bytes=8 text=\"RESET:20\"" },
};

START_TEST(test_row)
{
	responder_driver_send(driver, 1, rows[_i].data, rows[_i].len);
	ck_assert_uint_eq(driver->reply_len, 0);
	ck_assert_uint_eq(driver->events, 1);
	ck_assert_str_eq(driver->event, rows[_i].event);
}
END_TEST

static const size_t lengths[] = { 64, 65, 1024, WIRE_SHOWN, WIRE_SHOWN + 1, 65507 };

/* All of it, up to what is shown; its length always. */
START_TEST(test_large)
{
	size_t len = lengths[_i], shown = len < WIRE_SHOWN ? len : WIRE_SHOWN;
	char *data = malloc(len);
	memset(data, 'x', len);
	responder_driver_send(driver, 1, data, len);
	ck_assert_uint_eq(driver->reply_len, 0);
	ck_assert_int_eq(responder_driver_number(driver, "bytes"), (int64_t)len);
	const char *text = strchr(driver->event, '"') + 1;
	ck_assert_uint_eq(strspn(text, "x"), shown);
	ck_assert_str_eq(text + shown, shown < len ? "...\"" : "\"");
	free(data);
}
END_TEST

START_TEST(test_cut_between_characters)
{
	enum { CHARACTERS = 500 }; /* of three bytes */
	char data[3 * CHARACTERS];
	for (size_t i = 0; i < CHARACTERS; i++)
		memcpy(data + 3 * i, "\xe2\x99\xa5", 3);
	responder_driver_send(driver, 1, data, sizeof data);
	const char *text = strchr(driver->event, '"') + 1;
	ck_assert_int_eq(memcmp(text, data, WIRE_SHOWN / 3 * 3), 0);
	ck_assert_str_eq(text + WIRE_SHOWN / 3 * 3, "...\"");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("responder_print");
	TCase *tcase = tcase_create("responder_print");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, test_row, 0, COUNT(rows));
	tcase_add_loop_test(tcase, test_large, 0, COUNT(lengths));
	tcase_add_test(tcase, test_cut_between_characters);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
