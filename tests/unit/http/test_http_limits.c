/*
 * The control server with peers that are slow, many or gone: limits of time and of connections, and
 * answers that come later. The time limits here are a twentieth of a second; no test sleeps.
 * Streams: test_http_streams.c.
 */
#include <sys/resource.h>

#include "tests/unit/http/http_peer.h"

enum { CROWD = 1000 };

static struct http_request *kept; /* of /later */
static unsigned handled;
static bool admitted = true;

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define HEARD(text) ck_assert_msg(strstr(heard, text), "no \"%s\" in \"%s\"", text, heard)

static void hello(void *context, struct http_request *request)
{
	http_respond(request, 200, "text/plain", "hello", 5, NULL);
}

static void later(void *context, struct http_request *request)
{
	kept = request;
}

static char large_body[900000];

static void large(void *context, struct http_request *request)
{
	memset(large_body, 'x', sizeof large_body);
	http_respond(request, 200, "text/plain", large_body, sizeof large_body, NULL);
}

static unsigned most_a_turn; /* requests of one turn of the loop */

static void slow(void *context, struct http_request *request)
{
	static unsigned turn, count;
	count = ev_iteration(loop) == turn ? count + 1 : 1;
	turn = ev_iteration(loop);
	most_a_turn = count > most_a_turn ? count : most_a_turn;
	for (double until = clock_now() + 0.002; clock_now() < until;)
		continue;
	hello(context, request);
}

static const struct http_route routes[] = {
	{ "GET", "/", hello },
	{ "GET", "/slow", slow },
	{ "GET", "/later", later },
	{ "GET", "/large", large },
};

static void on_request(void *context, struct http_request *request)
{
	handled++;
	http_route(routes, sizeof routes / sizeof *routes, NULL, request);
}

static bool admit(void *context, int fd)
{
	return admitted;
}

static const struct http_options patient = { .on_request = on_request, .admit = admit };
static const struct http_options hasty = { .on_request = on_request,
	.limits = { .request = 0.05, .idle = 0.05, .stall = 0.05 } };

static void start(void)
{
	serve(&patient);
}

static void start_hasty(void)
{
	serve(&hasty);
}

static void finish(void)
{
	serve_end();
}

/* ---- time ---- */

START_TEST(a_slow_request_is_refused)
{
	static const char *const parts[] = { "G", "GET / HTTP/1.1\r\nHost:",
		"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx", GET("/") "GET" };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		int fd = peer_unix();
		say(fd, parts[i]);
		hear_all(fd);
		HEARD("HTTP/1.1 408 Request Timeout\r\n");
		HEARD("Connection: close\r\n");
		close(fd);
	}
}
END_TEST

START_TEST(who_says_nothing_is_closed_without_a_word)
{
	int fd = peer_unix(), idle = peer_unix();
	say(idle, GET("/"));
	hear(idle, "hello");
	hear_all(idle);
	ck_assert_uint_eq(heard_len, 0);
	hear_all(fd);
	ck_assert_uint_eq(heard_len, 0);
	close(fd);
	close(idle);
}
END_TEST

START_TEST(who_takes_nothing_of_an_answer_is_cut)
{
	int fd = _i ? peer_tcp() : peer_unix();
	say(fd, GET("/large"));
	UNTIL(http_connections(http) == 1);
	UNTIL(http_connections(http) == 0);
	hear_all(fd);
	ck_assert_uint_lt(heard_len, sizeof large_body);
	close(fd);
}
END_TEST

/* ---- number ---- */

static void connect_crowd(int *fds, int (*connect_one)(void))
{
	for (int i = 0; i < CROWD; i++) {
		fds[i] = connect_one();
		say(fds[i], "GET / HT");
		if (i % 50 == 0)
			turn_loop();
	}
}

static void close_crowd(int *fds)
{
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
}

