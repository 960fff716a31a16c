/* The summary of a run: given these events, it writes this text. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "servers/events/observers.h"

enum { PAGE = 65536 };

static struct journal *journal;
static int ends[2];
static char page[PAGE];

static void set_up(void)
{
	ck_assert_int_eq(pipe(ends), 0);
	journal = journal_create();
	struct observer *observer = observer_summary_create(ends[1]);
	ck_assert_ptr_nonnull(observer);
	journal_observe(journal, observer);
}

static void tear_down(void)
{
	journal_destroy(journal);
	close(ends[0]);
	close(ends[1]);
}

/* All that it says, by destroying it. At most a pipe's worth. */
static const char *read_page(void)
{
	journal_destroy(journal);
	journal = NULL;
	close(ends[1]);
	ends[1] = -1;
	size_t len = 0;
	ssize_t n;
	while ((n = read(ends[0], page + len, sizeof page - 1 - len)) > 0)
		len += (size_t)n;
	page[len] = '\0';
	return page;
}

/* The same with each row in one line, however it was folded. */
static const char *read_rows(void)
{
	static const char indent[] = "\n            ";
	read_page();
	for (char *at; (at = strstr(page, indent));) {
		*at = ' ';
		memmove(at + 1, at + sizeof indent - 1, strlen(at + sizeof indent - 1) + 1);
	}
	return page;
}

static void check_page(const char *expected)
{
	ck_assert_str_eq(read_page(), expected);
}

static void check_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "no \"%s\" in:\n%s", part, text);
}

static void check_has_not(const char *text, const char *part)
{
	ck_assert_msg(!strstr(text, part), "\"%s\" in:\n%s", part, text);
}

/* ---- events ---- */

static uint64_t next_conn = 1;

static struct subject at(enum endpoint_id endpoint)
{
	return (struct subject){ .endpoint = endpoint };
}

static struct subject from(enum endpoint_id endpoint)
{
	return (struct subject){ .endpoint = endpoint, .peer = "127.0.0.1:40112" };
}

static void listen_at(enum endpoint_id endpoint)
{
	struct subject subject = at(endpoint);
	EMIT(journal, EVENT_LISTEN, &subject, F_TEXT("address", "127.0.0.1:5003"));
}

static struct subject open_at(enum endpoint_id endpoint)
{
	struct subject subject = from(endpoint);
	subject.conn = next_conn++;
	EMIT(journal, EVENT_OPEN, &subject, F_TEXT("local", "127.0.0.1:5003"));
	return subject;
}

static void command(const struct subject *subject, const char *text, const char *kind, int messages)
{
	EMIT(journal, EVENT_COMMAND, subject, F_BYTES("text", text, strlen(text)),
		F_TEXT("kind", kind), F_REAL("interval", 0), F_INTEGER("messages", messages));
}

static void error(const struct subject *subject, const char *fault, const char *what,
	const char *bytes)
{
	EMIT(journal, EVENT_ERROR, subject, F_TEXT("fault", fault), F_TEXT("what", what),
		F_BYTES("bytes", bytes, bytes ? strlen(bytes) : 0));
}

/* `text` NULL: no command. */
static void close_it(const struct subject *subject, const char *first, const char *why,
	const char *text, int messages, int bytes_in, int bytes_out)
{
	EMIT(journal, EVENT_CLOSE, subject, F_TEXT("first", first), F_TEXT("why", why),
		F_BYTES("command", text, text ? strlen(text) : 0), F_INTEGER("messages", messages),
		F_INTEGER("bytes_in", bytes_in), F_INTEGER("bytes_out", bytes_out),
		F_INTEGER("segments_out", 2));
}

static void good_run(enum endpoint_id endpoint)
{
	struct subject subject = open_at(endpoint);
	command(&subject, "CMD_short:0", "short", 20);
	close_it(&subject, "server", "done", "CMD_short:0", 20, 11, 371);
}

static void bad_run(const char *text)
{
	struct subject subject = open_at(ENDPOINT_PMU);
	command(&subject, text, "bad", 0);
	error(&subject, "peer", "this is no command", text);
	close_it(&subject, "server", "bad command", text, 1, 10, 68);
}

static void receive(const struct subject *subject, int family, int n, const char *text)
{
	EMIT(journal, EVENT_RECEIVE, subject, F_INTEGER("family", family), F_INTEGER("n", n),
		F_INTEGER("bytes", strlen(text)), F_BYTES("text", text, strlen(text)));
}

