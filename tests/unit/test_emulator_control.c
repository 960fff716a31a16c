/* A running emulator: pausing and resuming it, cutting its connections, and showing its state. */
#include "tests/unit/emulator_driver.h"

#include <netinet/in.h>

#include "servers/station/multicast.h"

static const enum endpoint_id STREAMS[] = { ENDPOINT_PMU, ENDPOINT_ECHO, ENDPOINT_NONE };
static const enum endpoint_id DATAGRAMS[] = { ENDPOINT_RESET, ENDPOINT_ECHO, ENDPOINT_NONE };
static const enum endpoint_id STATION[] = { ENDPOINT_TV, ENDPOINT_ECHO, ENDPOINT_NONE };
static const enum endpoint_id WEB[] = { ENDPOINT_PMU_WS, ENDPOINT_NONE };
static const char *const SETS[] = { "pmu.rtt=0", "reset.loss=none", "reset.family=4",
	"tv.interval=1ms", NULL };

/* The loop has turned, and whatever could happen at another endpoint has. */
static void turn(struct lab *lab)
{
	for (int i = 0; i < 3; i++) {
		struct peer peer;
		peer_open(&peer, lab, ENDPOINT_ECHO, SOCK_STREAM, "127.0.0.1");
		peer_say(&peer, "O Romeo");
		lab_until(lab, peer.len == 7);
		peer_close(&peer);
	}
}

static struct emulator_view view_of(const struct lab *lab, enum endpoint_id endpoint)
{
	struct emulator_view view;
	for (size_t i = 0; emulator_look(lab->emulator, i, &view); i++)
		if (view.endpoint == endpoint)
			return view;
	ck_abort_msg("the endpoint does not run");
	return view;
}

/* ---- pausing ---- */

/* A peer that connects meanwhile waits; a peer that was connected before is served. */
START_TEST(test_streams_paused)
{
	struct lab lab;
	struct peer early, late;
	char text[LINE_TEXT];
	lab_start(&lab, STREAMS, false, SETS);
	peer_open(&early, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	lab_until(&lab, lab_seen(&lab, 0, EVENT_OPEN, NULL, "\"endpoint\":\"pmu\"", NULL) == 1);
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_PMU, true, "test"));
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_SUSPEND, text, NULL, NULL), 1);
	ck_assert_ptr_nonnull(strstr(text,
		"\"event\":\"suspend\",\"endpoint\":\"pmu\",\"who\":\"test\"}"));
	ck_assert(view_of(&lab, ENDPOINT_PMU).paused);
	ck_assert(!view_of(&lab, ENDPOINT_ECHO).paused);

	peer_open(&late, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	peer_say(&late, "CMD_short:0");
	turn(&lab);
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_OPEN, NULL, "\"endpoint\":\"pmu\"", NULL), 1);
	ck_assert_uint_eq(late.len, 0);
	peer_say(&early, "CMD_short:0");
	lab_until(&lab, early.eof);
	ck_assert_ptr_nonnull(strstr(early.text, "This is PMU data 20"));
	ck_assert_uint_eq(late.len, 0);

	ck_assert(emulator_pause(lab.emulator, ENDPOINT_PMU, false, "test"));
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_RESUME, text, NULL, NULL), 1);
	ck_assert_ptr_nonnull(strstr(text,
		"\"event\":\"resume\",\"endpoint\":\"pmu\",\"who\":\"test\"}"));
	lab_until(&lab, late.eof);
	ck_assert_ptr_nonnull(strstr(late.text, "This is PMU data 20"));
	peer_close(&early);
	peer_close(&late);
	lab_finish(&lab);
}
END_TEST

/* They are lost, and do not count: the next one is number 1. */
START_TEST(test_datagrams_paused)
{
	struct lab lab;
	struct peer peer;
	lab_start(&lab, DATAGRAMS, false, SETS);
	peer_open(&peer, &lab, ENDPOINT_RESET, SOCK_DGRAM, "127.0.0.1");
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_RESET, true, "test"));
	peer_say(&peer, "RESET:20");
	peer_say(&peer, "RESET:20");
	lab_until(&lab,
		lab_seen(&lab, 0, EVENT_DROP, NULL, "\"n\":0,\"reason\":\"the endpoint is paused\"",
			"\"direction\":\"request\"") == 2);
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_RECEIVE, NULL, NULL, NULL), 0);
	ck_assert_ptr_nonnull(strstr(view_of(&lab, ENDPOINT_RESET).totals,
		"\"received\":2,\"missed\":0,\"dropped\":2"));
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_RESET, false, "test"));
	peer_say(&peer, "RESET:20");
	lab_until(&lab, peer.len > 0);
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_RECEIVE, NULL, "\"n\":1,", NULL), 1);
	peer_close(&peer);
	lab_finish(&lab);
}
END_TEST