/* A client that has made a request is not turned out: the 65th client is told to wait. */
START_TEST(the_65th_is_told_to_wait)
{
	int fds[64];
	for (int i = 0; i < 64; i++) {
		fds[i] = peer_tcp();
		say(fds[i], GET("/") "G");
		hear(fds[i], "hello");
	}
	ck_assert_uint_eq(http_connections(http), 64);
	int fd = peer_tcp();
	say(fd, GET("/"));
	hear_all(fd);
	HEARD("HTTP/1.1 503 Service Unavailable\r\n");
	close(fd);
	close(fds[7]);
	UNTIL(http_connections(http) == 63);
	fd = peer_tcp();
	say(fd, GET("/"));
	hear(fd, "hello");
	close(fd);
	say(fds[8], "ET / HTTP/1.0\r\n\r\n");
	hear_all(fds[8]);
	HEARD("hello");
	for (int i = 0; i < 64; i++)
		if (i != 7)
			close(fds[i]);
}
END_TEST

START_TEST(who_has_said_nothing_longest_gives_way)
{
	int fds[64];
	for (int i = 0; i < 64; i++) {
		fds[i] = peer_tcp();
		say(fds[i], i == 0 ? GET("/") : "GET / HT");
		UNTIL(http_connections(http) == (unsigned)i + 1);
	}
	hear(fds[0], "hello");
	int fd = peer_tcp();
	say(fd, GET("/"));
	hear(fd, "hello");
	hear_all(fds[1]);
	HEARD("HTTP/1.1 503 Service Unavailable\r\n");
	ck_assert_uint_eq(http_connections(http), 64);
	say(fds[0], GET("/"));
	hear(fds[0], "hello");
	say(fds[2], "TP/1.1\r\nHost: a\r\n\r\n");
	hear(fds[2], "hello");
	for (int i = 0; i < 64; i++)
		close(fds[i]);
	close(fd);
}
END_TEST

START_TEST(who_has_been_idle_longest_gives_way)
{
	int fds[65];
	for (int i = 0; i < 65; i++) {
		fds[i] = peer_tcp();
		say(fds[i], GET("/"));
		hear(fds[i], "hello");
	}
	hear_all(fds[0]);
	ck_assert_uint_eq(heard_len, 0);
	ck_assert_uint_eq(http_connections(http), 64);
	say(fds[1], GET("/"));
	hear(fds[1], "hello");
	for (int i = 0; i < 65; i++)
		close(fds[i]);
}
END_TEST

/* A client that was refused and stays has no place; nor is there room for any number of those. */
START_TEST(who_was_refused_keeps_no_place)
{
	int fds[200];
	for (int i = 0; i < 200; i++) {
		fds[i] = peer_tcp();
		say(fds[i], "GET / HTTP/1.1\r\n\r\n");
		hear(fds[i], "HTTP/1.1 400 ");
	}
	ck_assert_uint_eq(http_connections(http), 0);
	int fd = peer_tcp();
	say(fd, GET("/"));
	hear(fd, "hello");
	hear_all(fds[0]);
	ck_assert_uint_eq(heard_len, 0);
	for (int i = 0; i < 200; i++)
		close(fds[i]);
	close(fd);
}
END_TEST

/* What a request costs is counted, so that many of them leave the lab its turn. */
START_TEST(many_requests_at_once_leave_the_loop_its_turn)
{
	static char many[4096];
	int fds[8];
	for (int i = 0; i < 30; i++)
		strcat(many, GET("/slow"));
	for (int i = 0; i < 8; i++) {
		fds[i] = peer_unix();
		say(fds[i], many);
	}
	UNTIL(handled == 240);
	ck_assert_uint_ge(most_a_turn, 1);
	ck_assert_uint_le(most_a_turn, 3);
	for (int i = 0; i < 8; i++)
		close(fds[i]);
}
END_TEST

START_TEST(a_crowd_of_slow_ones_closes_no_door)
{
	static int fds[CROWD];
	int (*const doors[])(void) = { peer_tcp, peer_unix };
	connect_crowd(fds, doors[_i]);
	UNTIL(http_connections(http) == 64);
	for (int other = 0; other < 2; other++) {
		int fd = doors[other ? !_i : _i]();
		say(fd, GET("/"));
		hear(fd, "hello");
		/* in the place of one, then beside 63 */
		ck_assert_uint_eq(http_connections(http), 64);
		close(fd);
		UNTIL(http_connections(http) == 63);
	}
	close_crowd(fds);
	UNTIL(http_connections(http) == 0);
}
END_TEST

