/* The session of the echo (code C): one piece at a time. */
#include "tests/unit/stream/session_driver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { STEPS_MAX = 4 };

static const struct row {
	const char *name;
	struct step steps[STEPS_MAX];
	const char *transcript;
} rows[] = {
	{ "what comes goes back",
		{ { 0, STEP_INPUT, "O Romeo, Romeo! " }, { 1, STEP_INPUT, "wherefore" },
			{ 2, STEP_EOF, NULL } },
		"0.000 send \"O Romeo, Romeo! \"\n"
		"1.000 send \"wherefore\"\n"
		"2.000 close peer closed\n" },
	{ "an end before anything", { { 1, STEP_EOF, NULL } }, "1.000 close peer closed\n" },
	{ "an end right behind the bytes", { { 0, STEP_INPUT, "Romeo" }, { 0, STEP_EOF, NULL } },
		"0.000 send \"Romeo\"\n"
		"0.000 close peer closed\n" },
	{ "a stop before anything", { { 1, STEP_STOP, NULL } }, "1.000 close stopping\n" },
	{ "a stop lets go what has come", { { 0, STEP_INPUT, "Romeo" }, { 0, STEP_STOP, NULL } },
		"0.000 send \"Romeo\"\n"
		"0.000 close stopping\n" },
	{ "nothing is nothing", { { 0, STEP_INPUT, "" }, { 1, STEP_EOF, NULL } },
		"1.000 close peer closed\n" },
};

START_TEST(test_row)
{
	const struct row *row = &rows[_i];
	struct driver driver;
	driver_init(&driver, &session_echo, ENDPOINT_ECHO, NULL);
	driver_play(&driver, row->steps, STEPS_MAX);
	ck_assert_msg(strcmp(driver.transcript, row->transcript) == 0, "%s:\n%s\nexpected:\n%s",
		row->name, driver.transcript, row->transcript);
	driver_finish(&driver);
}
END_TEST

static const struct {
	const char *setting;
	size_t chunk;
} chunks[] = { { "echo.chunk=16", 16 }, { "echo.chunk=1", 1 }, { "echo.chunk=16KiB", 16384 } };

START_TEST(test_it_asks_for_a_chunk)
{
	struct driver driver;
	driver_init(&driver, &session_echo, ENDPOINT_ECHO,
		(const char *[]){ chunks[_i].setting, NULL });
	struct action action = session_echo.next(driver.self, 0);
	ck_assert_int_eq(action.kind, ACTION_READ);
	ck_assert_uint_eq(action.len, chunks[_i].chunk);
	driver_finish(&driver);
}
END_TEST

START_TEST(test_all_256_bytes_come_back)
{
	struct driver driver;
	char bytes[256];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	driver_init(&driver, &session_echo, ENDPOINT_ECHO,
		(const char *[]){ "echo.chunk=256", NULL });
	session_echo.input(driver.self, bytes, sizeof bytes, false);
	struct action action = session_echo.next(driver.self, 0);
	ck_assert_int_eq(action.kind, ACTION_SEND);
	ck_assert_uint_eq(action.len, sizeof bytes);
	ck_assert_mem_eq(action.data, bytes, sizeof bytes);
	driver_finish(&driver);
}
END_TEST

START_TEST(test_it_takes_nothing_more_while_it_sends)
{
	struct driver driver;
	driver_init(&driver, &session_echo, ENDPOINT_ECHO, NULL);
	ck_assert(session_echo.takes_input(driver.self));
	session_echo.input(driver.self, "Romeo", 5, false);
	ck_assert(!session_echo.takes_input(driver.self));
	ck_assert_int_eq(session_echo.next(driver.self, 0).kind, ACTION_SEND);
	ck_assert(!session_echo.takes_input(driver.self));
	/* it has been sent */
	ck_assert_int_eq(session_echo.next(driver.self, 0).kind, ACTION_READ);
	ck_assert(session_echo.takes_input(driver.self));
	driver_finish(&driver);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session_echo");
	TCase *tcase = tcase_create("session_echo");
	tcase_add_loop_test(tcase, test_row, 0, COUNT(rows));
	tcase_add_loop_test(tcase, test_it_asks_for_a_chunk, 0, COUNT(chunks));
	tcase_add_test(tcase, test_all_256_bytes_come_back);
	tcase_add_test(tcase, test_it_takes_nothing_more_while_it_sends);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
