/* The session of the PMU as tables: pieces of input with their times, and what the session does. */
#include "tests/unit/stream/session_driver.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define REFUSAL(got, reason) \
	"send \"ERROR expected CMD_short:<seconds> or CMD_floodme, got \"" got "\"" reason "\\n\"\n"
/* All that a bad command leads to. */
#define BAD(at, got, reason) \
	at " event command text=\"" got "\" kind=bad interval=0.000 messages=0\n" \
	at " event error fault=peer what=this is no command" reason " bytes=\"" got "\"\n" \
	at " " REFUSAL(got, reason) \
	at " close bad command\n"
#define LIMITS(n) " (at most 3600 seconds, and " n " messages within 86400)"

enum { STEPS_MAX = 6 };

static const struct row {
	const char *name;
	struct step steps[STEPS_MAX];
	const char *transcript;
	const char *settings[SETTINGS_MAX];
	enum endpoint_id endpoint; /* 0 stands for ENDPOINT_PMU */
} rows[] = {
	{ "a command in one piece is answered at once", { { 1, STEP_INPUT, "CMD_short:0" } },
		"1.000 event command text=\"CMD_short:0\" kind=short interval=0.000 messages=2\n"
		"1.000 send \"This is PMU data 1\"\n"
		"1.000 send \"This is PMU data 2\"\n"
		"1.000 close done\n" },
	{ "d seconds between messages, the first at once", { { 1, STEP_INPUT, "CMD_short:0.25" } },
		"1.000 event command text=\"CMD_short:0.25\" kind=short interval=0.250 messages=2\n"
		"1.000 send \"This is PMU data 1\"\n"
		"1.250 send \"This is PMU data 2\"\n"
		"1.250 close done\n" },
	{ "the flood is one send", { { 0, STEP_INPUT, "CMD_floodme" } },
		"0.000 event command text=\"CMD_floodme\" kind=flood interval=0.000 messages=1\n"
		"0.000 send \"Who's there?\"\n"
		"0.000 close done\n" },

	{ "a line end belongs to the command", { { 0, STEP_INPUT, "CMD_short:0\r\n" } },
		"0.000 event command text=\"CMD_short:0\" kind=short interval=0.000 messages=2\n"
		"0.000 send \"This is PMU data 1\"\n"
		"0.000 send \"This is PMU data 2\"\n"
		"0.000 close done\n" },
	{ "also when it comes later, and in pieces",
		{ { 0, STEP_INPUT, "CMD_short:1" }, { 0.1, STEP_INPUT, "\r" },
			{ 0.2, STEP_INPUT, "\n" } },
		"0.000 event command text=\"CMD_short:1\" kind=short interval=1.000 messages=2\n"
		"0.000 send \"This is PMU data 1\"\n"
		"1.000 send \"This is PMU data 2\"\n"
		"1.000 close done\n" },
	{ "a second line end is behind the command",
		{ { 0, STEP_INPUT, "CMD_short:1\n" }, { 0.1, STEP_INPUT, "\n" } },
		"0.000 event command text=\"CMD_short:1\" kind=short interval=1.000 messages=2\n"
		"0.000 send \"This is PMU data 1\"\n"
		"0.100 event error fault=peer what=bytes behind the command are ignored "
		"bytes=\"\\n\"\n"
		"1.000 send \"This is PMU data 2\"\n"
		"1.000 close done\n" },

	{ "bytes behind a command are noted once",
		{ { 0, STEP_INPUT, "CMD_floodme\nCMD_short:0" }, { 0, STEP_INPUT, "more" } },
		"0.000 event command text=\"CMD_floodme\" kind=flood interval=0.000 messages=1\n"
		"0.000 event error fault=peer what=bytes behind the command are ignored "
		"bytes=\"CMD_short:0\"\n"
		"0.000 send \"Who's there?\"\n"
		"0.000 close done\n" },
	{ "also those that come while it is answered",
		{ { 0, STEP_INPUT, "CMD_short:1" }, { 0.5, STEP_INPUT, "CMD_floodme" } },
		"0.000 event command text=\"CMD_short:1\" kind=short interval=1.000 messages=2\n"
		"0.000 send \"This is PMU data 1\"\n"
		"0.500 event error fault=peer what=bytes behind the command are ignored "
		"bytes=\"CMD_floodme\"\n"
		"1.000 send \"This is PMU data 2\"\n"
		"1.000 close done\n" },

	{ "a number that came in pieces may go on: 50 ms of silence end it",
		{ { 0, STEP_INPUT, "CMD_short:" }, { 1, STEP_INPUT, "1" } },
		"1.050 event command text=\"CMD_short:1\" kind=short interval=1.000 messages=2\n"
		"1.050 send \"This is PMU data 1\"\n"
		"2.050 send \"This is PMU data 2\"\n"
		"2.050 close done\n" },
	{ "a digit within 50 ms belongs to the number, and begins them anew",
		{ { 0, STEP_INPUT, "CMD_sh" }, { 1, STEP_INPUT, "ort:0" },
			{ 1.04, STEP_INPUT, "." }, { 1.08, STEP_INPUT, "5" } },
		"1.130 event command text=\"CMD_short:0.5\" kind=short interval=0.500 messages=2\n"
		"1.130 send \"This is PMU data 1\"\n"
		"1.630 send \"This is PMU data 2\"\n"
		"1.630 close done\n" },
	{ "a line end ends the number at once",
		{ { 0, STEP_INPUT, "CMD_short:" }, { 1, STEP_INPUT, "0" },
			{ 1.01, STEP_INPUT, "\n" } },
		"1.010 event command text=\"CMD_short:0\" kind=short interval=0.000 messages=2\n"
		"1.010 send \"This is PMU data 1\"\n"
		"1.010 send \"This is PMU data 2\"\n"
		"1.010 close done\n" },
	{ "the peer's end ends the number at once",
		{ { 0, STEP_INPUT, "CMD_short:" }, { 1, STEP_INPUT, "0" },
			{ 1.01, STEP_EOF, NULL } },
		"1.010 event command text=\"CMD_short:0\" kind=short interval=0.000 messages=2\n"
		"1.010 send \"This is PMU data 1\"\n"
		"1.010 send \"This is PMU data 2\"\n"
		"1.010 close done\n" },
	{ "what no number goes on with makes it no command",
		{ { 0, STEP_INPUT, "CMD_short:" }, { 1, STEP_INPUT, "0" },
			{ 1.01, STEP_INPUT, "x" } },
		BAD("1.010", "CMD_short:0x", " (byte 12 is \"x\")") },
	{ "a comma is told", { { 0, STEP_INPUT, "CMD_short:1,5" } },
		BAD("0.000", "CMD_short:1,5", " (byte 12 is a comma: write 1.5)") },
	{ "an exponent is told", { { 0, STEP_INPUT, "CMD_short:1e400" } },
		BAD("0.000", "CMD_short:1e400",
			" (byte 12 is an exponent: write the number in full)") },
	{ "a longer word is another command", { { 0, STEP_INPUT, "CMD_floodmenot" } },
		BAD("0.000", "CMD_floodmenot", " (byte 12 is \"n\")") },
	{ "another command in it", { { 0, STEP_MESSAGE, "CMD_short:0;ls" } },
		BAD("0.000", "CMD_short:0;ls", " (byte 12 is \";\")"),
		.endpoint = ENDPOINT_PMU_WS },
	{ "the flood needs no silence", { { 0, STEP_INPUT, "CMD_flood" }, { 1, STEP_INPUT, "me" } },
		"1.000 event command text=\"CMD_floodme\" kind=flood interval=0.000 messages=1\n"
		"1.000 send \"Who's there?\"\n"
		"1.000 close done\n" },

	{ "a message ends a command", { { 0, STEP_INPUT, "CMD_short:" }, { 1, STEP_MESSAGE, "1" } },
		"1.000 event command text=\"CMD_short:1\" kind=short interval=1.000 messages=2\n"
		"1.000 send \"This is PMU data 1\"\n"
		"2.000 send \"This is PMU data 2\"\n"
		"2.000 close done\n",
		.endpoint = ENDPOINT_PMU_WS },
	{ "a fragment does not, however long nothing follows",
		{ { 0, STEP_INPUT, "CMD_short:0" }, { 1, STEP_INPUT, ".5" },
			{ 2, STEP_MESSAGE, "" } },
		"2.000 event command text=\"CMD_short:0.5\" kind=short interval=0.500 messages=2\n"
		"2.000 send \"This is PMU data 1\"\n"
		"2.500 send \"This is PMU data 2\"\n"
		"2.500 close done\n",
		.endpoint = ENDPOINT_PMU_WS },
	{ "a fragment that is no command waits for the message's end",
		{ { 0, STEP_INPUT, "no" }, { 1, STEP_INPUT, "" }, { 2, STEP_MESSAGE, "ne" } },
		BAD("2.000", "none", ""), .endpoint = ENDPOINT_PMU_WS },
	{ "a command in a fragment as well",
		{ { 0, STEP_INPUT, "CMD_floodme" }, { 1, STEP_MESSAGE, "not" } },
		BAD("1.000", "CMD_floodmenot", " (byte 12 is \"n\")"),
		.endpoint = ENDPOINT_PMU_WSS },
	{ "a message that the peer's end has cut is none",
		{ { 0, STEP_INPUT, "CMD_short:0" }, { 1, STEP_EOF, NULL } },
		"1.000 close peer closed\n", .endpoint = ENDPOINT_PMU_WS },
	{ "half a command in a message is none", { { 0, STEP_MESSAGE, "CMD_short:" } },
		"0.000 event command text=\"CMD_short:\" kind=bad interval=0.000 messages=0\n"
		"0.000 event error fault=peer what=this is no command bytes=\"CMD_short:\"\n"
		"0.000 " REFUSAL("CMD_short:", "") "0.000 close bad command\n",
		.endpoint = ENDPOINT_PMU_WSS },
	{ "an empty message is none", { { 0, STEP_MESSAGE, "" } },
		"0.000 event command text=\"\" kind=bad interval=0.000 messages=0\n"
		"0.000 event error fault=peer what=this is no command bytes=\"\"\n"
		"0.000 " REFUSAL("", "") "0.000 close bad command\n",
		.endpoint = ENDPOINT_PMU_WS },

	{ "what can no longer become a command is answered at once",
		{ { 0, STEP_INPUT, "CMD_" }, { 1, STEP_INPUT, "x" } },
		"1.000 event command text=\"CMD_x\" kind=bad interval=0.000 messages=0\n"
		"1.000 event error fault=peer what=this is no command bytes=\"CMD_x\"\n"
		"1.000 " REFUSAL("CMD_x", "") "1.000 close bad command\n" },
	{ "a number may have 54 digits",
		{ { 0, STEP_INPUT,
			"CMD_short:000000000000000000000000000000000000000000000000000000" } },
		"0.000 event command "
		"text=\"CMD_short:000000000000000000000000000000000000000000000000000000\" "
		"kind=short interval=0.000 messages=2\n"
		"0.000 send \"This is PMU data 1\"\n"
		"0.000 send \"This is PMU data 2\"\n"
		"0.000 close done\n" },
	{ "but not 55; what is shown is cut at 64 bytes",
		{ { 0, STEP_INPUT,
			"CMD_short:0000000000000000000000000000000000000000000000000000001" } },
		"0.000 event command "
		"text=\"CMD_short:000000000000000000000000000000000000000000000000000000...\" "
		"kind=bad interval=0.000 messages=0\n"
		"0.000 event error fault=peer what=this is no command "
		"bytes=\"CMD_short:000000000000000000000000000000000000000000000000000000...\"\n"
		"0.000 " REFUSAL(
			"CMD_short:000000000000000000000000000000000000000000000000000000...",
			"") "0.000 close bad command\n" },

	{ "an hour is not too long", { { 0, STEP_INPUT, "CMD_short:3600" } },
		"0.000 event command text=\"CMD_short:3600\" kind=short interval=3600.000 "
		"messages=2\n"
		"0.000 send \"This is PMU data 1\"\n"
		"3600.000 send \"This is PMU data 2\"\n"
		"3600.000 close done\n" },
	{ "anything more is, however fast time runs", { { 0, STEP_INPUT, "CMD_short:3600.001" } },
		"0.000 event command text=\"CMD_short:3600.001\" kind=bad interval=0.000 "
		"messages=0\n"
		"0.000 event error fault=peer what=this is no command" LIMITS("2")
		" bytes=\"CMD_short:3600.001\"\n"
		"0.000 " REFUSAL("CMD_short:3600.001", LIMITS("2")) "0.000 close bad command\n",
		{ "pmu.speed=1000" } },
	{ "so is a stream of more than a day", { { 0, STEP_INPUT, "CMD_short:28.81" } },
		"0.000 event command text=\"CMD_short:28.81\" kind=bad interval=0.000 messages=0\n"
		"0.000 event error fault=peer what=this is no command" LIMITS("3000")
		" bytes=\"CMD_short:28.81\"\n"
		"0.000 " REFUSAL("CMD_short:28.81", LIMITS("3000")) "0.000 close bad command\n",
		{ "pmu.messages=3000" } },

	{ "first and speed are settings", { { 0, STEP_INPUT, "CMD_short:1" } },
		"0.000 event command text=\"CMD_short:1\" kind=short interval=0.050 messages=2\n"
		"0.000 send \"This is PMU data 0\"\n"
		"0.050 send \"This is PMU data 1\"\n"
		"0.050 close done\n",
		{ "pmu.first=0", "pmu.speed=20" } },
	{ "the endpoint's own settings win", { { 0, STEP_INPUT, "CMD_short:1" } },
		"0.000 event command text=\"CMD_short:1\" kind=short interval=1.000 messages=1\n"
		"0.000 send \"This is PMU data 9\"\n"
		"0.000 close done\n",
		{ "pmu-tls.messages=1", "pmu-tls.first=9" }, .endpoint = ENDPOINT_PMU_TLS },
	{ "there may be no messages", { { 0, STEP_INPUT, "CMD_short:1" } },
		"0.000 event command text=\"CMD_short:1\" kind=short interval=1.000 messages=0\n"
		"0.000 close done\n",
		{ "pmu.messages=0" } },

	/* The peer's end in every state. */
	{ "an end before anything", { { 3, STEP_EOF, NULL } }, "3.000 close peer closed\n" },
	{ "an end in the command", { { 0, STEP_INPUT, "CMD_short:" }, { 3, STEP_EOF, NULL } },
		"3.000 event command text=\"CMD_short:\" kind=bad interval=0.000 messages=0\n"
		"3.000 event error fault=peer what=this is no command bytes=\"CMD_short:\"\n"
		"3.000 " REFUSAL("CMD_short:", "") "3.000 close bad command\n" },
	{ "an end in the stream", { { 0, STEP_INPUT, "CMD_short:1" }, { 0.5, STEP_EOF, NULL } },
		"0.000 event command text=\"CMD_short:1\" kind=short interval=1.000 messages=2\n"
		"0.000 send \"This is PMU data 1\"\n"
		"1.000 send \"This is PMU data 2\"\n"
		"1.000 close done\n" },
	{ "an end with the flood", { { 0, STEP_INPUT, "CMD_floodme" }, { 0, STEP_EOF, NULL } },
		"0.000 event command text=\"CMD_floodme\" kind=flood interval=0.000 messages=1\n"
		"0.000 send \"Who's there?\"\n"
		"0.000 close done\n" },
	{ "an end with a bad command", { { 0, STEP_INPUT, "?" }, { 0, STEP_EOF, NULL } },
		"0.000 event command text=\"?\" kind=bad interval=0.000 messages=0\n"
		"0.000 event error fault=peer what=this is no command bytes=\"?\"\n"
		"0.000 " REFUSAL("?", "") "0.000 close bad command\n" },

	/* The lab's end in every state. */
	{ "a stop before anything", { { 3, STEP_STOP, NULL } }, "3.000 close stopping\n" },
	{ "a stop in the command", { { 0, STEP_INPUT, "CMD_" }, { 3, STEP_STOP, NULL } },
		"3.000 close stopping\n" },
	{ "a stop in the stream", { { 0, STEP_INPUT, "CMD_short:1" }, { 0.5, STEP_STOP, NULL } },
		"0.000 event command text=\"CMD_short:1\" kind=short interval=1.000 messages=2\n"
		"0.000 send \"This is PMU data 1\"\n"
		"1.000 send \"This is PMU data 2\"\n"
		"1.000 close done\n" },
	{ "a stop with the flood", { { 0, STEP_INPUT, "CMD_floodme" }, { 0, STEP_STOP, NULL } },
		"0.000 event command text=\"CMD_floodme\" kind=flood interval=0.000 messages=1\n"
		"0.000 send \"Who's there?\"\n"
		"0.000 close done\n" },
};