/* What was under way arrives. */
START_TEST(test_under_way)
{
	struct lab lab;
	struct peer peer;
	lab_start(&lab, DATAGRAMS, false,
		(const char *const[]){ "reset.loss=none", "reset.family=4", "reset.delay=50ms",
			NULL });
	peer_open(&peer, &lab, ENDPOINT_RESET, SOCK_DGRAM, "127.0.0.1");
	peer_say(&peer, "RESET:20");
	lab_until(&lab, lab_seen(&lab, 0, EVENT_DELAY, NULL, NULL, NULL) == 1);
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_RESET, true, "test"));
	lab_until(&lab, peer.len > 0);
	peer_close(&peer);
	lab_finish(&lab);
}
END_TEST

/* Says it in the group, on loopback alone. */
static void say_in_group(const struct lab *lab, int fd, const char *text)
{
	struct address group;
	address_parse(&group, emulator_group(lab->emulator),
		emulator_port(lab->emulator, ENDPOINT_TV));
	ck_assert_int_gt(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&group.ss, group.len),
		0);
}

/* It is silent, hears nobody, and goes on with the next line. */
START_TEST(test_station_paused)
{
	static const char said_by_me[] = "123456What a piece of work is a man!";
	const struct in_addr loopback = { .s_addr = htonl(INADDR_LOOPBACK) };
	struct lab lab;
	struct address source;
	struct err err;
	int fd = multicast_speak(&source, loopback, 0, &err);
	ck_assert_int_ge(fd, 0);
	lab_start(&lab, STATION, false, SETS);
	lab_until(&lab, lab_seen(&lab, 0, EVENT_LINE, NULL, NULL, NULL) >= 3);
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_TV, true, "test"));
	lab_set(&lab, "tv.interval", "2ms"); /* which does not wake it */
	unsigned said = lab_seen(&lab, 0, EVENT_LINE, NULL, NULL, NULL);

	say_in_group(&lab, fd, said_by_me);
	lab_until(&lab, lab_seen(&lab, 0, EVENT_DROP, NULL, "\"endpoint\":\"tv\"",
				"the endpoint is paused") == 1);
	for (double until = emulator_uptime(lab.emulator) + 0.03;
		emulator_uptime(lab.emulator) < until;)
		turn(&lab); /* for a dozen intervals */
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_PARTICIPANT, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_LINE, NULL, NULL, NULL), said);

	char next[32];
	snprintf(next, sizeof next, "\"n\":%u,", said + 1);
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_TV, false, "test"));
	lab_until(&lab, lab_seen(&lab, 0, EVENT_LINE, NULL, next, NULL) == 1);
	say_in_group(&lab, fd, said_by_me);
	lab_until(&lab, lab_seen(&lab, 0, EVENT_PARTICIPANT, NULL, "\"total\":30", NULL) == 1);
	close(fd);
	lab_finish(&lab);
}
END_TEST

/* Each once; what is so already is not told; what does not run is refused. */
START_TEST(test_all_paused)
{
	struct lab lab;
	struct peer peer;
	lab_start(&lab, STREAMS, false, SETS);
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_ECHO, true, "test"));
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_NONE, true, "test"));
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_NONE, true, "test"));
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_SUSPEND, NULL, NULL, NULL), 2);
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_SUSPEND, NULL, "\"endpoint\":\"pmu\"", NULL), 1);
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_NONE, false, "test"));
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_RESUME, NULL, NULL, NULL), 2);
	ck_assert(!emulator_pause(lab.emulator, ENDPOINT_RESET, true, "test"));
	peer_open(&peer, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	lab_until(&lab, view_of(&lab, ENDPOINT_PMU).open == 1);
	peer_close(&peer);
	lab_finish(&lab);
}
END_TEST

static void on_stop(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct lab *lab = timer->data;
	emulator_stop(lab->emulator);
	ck_assert(emulator_pause(lab->emulator, ENDPOINT_NONE, false, "test"));
	lab_set(lab, "reset.family", "hour");
	lab_set(lab, "tv.interval", "2ms");
}