static void drop(const struct subject *subject, int family, const char *direction, int n,
	const char *reason)
{
	EMIT(journal, EVENT_DROP, subject, F_INTEGER("family", family),
		F_TEXT("direction", direction), F_INTEGER("n", n), F_TEXT("reason", reason));
}

static void reset(const struct subject *subject, int family, int n, int offset)
{
	EMIT(journal, EVENT_RESET, subject, F_INTEGER("family", family), F_INTEGER("n", n),
		F_INTEGER("asked", 20), F_INTEGER("offset", offset), F_INTEGER("clock_before", 0),
		F_INTEGER("clock_after", offset), F_INTEGER("resets", 1));
}

static void reply(const struct subject *subject, int family, int n)
{
	EMIT(journal, EVENT_REPLY, subject, F_INTEGER("family", family), F_INTEGER("n", n),
		F_INTEGER("bytes", 8), F_BYTES("text", "OFFSET=1", 8));
}

static void participant(const char *id, int characters, int total)
{
	struct subject subject = from(ENDPOINT_TV);
	EMIT(journal, EVENT_PARTICIPANT, &subject, F_BYTES("id", id, 6),
		F_INTEGER("characters", characters), F_INTEGER("total", total),
		F_SAID("text", "x", 1));
}

/* ---- nothing ---- */

START_TEST(test_a_lab_that_never_listened_has_no_summary)
{
	check_page("");
}
END_TEST

START_TEST(test_nothing_met)
{
	struct subject tv = at(ENDPOINT_TV);
	listen_at(ENDPOINT_PMU);
	listen_at(ENDPOINT_TV);
	EMIT(journal, EVENT_LINE, &tv, F_INTEGER("n", 1), F_INTEGER("bytes", 6),
		F_TEXT("text", "swcmTV"));
	EMIT(journal, EVENT_LINE, &tv, F_INTEGER("n", 2), F_INTEGER("bytes", 6),
		F_TEXT("text", "swcmTV"));
	error(&tv, "configuration", "warning: something odd", NULL);
	check_page(
		"pmulab: what happened\n"
		"  met       nothing: the program ended before it connected or sent anything, or "
		"it went elsewhere.\n"
		"            Are the names and ports in it the lab's? (With --loopback they are in "
		"its environment:\n"
		"            PMULAB_HOST, PMULAB_PMU_PORT, ...)\n"
		"  tv        has said 2 lines; who only listens to it leaves no trace here\n");
}
END_TEST

/* ---- streams ---- */

START_TEST(test_good_runs)
{
	listen_at(ENDPOINT_UDP_PRINT);
	listen_at(ENDPOINT_ECHO);
	listen_at(ENDPOINT_PMU);
	good_run(ENDPOINT_PMU);
	good_run(ENDPOINT_PMU);
	check_page(
		"pmulab: what happened\n"
		"  pmu       2 connections: CMD_short:0 twice; 40 messages (742 bytes) in 4 "
		"segments; closed by the\n"
		"            lab\n"
		"  the lab saw nothing wrong; it does not see what is printed\n"
		"  unmet     udp-print, echo\n");
}
END_TEST

START_TEST(test_a_carriers_segments)
{
	listen_at(ENDPOINT_PMU_WSS);
	good_run(ENDPOINT_PMU_WSS);
	check_has(read_rows(),
		"20 messages (371 bytes) in 2 segments, handshakes included; closed by the");
}
END_TEST

START_TEST(test_echo)
{
	listen_at(ENDPOINT_ECHO);
	struct subject subject = open_at(ENDPOINT_ECHO);
	close_it(&subject, "peer", "peer closed", NULL, 1, 13, 13);
	check_page("pmulab: what happened\n"
		   "  echo      1 connection; 13 bytes, all sent back; closed by the program\n"
		   "  the lab saw nothing wrong; it does not see what is printed\n");
}
END_TEST

START_TEST(test_wrong_commands_are_folded)
{
	listen_at(ENDPOINT_PMU);
	good_run(ENDPOINT_PMU);
	bad_run("CMD_shrt:0");
	bad_run("foo");
	bad_run("CMD_shrt:0");
	check_page(
		"pmulab: what happened\n"
		"  pmu       4 connections: CMD_short:0, 3 not understood; 20 messages (371 bytes) "
		"in 2 segments;\n"
		"            closed by the lab\n"
		"  wrong     pmu: this is no command (it takes CMD_short:<seconds> or "
		"CMD_floodme): \"CMD_shrt:0\"\n"
		"            twice, \"foo\"\n");
}
END_TEST