static const char *const two_messages[] = { "pmu.messages=2", NULL };

static void init(struct driver *driver, enum endpoint_id endpoint, const char *const *settings)
{
	driver_init(driver, &session_pmu, endpoint == 0 ? ENDPOINT_PMU : endpoint, two_messages);
	for (size_t i = 0; settings && i < SETTINGS_MAX && settings[i]; i++)
		driver_set(driver, settings[i]);
}

START_TEST(test_row)
{
	const struct row *row = &rows[_i];
	struct driver driver;
	init(&driver, row->endpoint, row->settings);
	driver_play(&driver, row->steps, STEPS_MAX);
	ck_assert_msg(strcmp(driver.transcript, row->transcript) == 0, "%s:\n%s\nexpected:\n%s",
		row->name, driver.transcript, row->transcript);
	driver_finish(&driver);
}
END_TEST

/*
 * Each command cut in two and in three, pieces 10 ms apart: the same command, the same messages.
 * Where the first piece is a command by itself it is taken for one, as that is how real clients
 * send them.
 */
static const struct {
	const char *text, *command, *sends;
} split_rows[] = {
	{ "CMD_short:0", "text=\"CMD_short:0\"", "12" },
	{ "CMD_short:1", "text=\"CMD_short:1\"", "12" },
	{ "CMD_short:0.25", "text=\"CMD_short:0.25\"", "12" },
	{ "CMD_short:0.25\n", "text=\"CMD_short:0.25\"", "12" },
	{ "CMD_short:12.5\r\n", "text=\"CMD_short:12.5\"", "12" },
	{ "CMD_floodme", "text=\"CMD_floodme\"", "?" },
	{ "CMD_floodme\r\n", "text=\"CMD_floodme\"", "?" },
};