/* The lab ends also where it is paused, and nothing comes to life again. */
START_TEST(test_stopped_while_paused)
{
	static const enum endpoint_id all[] = { ENDPOINT_PMU, ENDPOINT_ECHO, ENDPOINT_RESET,
		ENDPOINT_TV, ENDPOINT_NONE };
	struct lab lab;
	struct err err;
	struct peer peer;
	lab_start(&lab, all, false, SETS);
	/* Somebody who is still being served. */
	peer_open(&peer, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	peer_say(&peer, "CMD_short:0.005");
	shutdown(peer.fd, SHUT_WR);
	lab_until(&lab, peer.len > 0);
	ck_assert(emulator_pause(lab.emulator, ENDPOINT_NONE, true, "test"));
	uint64_t next = ring_next(lab.ring);
	struct ev_timer stop;
	ev_timer_init(&stop, on_stop, 0, 0);
	stop.data = &lab;
	ev_timer_start(lab.loop, &stop);
	ck_assert(emulator_run(lab.emulator, &err));
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_STOP, NULL, NULL, NULL), 1);
	ck_assert_uint_eq(lab_seen(&lab, next, EVENT_CLOSE, NULL, "\"why\":\"done\"",
				  "\"messages\":20"),
		1);
	ck_assert_uint_eq(lab_seen(&lab, next, EVENT_LINE, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(lab_seen(&lab, next, EVENT_FAMILY, NULL, NULL, NULL), 0);
	ck_assert_uint_eq(lab_seen(&lab, next, EVENT_ERROR, NULL, NULL, NULL), 0);
	peer_close(&peer);
	lab_finish(&lab);
}
END_TEST

/* ---- cutting ---- */

static const struct {
	bool reset;
	int error; /* of the peer's recv */
} cuts[] = { { false, 0 }, { true, ECONNRESET } };

START_TEST(test_cut)
{
	struct lab lab;
	struct peer peer, other;
	char text[LINE_TEXT];
	lab_start(&lab, STREAMS, false, SETS);
	peer_open(&peer, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	peer_say(&peer, "CMD_short:10");
	peer_open(&other, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	lab_until(&lab, view_of(&lab, ENDPOINT_PMU).open == 2 && peer.len > 0);
	ck_assert(!emulator_cut(lab.emulator, 0, cuts[_i].reset, "test"));
	ck_assert(!emulator_cut(lab.emulator, 99, cuts[_i].reset, "test"));
	ck_assert(emulator_cut(lab.emulator, 1, cuts[_i].reset, "test"));
	lab_until(&lab, peer.eof || peer.error);
	ck_assert_int_eq(peer.error, cuts[_i].error);
	ck_assert_str_eq(peer.text, "This is PMU data 1");
	peer_close(&peer);
	lab_until(&lab, lab_seen(&lab, 0, EVENT_CLOSE, text, "\"conn\":1,", NULL) == 1);
	ck_assert_ptr_nonnull(strstr(text,
		"\"first\":\"server\",\"why\":\"cut by "
		"test\",\"command\":\"CMD_short:10\",\"messages\":1"));
	ck_assert(!emulator_cut(lab.emulator, 1, cuts[_i].reset, "test"));
	/* The other one is as it was. */
	ck_assert_uint_eq(view_of(&lab, ENDPOINT_PMU).open, 1);
	peer_say(&other, "CMD_short:0");
	lab_until(&lab, other.eof);
	ck_assert_ptr_nonnull(strstr(other.text, "This is PMU data 20"));
	peer_close(&other);
	lab_finish(&lab);
}
END_TEST

/* A peer that takes nothing: what the kernel has still arrives before the FIN, or is thrown
   away. */
START_TEST(test_cut_in_a_flood)
{
	struct lab lab;
	struct peer peer;
	lab_start(&lab, STREAMS, false,
		(const char *const[]){ "pmu.rtt=0", "pmu.flood=8MiB", NULL });
	peer_open(&peer, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	ev_io_stop(lab.loop, &peer.io);
	peer_say(&peer, "CMD_floodme");
	lab_until(&lab, lab_seen(&lab, 0, EVENT_PAUSE, NULL, NULL, NULL) == 1);
	ck_assert(emulator_cut(lab.emulator, 1, cuts[_i].reset, "test"));
	char buffer[65536];
	size_t len = 0;
	ssize_t n = -1;
	lab_until(&lab, lab_seen(&lab, 0, EVENT_CLOSE, NULL, NULL, NULL) == 1 ||
				(n = recv(peer.fd, buffer, sizeof buffer, MSG_DONTWAIT)) == 0 ||
				(len += n > 0 ? (size_t)n : 0, false));
	while (n != 0 && (n = recv(peer.fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	ck_assert_int_eq(n, cuts[_i].reset ? -1 : 0);
	ck_assert_uint_lt(len, 8 << 20);
	close(peer.fd);
	lab_until(&lab, lab_seen(&lab, 0, EVENT_CLOSE, NULL, "\"why\":\"cut by test\"", NULL) == 1);
	lab_finish(&lab);
}
END_TEST

/* Before the upgrade is over there is no Close frame to send: the socket's direction ends. */
START_TEST(test_cut_in_a_handshake)
{
	struct lab lab;
	struct peer peer;
	lab_start(&lab, WEB, false, SETS);
	peer_open(&peer, &lab, ENDPOINT_PMU_WS, SOCK_STREAM, "127.0.0.1");
	peer_say(&peer, "GET / HTTP/1.1\r\n");
	lab_until(&lab, view_of(&lab, ENDPOINT_PMU_WS).open == 1);
	ck_assert(emulator_cut(lab.emulator, 1, cuts[_i].reset, "test"));
	lab_until(&lab, peer.eof || peer.error);
	ck_assert_int_eq(peer.error, cuts[_i].error);
	ck_assert_uint_eq(peer.len, 0);
	peer_close(&peer);
	lab_until(&lab, lab_seen(&lab, 0, EVENT_CLOSE, NULL, "\"why\":\"cut by test\"", NULL) == 1);
	lab_finish(&lab);
}
END_TEST

/* With a FIN the carrier says goodbye: a Close frame with 1000. */
START_TEST(test_cut_says_goodbye)
{
	struct lab lab;
	struct peer peer;
	lab_start(&lab, WEB, false, SETS);
	peer_open(&peer, &lab, ENDPOINT_PMU_WS, SOCK_STREAM, "127.0.0.1");
	peer_say(&peer,
		"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
	lab_until(&lab, strstr(peer.text, "\r\n\r\n"));
	size_t head = peer.len;
	ck_assert(emulator_cut(lab.emulator, 1, false, "test"));
	lab_until(&lab, peer.len >= head + 4);
	ck_assert_int_eq(memcmp(peer.text + head, "\x88\x02\x03\xe8", 4), 0);
	/* It is ending already: a second FIN changes nothing, a reset does. */
	ck_assert(emulator_cut(lab.emulator, 1, false, "nobody"));
	ck_assert_uint_eq(view_of(&lab, ENDPOINT_PMU_WS).open, 1);
	ck_assert(emulator_cut(lab.emulator, 1, true, "nobody"));
	ck_assert_uint_eq(view_of(&lab, ENDPOINT_PMU_WS).open, 0);
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CLOSE, NULL, "\"why\":\"cut by test\"", NULL), 1);
	lab_until(&lab, peer.eof || peer.error);
	peer_close(&peer);
	lab_finish(&lab);
}
END_TEST

/* What has ended by itself, and waits for the peer's end, has not been cut. */
START_TEST(test_cut_too_late)
{
	struct lab lab;
	struct peer peer;
	lab_start(&lab, STREAMS, false, SETS);
	peer_open(&peer, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	peer_say(&peer, "CMD_short:0");
	lab_until(&lab, peer.eof);
	ck_assert(emulator_cut(lab.emulator, 1, false, "test"));
	ck_assert_uint_eq(view_of(&lab, ENDPOINT_PMU).open, 1);
	peer_close(&peer);
	lab_until(&lab, lab_seen(&lab, 0, EVENT_CLOSE, NULL, "\"why\":\"done\"", NULL) == 1);
	lab_finish(&lab);
}
END_TEST

/* ---- looking ---- */

struct listing {
	struct emulator_connection connections[4];
	char peers[4][ADDRESS_TEXT];
	size_t count;
};

static void on_connection(void *context, const struct emulator_connection *connection)
{
	struct listing *listing = context;
	ck_assert_uint_lt(listing->count, COUNT(listing->peers));
	listing->connections[listing->count] = *connection;
	snprintf(listing->peers[listing->count++], ADDRESS_TEXT, "%s", connection->peer);
}

START_TEST(test_look)
{
	struct lab lab;
	struct peer peers[3];
	struct emulator_view view;
	struct listing listing = { 0 };
	lab_start(&lab, STREAMS, false, SETS);
	emulator_connections(lab.emulator, on_connection, &listing);
	ck_assert_uint_eq(listing.count, 0);
	for (unsigned i = 0; i < COUNT(peers); i++) {
		peer_open(&peers[i], &lab, i == 1 ? ENDPOINT_ECHO : ENDPOINT_PMU, SOCK_STREAM,
			"127.0.0.1");
		lab_until(&lab, lab_seen(&lab, 0, EVENT_OPEN, NULL, NULL, NULL) == i + 1);
	}
	emulator_connections(lab.emulator, on_connection, &listing);
	ck_assert_uint_eq(listing.count, 3);
	/* an endpoint after the other, the youngest first */
	static const unsigned order[] = { 2, 0, 1 };
	for (unsigned k = 0; k < COUNT(order); k++) {
		const struct emulator_connection *connection = &listing.connections[k];
		char name[ADDRESS_TEXT], id[32], line[LINE_TEXT];
		peer_name(&peers[order[k]], name);
		ck_assert_str_eq(listing.peers[k], name);
		ck_assert_uint_eq(connection->id, order[k] + 1);
		ck_assert_int_eq(connection->endpoint,
			order[k] == 1 ? ENDPOINT_ECHO : ENDPOINT_PMU);
		ck_assert(!connection->local);
		snprintf(id, sizeof id, "\"conn\":%u,", order[k] + 1);
		ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_OPEN, line, id, NULL), 1);
		ck_assert_double_eq_tol(connection->since, strtod(line + strlen("{\"t\":"), NULL),
			0.1);
	}
	ck_assert(emulator_look(lab.emulator, 0, &view));
	ck_assert_int_eq(view.endpoint, ENDPOINT_PMU);
	ck_assert_uint_eq(view.open, 2);
	ck_assert_uint_eq(view.port, emulator_port(lab.emulator, ENDPOINT_PMU));
	ck_assert_str_eq(view.totals,
		"{\"connections\":2,\"messages\":0,\"bytes_out\":0,\"bytes_in\":0,\"errors\":0}");
	ck_assert(emulator_look(lab.emulator, 1, &view));
	ck_assert_int_eq(view.endpoint, ENDPOINT_ECHO);
	ck_assert_uint_eq(view.open, 1);
	ck_assert(!emulator_look(lab.emulator, 2, &view));
	ck_assert_uint_eq(emulator_seed(lab.emulator), 4711);
	ck_assert_ptr_eq(emulator_loop(lab.emulator), lab.loop);
	double before = emulator_uptime(lab.emulator);
	ck_assert(before > 0 && before <= emulator_uptime(lab.emulator));
	for (unsigned i = 0; i < COUNT(peers); i++)
		peer_close(&peers[i]);
	lab_until(&lab, view_of(&lab, ENDPOINT_PMU).open == 0);
	lab_finish(&lab);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("emulator_control");
	TCase *pause = tcase_create("pause"), *cut = tcase_create("cut"),
	      *look = tcase_create("look");
	TCase *const cases[] = { pause, cut, look };
	tcase_add_test(pause, test_streams_paused);
	tcase_add_test(pause, test_datagrams_paused);
	tcase_add_test(pause, test_under_way);
	tcase_add_test(pause, test_station_paused);
	tcase_add_test(pause, test_all_paused);
	tcase_add_test(pause, test_stopped_while_paused);
	tcase_add_loop_test(cut, test_cut, 0, (int)COUNT(cuts));
	tcase_add_loop_test(cut, test_cut_in_a_flood, 0, (int)COUNT(cuts));
	tcase_add_loop_test(cut, test_cut_in_a_handshake, 0, (int)COUNT(cuts));
	tcase_add_test(cut, test_cut_says_goodbye);
	tcase_add_test(cut, test_cut_too_late);
	tcase_add_test(look, test_look);
	for (size_t i = 0; i < COUNT(cases); i++) {
		tcase_set_timeout(cases[i], 2 * DEADLINE_SECONDS);
		suite_add_tcase(suite, cases[i]);
	}
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