START_TEST(without_descriptors_it_rests_and_goes_on)
{
	struct rlimit limit, few;
	int fd = peer_unix(), waiting = peer_unix();
	getrlimit(RLIMIT_NOFILE, &limit);
	int next = dup(fd);
	close(next);
	few = limit;
	few.rlim_cur = (rlim_t)next;
	setrlimit(RLIMIT_NOFILE, &few);
	double began = clock_now();
	unsigned before = ev_iteration(loop), turns = 0;
	while (clock_now() < began + 0.05) {
		wait_loop(began + PATIENCE);
		turns++;
	}
	ck_assert_uint_le(ev_iteration(loop) - before, turns + 1);
	ck_assert_uint_lt(turns, 50);
	ck_assert_uint_eq(http_connections(http), 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	say(waiting, GET("/"));
	hear(waiting, "hello");
	close(fd);
	close(waiting);
}
END_TEST

START_TEST(who_is_not_admitted_hears_nothing)
{
	admitted = false;
	int fd = peer_unix();
	say(fd, GET("/"));
	hear_all(fd);
	ck_assert_uint_eq(heard_len, 0);
	ck_assert_uint_eq(handled, 0);
	close(fd);
}
END_TEST

/* ---- answers that come later ---- */

START_TEST(a_pipelined_request_waits_for_the_answer_before)
{
	static char many[8192];
	int fd = peer_unix();
	strcpy(many, GET("/later"));
	for (int i = 0; i < 100; i++)
		strcat(many, GET("/"));
	say(fd, many);
	UNTIL(kept);
	turn_loop();
	ck_assert_uint_eq(handled, 1);
	http_respond(kept, 200, "text/plain", "at last", 7, NULL);
	hear(fd, "at last");
	UNTIL(handled == 101);
	close(fd);
}
END_TEST

START_TEST(one_that_left_may_still_be_answered)
{
	int fd = peer_unix();
	say(fd, GET("/later"));
	UNTIL(kept);
	close(fd);
	turn_loop();
	ck_assert_uint_eq(http_connections(http), 1);
	http_respond(kept, 200, "text/plain", "at last", 7, NULL);
	UNTIL(http_connections(http) == 0);
}
END_TEST

int main(void)
{
	/* Both ends of a crowd are this program's. */
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	Suite *suite = suite_create("http_limits");
	TCase *time = tcase_create("time");
	tcase_add_checked_fixture(time, start_hasty, finish);
	tcase_add_test(time, a_slow_request_is_refused);
	tcase_add_test(time, who_says_nothing_is_closed_without_a_word);
	tcase_add_loop_test(time, who_takes_nothing_of_an_answer_is_cut, 0, 2);
	suite_add_tcase(suite, time);
	TCase *rest = tcase_create("rest");
	tcase_add_checked_fixture(rest, start, finish);
	tcase_add_test(rest, the_65th_is_told_to_wait);
	tcase_add_test(rest, who_has_said_nothing_longest_gives_way);
	tcase_add_test(rest, who_has_been_idle_longest_gives_way);
	tcase_add_test(rest, who_was_refused_keeps_no_place);
	tcase_add_test(rest, many_requests_at_once_leave_the_loop_its_turn);
	tcase_add_loop_test(rest, a_crowd_of_slow_ones_closes_no_door, 0, 2);
	tcase_add_test(rest, without_descriptors_it_rests_and_goes_on);
	tcase_add_test(rest, who_is_not_admitted_hears_nothing);
	tcase_add_test(rest, a_pipelined_request_waits_for_the_answer_before);
	tcase_add_test(rest, one_that_left_may_still_be_answered);
	suite_add_tcase(suite, rest);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