/* The last byte of each send: "12" for two messages. */
static void sends_of(const char *transcript, char *sends)
{
	for (const char *at = transcript; (at = strstr(at, " send \"")); at++)
		*sends++ = strchr(at, '\n')[-2];
	*sends = 0;
}

static void check_split(size_t row, size_t first, size_t second)
{
	struct driver driver;
	const char *text = split_rows[row].text;
	char pieces[3][32] = { "", "", "" }, sends[TRANSCRIPT_BYTES];
	memcpy(pieces[0], text, first);
	memcpy(pieces[1], text + first, second - first);
	strcpy(pieces[2], text + second);
	struct wire_command command;
	size_t head = first > 0 ? first : second;
	if (head < strcspn(text, "\r\n") && wire_parse_command(text, head, &command) == WIRE_OPEN)
		return;
	init(&driver, ENDPOINT_PMU, NULL);
	for (size_t i = 0; i < 3; i++)
		if (*pieces[i])
			driver_step(&driver,
				&(struct step){ 0.01 * (double)i, STEP_INPUT, pieces[i] });
	driver_run(&driver, INFINITY);
	sends_of(driver.transcript, sends);
	ck_assert_msg(strstr(driver.transcript, split_rows[row].command) &&
			      !strstr(driver.transcript, "event error") &&
			      strcmp(sends, split_rows[row].sends) == 0,
		"\"%s\" + \"%s\" + \"%s\":\n%s", pieces[0], pieces[1], pieces[2],
		driver.transcript);
	driver_finish(&driver);
}