START_TEST(test_only_some_of_many_are_shown)
{
	char what[32], text[32];
	struct subject peer = from(ENDPOINT_RESET);
	listen_at(ENDPOINT_RESET);
	for (int i = 0; i < 9; i++) {
		snprintf(text, sizeof text, "RESET:%d", i);
		receive(&peer, 4, i + 1, text);
	}
	for (int i = 0; i < 60; i++) {
		snprintf(what, sizeof what, "fault no. %d", i / 2);
		error(&peer, "peer", what, NULL);
	}
	const char *page_text = read_rows();
	check_has(page_text, ": \"RESET:0\", \"RESET:1\", \"RESET:2\", and 6 others\n");
	check_has(page_text, "reset: fault no. 15, twice and 28 more\n");
}
END_TEST

START_TEST(test_a_refusal_that_is_not_read_is_one_fault)
{
	listen_at(ENDPOINT_PMU);
	struct subject subject = open_at(ENDPOINT_PMU);
	command(&subject, "foo", "bad", 0);
	error(&subject, "peer", "this is no command", "foo");
	error(&subject, "peer", "Connection reset by peer", NULL);
	close_it(&subject, "peer", "connection lost", "foo", 1, 3, 61);
	const char *text = read_rows();
	check_has(text, "1 connection: 1 not understood; closed by the program\n");
	check_has(text, "this is no command");
	check_has_not(text, "Connection reset");
}
END_TEST

static const struct ending {
	const char *command, *why, *error;
	int expected, messages, bytes_in;
	const char *says;
} endings[] = {
	{ "CMD_short:1", "stopping", NULL, 20, 3, 11,
		"pmu: left after 3 of 20 messages: \"CMD_short:1\"\n" },
	{ "CMD_short:1", "connection lost", "the peer reset the connection", 20, 3, 11,
		"pmu: left after 3 of 20 messages (the peer reset the connection): "
		"\"CMD_short:1\"\n" },
	{ "CMD_short:0", "connection lost", "Connection reset by peer", 20, 20, 11,
		"pmu: closed with something still unread (Connection reset by peer): "
		"\"CMD_short:0\"\n" },
	{ "CMD_floodme", "stopping", NULL, 1, 0, 11,
		"pmu: left before it had the whole message: \"CMD_floodme\"\n" },
	{ "CMD_floodme", "stalled", "takes nothing", 1, 0, 11, "pmu: takes nothing\n" },
	{ "CMD_short:0", "done", "bytes behind the command are ignored", 20, 20, 20,
		"pmu: bytes behind the command are ignored\n" },
	{ NULL, "peer closed", NULL, -1, 0, 0, "pmu: connected, and left without a command\n" },
	{ NULL, "stopping", NULL, -1, 0, 5, "pmu: left before its command was complete\n" },
	{ NULL, "connection lost", "the peer reset the connection", -1, 0, 0,
		"pmu: connected, and left without a command (the peer reset the connection)\n" },
	{ NULL, "idle", "has sent no complete command", -1, 0, 5,
		"pmu: has sent no complete command\n" },
	{ NULL, "no handshake", "closed before the handshake was over", -1, 0, 0,
		"pmu: closed before the handshake was over\n" },
};

START_TEST(test_an_end_is_judged)
{
	const struct ending *ending = &endings[_i];
	listen_at(ENDPOINT_PMU);
	struct subject subject = open_at(ENDPOINT_PMU);
	if (ending->command)
		command(&subject, ending->command, "short", ending->expected);
	if (ending->error)
		error(&subject, "peer", ending->error, NULL);
	close_it(&subject, "peer", ending->why, ending->command, ending->messages, ending->bytes_in,
		10);
	const char *text = read_rows(), *wrong = strstr(text, "  wrong     ");
	ck_assert_msg(wrong, "%s", text);
	ck_assert_str_eq(wrong + strlen("  wrong     "), ending->says);
}
END_TEST

START_TEST(test_what_is_wrong_stays_with_its_connection)
{
	listen_at(ENDPOINT_PMU_WS);
	struct subject one = open_at(ENDPOINT_PMU_WS), two = open_at(ENDPOINT_PMU_WS);
	command(&one, "CMD_short:1", "short", 20);
	error(&two, "peer", "the peer sent a frame without a mask (1002)", NULL);
	close_it(&one, "server", "done", "CMD_short:1", 20, 11, 371);
	close_it(&two, "peer", "protocol error", NULL, 0, 0, 0);
	const char *text = read_rows();
	check_has(text, "pmu-ws    2 connections: CMD_short:1, 1 without a command;");
	check_has(text, "wrong     pmu-ws: the peer sent a frame without a mask (1002)\n");
	check_has_not(text, "left");
}
END_TEST