START_TEST(test_splits)
{
	size_t len = strlen(split_rows[_i].text);
	for (size_t first = 0; first <= len; first++)
		for (size_t second = first; second <= len; second++)
			check_split((size_t)_i, first, second);
}
END_TEST

START_TEST(test_due_times_come_from_the_schedule)
{
	struct driver driver;
	init(&driver, ENDPOINT_PMU, (const char *[]){ "pmu.messages=1000", NULL });
	session_pmu.input(driver.self, "CMD_short:0.05", 14, false);
	double now = 7; /* the first message leaves when it is first asked */
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(session_pmu.next(driver.self, now).kind, ACTION_SEND);
		struct action action = session_pmu.next(driver.self, now);
		if (i == 999) {
			ck_assert_int_eq(action.kind, ACTION_CLOSE);
			break;
		}
		ck_assert_int_eq(action.kind, ACTION_SLEEP);
		ck_assert_double_eq_tol(action.until, 7 + 0.05 * (i + 1), 1e-9);
		now = action.until + 0.013; /* always late */
	}
	driver_finish(&driver);
}
END_TEST

START_TEST(test_who_is_very_late_catches_up)
{
	struct driver driver;
	init(&driver, ENDPOINT_PMU, (const char *[]){ "pmu.messages=4", NULL });
	session_pmu.input(driver.self, "CMD_short:1", 11, false);
	ck_assert_int_eq(session_pmu.next(driver.self, 0).kind, ACTION_SEND);
	for (int i = 0; i < 2; i++) /* due at 1 and 2 */
		ck_assert_int_eq(session_pmu.next(driver.self, 2.5).kind, ACTION_SEND);
	struct action action = session_pmu.next(driver.self, 2.5);
	ck_assert_int_eq(action.kind, ACTION_SLEEP);
	ck_assert_double_eq(action.until, 3);
	driver_finish(&driver);
}
END_TEST