/* A collision in the table of connections: the older one is no longer followed, its fault stays. */
START_TEST(test_many_connections_at_once)
{
	enum { MANY = 1000 };
	static struct subject subjects[MANY];
	listen_at(ENDPOINT_PMU);
	for (int i = 0; i < MANY; i++) {
		subjects[i] = open_at(ENDPOINT_PMU);
		command(&subjects[i], "CMD_short:1", "short", 20);
		error(&subjects[i], "peer", "bytes behind the command are ignored", "x");
	}
	for (int i = 0; i < MANY; i++)
		close_it(&subjects[i], "server", "done", "CMD_short:1", 20, 11, 371);
	const char *text = read_rows();
	check_has(text,
		"1000 connections: CMD_short:1 1000 times; 20000 messages (371000 bytes) in 2000 "
		"segments");
	check_has(text, "pmu: bytes behind the command are ignored: \"x\" 1000 times\n");
}
END_TEST

START_TEST(test_faults_of_the_lab_are_not_wrong)
{
	struct subject refused = from(ENDPOINT_PMU), reset_peer = from(ENDPOINT_RESET);
	listen_at(ENDPOINT_PMU);
	error(&refused, "server", "refused: as many connections as the configuration allows", NULL);
	error(&refused, "server", "refused: as many connections as the configuration allows", NULL);
	error(&reset_peer, "network", "a reply could not be sent: Connection refused", NULL);
	const char *text = read_rows();
	check_has(text,
		"  lab       pmu: refused: as many connections as the configuration allows, twice "
		"reset: a reply could not be sent: Connection refused\n"
		"  the lab saw nothing wrong; it does not see what is printed\n");
}
END_TEST

/* ---- datagrams ---- */

START_TEST(test_reset)
{
	struct subject four = from(ENDPOINT_RESET), six = from(ENDPOINT_RESET);
	listen_at(ENDPOINT_RESET);
	for (int n = 1; n <= 3; n++)
		receive(&four, 4, n, "RESET:20");
	for (int n = 1; n <= 3; n++)
		drop(&four, 4, "request", n, "loss");
	receive(&six, 6, 1, "RESET:20");
	reset(&six, 6, 1, 5);
	drop(&six, 6, "reply", 1, "loss");
	receive(&six, 6, 2, "RESET:20");
	reset(&six, 6, 2, 8);
	reply(&six, 6, 2);
	check_page(
		"pmulab: what happened\n"
		"  reset     5 requests (3 over IPv4, 2 over IPv6): \"RESET:20\", 3 lost on the "
		"way; the clock moved\n"
		"            twice, by 13 s in all; 1 answered, 1 answer lost: once the clock "
		"moved and nobody heard\n"
		"            of it\n"
		"  the lab saw nothing wrong; it does not see what is printed\n");
}
END_TEST

START_TEST(test_a_lost_refusal_moves_no_clock)
{
	struct subject peer = from(ENDPOINT_RESET);
	listen_at(ENDPOINT_RESET);
	receive(&peer, 4, 1, "RESET:20");
	reset(&peer, 4, 1, 5);
	reply(&peer, 4, 1);
	receive(&peer, 4, 2, "RESET");
	error(&peer, "peer", "this is no RESET:n", "RESET");
	drop(&peer, 4, "reply", 2, "loss");
	const char *text = read_rows();
	check_has(text, "1 answered, 1 answer lost\n"); /* and not that the clock moved */
	check_has(text,
		"wrong     reset: this is no RESET:n (it takes RESET:<seconds>, such as RESET:20): "
		"\"RESET\"\n");
}
END_TEST

/* What the network has changed is not the program's fault, also when it comes late. */
START_TEST(test_a_changed_request)
{
	struct subject peer = from(ENDPOINT_RESET);
	listen_at(ENDPOINT_RESET);
	receive(&peer, 4, 1, "RESET:20");
	EMIT(journal, EVENT_CORRUPT, &peer, F_INTEGER("family", 4), F_TEXT("direction", "request"),
		F_INTEGER("n", 1), F_SHARE("drawn", 0), F_INTEGER("bit", 37));
	EMIT(journal, EVENT_DUPLICATE, &peer, F_INTEGER("family", 4),
		F_TEXT("direction", "request"), F_INTEGER("n", 1), F_SHARE("drawn", 0));
	receive(&peer, 4, 2, "RESET:20");
	error(&peer, "peer", "this is no RESET:n", "RESEt:20");
	error(&peer, "peer", "this is no RESET:n", "RESEt:20");
	const char *text = read_rows();
	check_has(text, "2 requests over IPv4: \"RESET:20\", 1 came twice, 1 changed on the way\n");
	check_has(text, "the lab saw nothing wrong; it does not see what is printed\n");
}
END_TEST

START_TEST(test_other_drops)
{
	struct subject peer = from(ENDPOINT_RESET), nobody = at(ENDPOINT_RESET);
	listen_at(ENDPOINT_RESET);
	drop(&peer, 6, "request", 0, "the family is not served now");
	drop(&peer, 4, "request", 0, "its sender fills the queue");
	EMIT(journal, EVENT_DROP, &nobody, F_INTEGER("family", 4), F_TEXT("direction", "request"),
		F_INTEGER("n", 0), F_TEXT("reason", "the kernel's queue was full"),
		F_INTEGER("count", 41));
	EMIT(journal, EVENT_REPEATED, &peer, F_INTEGER("count", 2499));
	const char *text = read_rows();
	check_has(text,
		"2 requests (1 over IPv4, 1 over IPv6), 1 to a family that was not served, 42 "
		"given up: its sender fills the queue");
	check_has(text, "and 2499 more datagrams");
	check_has(text, "the lab saw nothing wrong; it does not see what is printed");
}
END_TEST

START_TEST(test_udp_print)
{
	struct subject peer = from(ENDPOINT_UDP_PRINT);
	listen_at(ENDPOINT_UDP_PRINT);
	receive(&peer, 4, 1, "Hello, Romeo ");
	receive(&peer, 4, 2, "Hello, Romeo ");
	receive(&peer, 4, 3, "O");
	drop(&peer, 4, "request", 3, "loss");
	check_has(read_rows(),
		"udp-print 3 datagrams with 27 bytes: \"Hello, Romeo \" twice, \"O\", 1 lost on "
		"the way\n");
}
END_TEST

START_TEST(test_station)
{
	struct subject peer = from(ENDPOINT_TV), tv = at(ENDPOINT_TV);
	listen_at(ENDPOINT_TV);
	participant("123456", 300, 300);
	participant("654321", 5, 5);
	participant("123456", 21, 321);
	EMIT(journal, EVENT_ANSWER, &peer, F_INTEGER("n", 4), F_BYTES("id", "123456", 6),
		F_TEXT("text", "@123456"));
	drop(&tv, 4, "reply", 5, "loss");
	check_page(
		"pmulab: what happened\n"
		"  tv        \"123456\" has said 321 characters in 2 datagrams and was answered "
		"once; \"654321\" has said\n"
		"            5 characters in 1 datagram and was not answered; of its own datagrams "
		"1 lost on the way\n"
		"  the lab saw nothing wrong; it does not see what is printed\n");
}
END_TEST

START_TEST(test_station_without_anybody)
{
	struct subject peer = from(ENDPOINT_TV);
	listen_at(ENDPOINT_TV);
	error(&peer, "peer", "too short", "abc");
	const char *text = read_rows();
	check_has(text, "tv        it was sent nothing that it understood\n");
	check_has(text, "wrong     tv: too short: \"abc\"\n");
}
END_TEST

/* ---- hostile ---- */

/* Each line of printable ASCII, no longer than a terminal is wide, and no more of them than
   promised. */
static void check_bounds(const char *text)
{
	size_t column = 0, lines = 0;
	for (const char *c = text; *c; c++) {
		ck_assert_msg(*c == '\n' || (*c >= ' ' && *c <= '~'), "byte %d in:\n%s", *c, text);
		column = *c == '\n' ? 0 : column + 1;
		lines += *c == '\n';
		ck_assert_msg(column <= 100, "a line is too long:\n%s", text);
	}
	ck_assert_uint_le(lines, 24);
}