START_TEST(test_settings_are_read_when_the_command_comes)
{
	struct driver driver;
	init(&driver, ENDPOINT_PMU, NULL);
	session_pmu.input(driver.self, "CMD_short:", 10, false);
	driver_set(&driver, "pmu.messages=1");
	driver_play(&driver, (const struct step[]){ { 1, STEP_INPUT, "0\n" }, { 0 } }, 2);
	ck_assert_str_eq(driver.transcript,
		"1.000 event command text=\"CMD_short:0\" kind=short interval=0.000 messages=1\n"
		"1.000 send \"This is PMU data 1\"\n"
		"1.000 close done\n");
	driver_finish(&driver);
}
END_TEST

START_TEST(test_it_waits_for_the_peer_until_there_is_a_command)
{
	struct driver driver;
	init(&driver, ENDPOINT_PMU, NULL);
	ck_assert(session_pmu.waits_for_peer(driver.self));
	session_pmu.input(driver.self, "CMD_short", 9, false);
	ck_assert(session_pmu.waits_for_peer(driver.self));
	session_pmu.input(driver.self, ":1", 2, false);
	ck_assert(session_pmu.waits_for_peer(driver.self));
	session_pmu.input(driver.self, "\n", 1, false);
	ck_assert(!session_pmu.waits_for_peer(driver.self));
	driver_finish(&driver);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session_pmu");
	TCase *tcase = tcase_create("session_pmu");
	tcase_add_loop_test(tcase, test_row, 0, COUNT(rows));
	tcase_add_loop_test(tcase, test_splits, 0, COUNT(split_rows));
	tcase_add_test(tcase, test_due_times_come_from_the_schedule);
	tcase_add_test(tcase, test_who_is_very_late_catches_up);
	tcase_add_test(tcase, test_settings_are_read_when_the_command_comes);
	tcase_add_test(tcase, test_it_waits_for_the_peer_until_there_is_a_command);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