START_TEST(test_texts_are_escaped)
{
	struct subject peer = from(ENDPOINT_UDP_PRINT);
	listen_at(ENDPOINT_UDP_PRINT);
	receive(&peer, 4, 1, "\x1b[31m\r\n\x07\xc2\x9b\xe2\x80\xae\"\\");
	participant("\x1b\n\"\\\xff ", 1, 1);
	const char *text = read_page();
	check_bounds(text);
	check_has(text, "\"\\x1b[31m\\r\\n\\x07\\xc2\\x9b\\xe2\\x80\\xae\\\"\\\\\"");
	check_has(text, "\"\\x1b\\n\\\"\\\\\\xff \" has said 1 character");
}
END_TEST

START_TEST(test_long_texts_are_cut)
{
	char data[1400];
	struct subject peer = from(ENDPOINT_UDP_PRINT);
	memset(data, 'a', sizeof data);
	data[sizeof data - 1] = 0;
	listen_at(ENDPOINT_UDP_PRINT);
	receive(&peer, 4, 1, data);
	const char *text = read_page();
	check_bounds(text);
	check_has(text,
		"1 datagram with 1399 bytes: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"\n");
}
END_TEST

START_TEST(test_everything_at_once)
{
	char word[80], what[32];
	for (int id = 0; id < ENDPOINT_COUNT; id++) {
		struct subject peer = from((enum endpoint_id)id);
		listen_at((enum endpoint_id)id);
		for (int i = 0; i < 500; i++) {
			struct subject subject = open_at((enum endpoint_id)id);
			snprintf(word, sizeof word,
				"\x01\x02\x03 %d \xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8 and more of this",
				i);
			command(&subject, word, i % 2 ? "bad" : "short", 20);
			snprintf(what, sizeof what, "fault no. %d", i % 100);
			error(&subject, "peer", what, word);
			close_it(&subject, i % 3 ? "peer" : "server", "connection lost", word,
				i % 20, 1 << 30, 1 << 30);
			receive(&peer, i % 2 ? 4 : 6, i, word);
			reset(&peer, 4, i, 86400);
			drop(&peer, 4, "reply", i, "loss");
			drop(&peer, 4, "request", 0, "its sender fills the queue");
			EMIT(journal, EVENT_REPEATED, &peer, F_INTEGER("count", INT64_MAX / 1000));
			error(&peer, i % 2 ? "peer" : "server",
				"a fault that is so long that it takes more than three lines when "
				"it is written, since it goes on and on and on and on and on and "
				"on and on and on and on and on and on and on and on and on and on "
				"and on and on and on and on and on and on and on and on and on "
				"and on and on and on and on and on and on and on and on",
				word);
		}
	}
	for (int i = 0; i < 100000; i++) {
		snprintf(word, sizeof word, "%06d", i);
		participant(word, 1, i);
	}
	const char *text = read_page();
	check_has(text, "\n  pmu-wss ");
	check_has(text, "  wrong     ");
	check_has(text, "\n            and ");
	check_has(text, "\n  lab       and 250 more\n"); /* there is room left for it */
	check_bounds(text);
}
END_TEST

static Suite *summary_suite(void)
{
	Suite *suite = suite_create("summary");
	TCase *tests = tcase_create("summary");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, test_a_lab_that_never_listened_has_no_summary);
	tcase_add_test(tests, test_nothing_met);
	tcase_add_test(tests, test_good_runs);
	tcase_add_test(tests, test_a_carriers_segments);
	tcase_add_test(tests, test_echo);
	tcase_add_test(tests, test_wrong_commands_are_folded);
	tcase_add_test(tests, test_only_some_of_many_are_shown);
	tcase_add_test(tests, test_a_refusal_that_is_not_read_is_one_fault);
	tcase_add_loop_test(tests, test_an_end_is_judged, 0, sizeof endings / sizeof endings[0]);
	tcase_add_test(tests, test_what_is_wrong_stays_with_its_connection);
	tcase_add_test(tests, test_many_connections_at_once);
	tcase_add_test(tests, test_faults_of_the_lab_are_not_wrong);
	tcase_add_test(tests, test_reset);
	tcase_add_test(tests, test_a_lost_refusal_moves_no_clock);
	tcase_add_test(tests, test_a_changed_request);
	tcase_add_test(tests, test_other_drops);
	tcase_add_test(tests, test_udp_print);
	tcase_add_test(tests, test_station);
	tcase_add_test(tests, test_station_without_anybody);
	tcase_add_test(tests, test_texts_are_escaped);
	tcase_add_test(tests, test_long_texts_are_cut);
	tcase_add_test(tests, test_everything_at_once);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(summary_suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
