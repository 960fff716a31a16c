/* Changes of the configuration while the lab runs: all keys or none, when a change takes effect,
   its events, and that the fates of datagrams stay those of the seed. */
#include "tests/unit/emulator_driver.h"

#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

static const enum endpoint_id PMU[] = { ENDPOINT_PMU, ENDPOINT_NONE };
static const enum endpoint_id RESET[] = { ENDPOINT_RESET, ENDPOINT_NONE };
static const enum endpoint_id TV[] = { ENDPOINT_TV, ENDPOINT_NONE };
static const char *const FAST[] = { "pmu.rtt=0", NULL };

/* ---- keys ---- */

START_TEST(test_between_two_commands)
{
	struct lab lab;
	struct peer early;
	char text[LINE_TEXT];
	lab_start(&lab, PMU, false, FAST);
	ck_assert_uint_eq(peer_messages(&lab, "CMD_short:0"), 20);
	peer_open(&early, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	lab_until(&lab, lab_seen(&lab, 0, EVENT_OPEN, NULL, NULL, NULL) == 2);

	lab_set(&lab, "pmu.messages", "5");
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CHANGE, text, NULL, NULL), 1);
	ck_assert_ptr_nonnull(strstr(text,
		"\"event\":\"change\",\"who\":\"test\",\"key\":\"pmu.messages\",\"before\":\"20\","
		"\"after\":\"5\"}"));
	struct config_about about = lab_key(&lab, "pmu.messages");
	ck_assert_str_eq(about.value, "5");
	ck_assert_str_eq(about.origin, "test");
	ck_assert_uint_eq(peer_messages(&lab, "CMD_short:0"), 5);
	/* It is the command that counts, not the connection. */
	peer_say(&early, "CMD_short:0");
	lab_until(&lab, early.eof);
	ck_assert_ptr_nonnull(strstr(early.text, "This is PMU data 5"));
	ck_assert_ptr_null(strstr(early.text, "This is PMU data 6"));
	peer_close(&early);
	lab_finish(&lab);
}
END_TEST

/* A connection that is open may still be sending an older flood; none is forgotten as long as there
   is one. */
START_TEST(test_floods)
{
	static const struct emulator_change one_more = { "pmu.flood", "7000" };
	struct refused refused = { 0 };
	struct lab lab;
	struct peer early, peer;
	lab_start(&lab, PMU, false, (const char *const[]){ "pmu.rtt=0", "pmu.flood=10", NULL });
	for (int i = 0; i < 12; i++) {
		char size[16];
		snprintf(size, sizeof size, "%d", 100 + 500 * i);
		lab_set(&lab, "pmu.flood", size);
		peer_open(&peer, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
		peer_say(&peer, "CMD_floodme");
		lab_until(&lab, peer.eof);
		ck_assert_uint_eq(peer.len, (size_t)(100 + 500 * i));
		peer_close(&peer);
		lab_until(&lab,
			lab_seen(&lab, 0, EVENT_CLOSE, NULL, NULL, NULL) == (unsigned)i + 1);
	}
	peer_open(&early, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	lab_until(&lab, lab_seen(&lab, 0, EVENT_OPEN, NULL, NULL, NULL) == 13);
	lab_set(&lab, "pmu.flood", "1000");
	lab_set(&lab, "pmu.flood", "2000");
	lab_set(&lab, "pmu.flood", "3000");
	ck_assert(!emulator_change(lab.emulator, &one_more, 1, "test", lab_on_refused, &refused));
	ck_assert_uint_eq(refused.count, 1);
	peer_say(&early, "CMD_floodme");
	lab_until(&lab, early.eof);
	ck_assert_uint_eq(early.len, 3000);
	peer_close(&early);
	lab_until(&lab, lab_seen(&lab, 0, EVENT_CLOSE, NULL, NULL, NULL) == 13);
	lab_set(&lab, "pmu.flood", "7000");
	lab_finish(&lab);
}
END_TEST

/* What runs goes on as it was begun. */
START_TEST(test_in_the_middle_of_a_command)
{
	static const char *const sets[] = { "pmu.rtt=0", "pmu.messages=10", "pmu.speed=100", NULL };
	struct lab lab;
	struct peer peer;
	lab_start(&lab, PMU, false, sets);
	peer_open(&peer, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	peer_say(&peer, "CMD_short:1");
	lab_until(&lab, peer.len > 0);
	lab_set(&lab, "pmu.messages", "3");
	lab_until(&lab, peer.eof);
	ck_assert_ptr_nonnull(strstr(peer.text, "This is PMU data 10"));
	peer_close(&peer);
	ck_assert_uint_eq(peer_messages(&lab, "CMD_short:0"), 3);
	lab_finish(&lab);
}
END_TEST

START_TEST(test_all_or_nothing)
{
	static const struct emulator_change changes[] = {
		{ "pmu.messages", "3" },
		{ "pmu.mesages", "3" },
		{ "pmu.rtt", "1s" },
		{ "pmu.port", "1" },
		{ "pmu-ws.messages", "\033[31m" },
		{ "pmu.first", "7" },
	};
	struct lab lab;
	struct refused refused = { 0 };
	lab_start(&lab, PMU, false, FAST);
	ck_assert(!emulator_change(lab.emulator, changes, COUNT(changes), "test", lab_on_refused,
		&refused));
	ck_assert_uint_eq(refused.count, 4);
	static const size_t indices[] = { 1, 2, 3, 4 };
	static const enum emulator_refusal refusals[] = { EMULATOR_UNKNOWN, EMULATOR_BAD_VALUE,
		EMULATOR_RESTART, EMULATOR_BAD_VALUE };
	static const char *const texts[] = {
		"no such key; did you mean pmu.messages?",
		"\"1s\" is not a duration from 0 to 200ms (units: us, ms, s, m, h; without one: s)",
		("cannot be changed while the lab runs; "
		 "stop the lab, and start it with --set pmu.port=1"),
		"\"\\x1b[31m\" is not a whole number from 0 to 1000000",
	};
	for (size_t k = 0; k < COUNT(indices); k++) {
		ck_assert_uint_eq(refused.i[k], indices[k]);
		ck_assert_int_eq(refused.refusal[k], refusals[k]);
		ck_assert_str_eq(refused.text[k], texts[k]);
	}
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CHANGE, NULL, NULL, NULL), 0);
	ck_assert_str_eq(lab_key(&lab, "pmu.messages").value, "20");
	ck_assert_str_eq(lab_key(&lab, "pmu.messages").origin, "default");
	ck_assert_str_eq(lab_key(&lab, "pmu.first").value, "1");
	ck_assert(lab_key(&lab, "pmu-ws.messages").inherited);
	ck_assert_uint_eq(peer_messages(&lab, "CMD_short:0"), 20);
	/* Nobody need listen to what is refused. */
	ck_assert(!emulator_change(lab.emulator, changes, COUNT(changes), "test", NULL, NULL));
	ck_assert(emulator_change(lab.emulator, NULL, 0, "test", NULL, NULL));
	lab_finish(&lab);
}
END_TEST

START_TEST(test_unset)
{
	static const char *const sets[] = { "pmu.rtt=0", "pmu.messages=7", NULL };
	struct lab lab;
	lab_start(&lab, PMU, false, sets);
	/* For one endpoint, which then has the group's again. */
	lab_set(&lab, "pmu-ws.messages", "3");
	ck_assert_str_eq(lab_key(&lab, "pmu-ws.messages").value, "3");
	ck_assert(!lab_key(&lab, "pmu-ws.messages").inherited);
	ck_assert_str_eq(lab_key(&lab, "pmu.messages").value, "7");
	ck_assert_uint_eq(peer_messages(&lab, "CMD_short:0"), 7);
	lab_set(&lab, "pmu-ws.messages", NULL);
	ck_assert_str_eq(lab_key(&lab, "pmu-ws.messages").value, "7");
	ck_assert(lab_key(&lab, "pmu-ws.messages").inherited);
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CHANGE, NULL, "\"endpoint\":\"pmu-ws\"",
				  "\"before\":\"3\",\"after\":\"7\""),
		1);
	/* What the start said, and who said it. */
	lab_set(&lab, "pmu.messages", "9");
	lab_set(&lab, "pmu.messages", NULL);
	ck_assert_str_eq(lab_key(&lab, "pmu.messages").value, "7");
	ck_assert_str_eq(lab_key(&lab, "pmu.messages").origin, "--set");
	ck_assert_uint_eq(peer_messages(&lab, "CMD_short:0"), 7);
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CHANGE, NULL, NULL, NULL), 4);
	lab_set(&lab, "pmu.messages", NULL);
	lab_set(&lab, "pmu-ws.messages", NULL);
	lab_set(&lab, "pmu.port", NULL);
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CHANGE, NULL, NULL, NULL), 4); /* it was so */
	/* The start's value, but said by somebody else. */
	lab_set(&lab, "pmu.messages", "8");
	lab_set(&lab, "pmu.messages", "7");
	ck_assert_str_eq(lab_key(&lab, "pmu.messages").origin, "test");
	lab_set(&lab, "pmu.messages", NULL);
	ck_assert_str_eq(lab_key(&lab, "pmu.messages").origin, "--set");
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CHANGE, NULL, "\"before\":\"7\",\"after\":\"7\"",
				  NULL),
		1);
	lab_finish(&lab);
}
END_TEST

START_TEST(test_restore)
{
	static const char *const sets[] = { "pmu.rtt=0", "pmu.messages=7", "pmu-ws.messages=8",
		NULL };
	struct lab lab;
	lab_start(&lab, PMU, false, sets);
	ck_assert(emulator_restore(lab.emulator, "test"));
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CHANGE, NULL, NULL, NULL), 0);
	lab_set(&lab, "pmu.messages", "1");
	lab_set(&lab, "pmu-ws.messages", "2");
	lab_set(&lab, "pmu-wss.messages", "3");
	lab_set(&lab, "reset.loss", "burst:30%,4");
	uint64_t next = ring_next(lab.ring);
	ck_assert(emulator_restore(lab.emulator, "restorer"));
	ck_assert_uint_eq(lab_seen(&lab, next, EVENT_CHANGE, NULL, "\"who\":\"restorer\"", NULL),
		4);
	ck_assert_uint_eq(ring_next(lab.ring), next + 4);
	ck_assert_str_eq(lab_key(&lab, "pmu.messages").value, "7");
	ck_assert_str_eq(lab_key(&lab, "pmu-ws.messages").value, "8");
	ck_assert(lab_key(&lab, "pmu-wss.messages").inherited);
	ck_assert_str_eq(lab_key(&lab, "reset.loss").value, "50%");
	ck_assert_str_eq(lab_key(&lab, "reset.loss").origin, "default");

	char *now = config_json(emulator_config(lab.emulator)),
	     *then = config_json(emulator_config_start(lab.emulator));
	ck_assert_str_eq(now, then);
	free(now);
	free(then);
	lab_finish(&lab);
}
END_TEST

/* What is so already is no change, also where it could not be one. Twice the same key: the later
   one. */
START_TEST(test_same)
{
	static const struct emulator_change twice[] = { { "pmu.messages", "3" },
		{ "pmu.messages", "4" } };
	struct lab lab;
	lab_start(&lab, PMU, false, FAST);
	lab_set(&lab, "pmu.messages", "20");
	lab_set(&lab, "pmu.rtt", "0ms");
	lab_set(&lab, "pmu.port", "5003");
	lab_set(&lab, "pmu-ws.flood_text", "");
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CHANGE, NULL, NULL, NULL), 0);
	ck_assert_str_eq(lab_key(&lab, "pmu.messages").origin, "default");
	ck_assert(lab_key(&lab, "pmu-ws.flood_text").inherited);
	ck_assert(emulator_change(lab.emulator, twice, 2, "test", NULL, NULL));
	ck_assert_str_eq(lab_key(&lab, "pmu.messages").value, "4");
	lab_finish(&lab);
}
END_TEST

/* What no key can tell by itself is said of the change that would make it so. */
START_TEST(test_checked_together)
{
	static const struct emulator_change alone[] = { { "pmu.first", "3" },
		{ "reset.reorder", "10%" }, { "pmu.first", "4" } };
	static const struct emulator_change both[] = { { "reset.reorder", "10%" },
		{ "reset.delay", "5ms" } };
	static const struct emulator_change less = { "reset.delay", "0" },
					    six = { "reset.family", "6" };
	struct lab lab;
	struct refused refused = { 0 };
	lab_start(&lab, RESET, false, (const char *const[]){ "reset.family=4", NULL });
	ck_assert(!emulator_change(lab.emulator, alone, COUNT(alone), "test", lab_on_refused,
		&refused));
	ck_assert_uint_eq(refused.count, 1);
	ck_assert_uint_eq(refused.i[0], 1);
	ck_assert_int_eq(refused.refusal[0], EMULATOR_BAD_VALUE);
	ck_assert_ptr_nonnull(strstr(refused.text[0], "reorder needs a delay"));
	ck_assert_str_eq(lab_key(&lab, "pmu.first").value, "1");
	ck_assert(emulator_change(lab.emulator, both, COUNT(both), "test", lab_on_refused,
		&refused));
	ck_assert(!emulator_change(lab.emulator, &less, 1, "test", lab_on_refused, &refused));
	ck_assert_uint_eq(refused.count, 2);
	ck_assert(!emulator_change(lab.emulator, &six, 1, "test", lab_on_refused, &refused));
	ck_assert_uint_eq(refused.count, 3);
	ck_assert_ptr_nonnull(strstr(refused.text[2], "there is no IPv6 address to serve it on"));
	ck_assert_str_eq(lab_key(&lab, "reset.delay").value, "5ms");
	ck_assert_str_eq(lab_key(&lab, "reset.family").value, "4");
	lab_finish(&lab);
}
END_TEST

/* ---- connections that begin afterwards ---- */

static unsigned segment_bytes(struct lab *lab)
{
	struct peer peer;
	struct tcp_info info = { 0 };
	socklen_t len = sizeof info;
	peer_open(&peer, lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	ck_assert_int_eq(getsockopt(peer.fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	peer_close(&peer);
	return info.tcpi_snd_mss;
}

START_TEST(test_segments)
{
	struct lab lab;
	lab_start(&lab, PMU, false, FAST);
	unsigned before = segment_bytes(&lab);
	ck_assert_uint_le(before, 1460);
	ck_assert_uint_gt(before, 1400);
	lab_set(&lab, "pmu.mss", "600");
	ck_assert_uint_le(segment_bytes(&lab), 600);
	ck_assert_uint_gt(segment_bytes(&lab), 540);
	lab_set(&lab, "pmu.mss", "0");
	ck_assert_uint_gt(segment_bytes(&lab), 1460);
	lab_set(&lab, "pmu.mss", NULL);
	ck_assert_uint_eq(segment_bytes(&lab), before);
	lab_finish(&lab);
}
END_TEST

START_TEST(test_times)
{
	struct lab lab;
	struct peer old, new;
	lab_start(&lab, PMU, false, FAST);
	peer_open(&old, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	lab_until(&lab, lab_seen(&lab, 0, EVENT_OPEN, NULL, NULL, NULL) == 1);
	lab_set(&lab, "pmu.idle", "1ms");
	peer_open(&new, &lab, ENDPOINT_PMU, SOCK_STREAM, "127.0.0.1");
	lab_until(&lab, new.eof);
	peer_close(&new);
	lab_until(&lab,
		lab_seen(&lab, 0, EVENT_CLOSE, NULL, "\"conn\":2", "\"why\":\"idle\"") == 1);
	ck_assert(!old.eof);
	peer_close(&old);
	lab_finish(&lab);
}
END_TEST

/* ---- chance ---- */

enum { DATAGRAMS = 60, CHANGED_AT = 20 };

/* The value that was drawn for request n as its `drop` has it; NAN: it was not lost. */
static double drawn_of(const struct lab *lab, unsigned n)
{
	char number[32], line[LINE_TEXT];
	snprintf(number, sizeof number, "\"n\":%u,\"reason\":\"loss\"", n);
	if (lab_seen(lab, 0, EVENT_DROP, line, number, "\"direction\":\"request\"") == 0)
		return NAN;
	return strtod(strstr(line, "\"drawn\":") + strlen("\"drawn\":"), NULL);
}

/* Sends as many one after the other, each when the one before has been received. */
static void send_resets(struct lab *lab, struct peer *peer, unsigned from, unsigned to)
{
	for (unsigned n = from; n <= to; n++) {
		char number[32];
		snprintf(number, sizeof number, "\"n\":%u,", n);
		peer_say(peer, "RESET:20");
		lab_until(lab, lab_seen(lab, 0, EVENT_RECEIVE, NULL, number, NULL) == 1);
	}
}

static const struct {
	const char *before, *after;
	double low, high; /* the thresholds */
} losses[] = { { "30%", "80%", 0.3, 0.8 }, { "80%", "30%", 0.8, 0.3 }, { "50%", "none", 0.5, 0 } };

/* The same values are drawn, whatever the key says; from the change on they are compared with what
   it says then. */
START_TEST(test_loss_in_the_middle)
{
	struct lab lab;
	struct peer peer;
	double drawn[DATAGRAMS + 1];
	lab_start(&lab, RESET, false,
		(const char *const[]){ "reset.loss=100%", "reset.family=4", NULL });
	peer_open(&peer, &lab, ENDPOINT_RESET, SOCK_DGRAM, "127.0.0.1");
	send_resets(&lab, &peer, 1, DATAGRAMS);
	for (unsigned n = 1; n <= DATAGRAMS; n++) {
		drawn[n] = drawn_of(&lab, n);
		ck_assert(!isnan(drawn[n]));
	}
	peer_close(&peer);
	lab_finish(&lab);

	char set[64];
	snprintf(set, sizeof set, "reset.loss=%s", losses[_i].before);
	lab_start(&lab, RESET, false, (const char *const[]){ set, "reset.family=4", NULL });
	peer_open(&peer, &lab, ENDPOINT_RESET, SOCK_DGRAM, "127.0.0.1");
	send_resets(&lab, &peer, 1, CHANGED_AT);
	lab_set(&lab, "reset.loss", losses[_i].after);
	send_resets(&lab, &peer, CHANGED_AT + 1, DATAGRAMS);
	for (unsigned n = 1; n <= DATAGRAMS; n++) {
		double threshold = n <= CHANGED_AT ? losses[_i].low : losses[_i].high,
		       now = drawn_of(&lab, n);
		ck_assert_int_eq(!isnan(now), drawn[n] < threshold);
		ck_assert(isnan(now) || now == drawn[n]);
	}
	peer_close(&peer);
	lab_finish(&lab);
}
END_TEST

/* What a copy of the network tells comes true, and asking changes nothing. */
START_TEST(test_fates_to_come)
{
	struct lab lab;
	struct peer peer;
	struct impair impair;
	struct impair_spec spec;
	bool lost[DATAGRAMS + 1];
	lab_start(&lab, RESET, false,
		(const char *const[]){ "reset.loss=burst:40%,3", "reset.family=4", NULL });
	peer_open(&peer, &lab, ENDPOINT_RESET, SOCK_DGRAM, "127.0.0.1");
	send_resets(&lab, &peer, 1, CHANGED_AT);
	for (int again = 0; again < 2; again++) {
		ck_assert(emulator_impair(lab.emulator, ENDPOINT_RESET, 4, FATE_REQUEST, &impair,
			&spec));
		ck_assert_uint_eq(impair.n, CHANGED_AT);
		for (unsigned n = CHANGED_AT + 1; n <= DATAGRAMS; n++) {
			struct impair_fate fate = impair_next(&impair, &spec, 8);
			ck_assert_uint_eq(fate.n, n);
			lost[n] = fate.loss.lost;
		}
	}
	send_resets(&lab, &peer, CHANGED_AT + 1, DATAGRAMS);
	for (unsigned n = CHANGED_AT + 1; n <= DATAGRAMS; n++)
		ck_assert_int_eq(!isnan(drawn_of(&lab, n)), lost[n]);

	/* Replies are not impaired here, until they are. */
	ck_assert(emulator_impair(lab.emulator, ENDPOINT_RESET, 4, FATE_REPLY, &impair, &spec));
	ck_assert_int_eq(spec.loss.model, LOSS_NONE);
	lab_set(&lab, "reset.direction", "both");
	ck_assert(emulator_impair(lab.emulator, ENDPOINT_RESET, 4, FATE_REPLY, &impair, &spec));
	ck_assert_int_eq(spec.loss.model, LOSS_BURST);
	ck_assert(!emulator_impair(lab.emulator, ENDPOINT_RESET, 6, FATE_REQUEST, &impair, &spec));
	ck_assert(!emulator_impair(lab.emulator, ENDPOINT_UDP_PRINT, 4, FATE_REQUEST, &impair,
		NULL));
	peer_close(&peer);
	lab_finish(&lab);
}
END_TEST

/* ---- what an endpoint has to do at once ---- */

static bool has_ipv6(void)
{
	struct address address;
	struct err err;
	address_parse(&address, "::1", 0);
	int fd = net_listen(&address, &(struct listen_options){ .backlog = 1 }, &err);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Sends one, and waits for its answer or its refusal. */
static int try_reset(struct lab *lab, const char *host)
{
	struct peer peer;
	peer_open(&peer, lab, ENDPOINT_RESET, SOCK_DGRAM, host);
	peer_say(&peer, "RESET:20");
	lab_until(lab, peer.len > 0 || peer.error);
	peer_close(&peer);
	return peer.error;
}

START_TEST(test_family)
{
	struct lab lab;
	char text[LINE_TEXT];
	if (!has_ipv6())
		return;
	lab_start(&lab, RESET, true,
		(const char *const[]){ "reset.loss=none", "reset.family=4", NULL });
	ck_assert_int_eq(try_reset(&lab, "127.0.0.1"), 0);
	ck_assert_int_eq(try_reset(&lab, "::1"), ECONNREFUSED);

	lab_set(&lab, "reset.family", "6");
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CHANGE, NULL, "\"endpoint\":\"reset\"",
				  "\"after\":\"6\""),
		1);
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_FAMILY, text, NULL, NULL), 2);
	ck_assert_ptr_nonnull(strstr(text, "\"active\":\"IPv6\"}"));
	ck_assert_int_eq(try_reset(&lab, "::1"), 0);
	ck_assert_int_eq(try_reset(&lab, "127.0.0.1"), ECONNREFUSED);

	lab_set(&lab, "reset.family", "both");
	ck_assert_int_eq(try_reset(&lab, "127.0.0.1"), 0);
	ck_assert_int_eq(try_reset(&lab, "::1"), 0);

	/* Turns that begin with the family that is served are told too: how long it will be. */
	lab_set(&lab, "reset.family", "4");
	lab_set(&lab, "reset.family", "alternate:1h");
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_FAMILY, text, NULL, NULL), 5);
	ck_assert_ptr_nonnull(strstr(text, "\"active\":\"IPv4\",\"seconds\":3"));
	/* Nothing about families, nothing is told. */
	lab_set(&lab, "reset.loss", "10%");
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_FAMILY, NULL, NULL, NULL), 5);
	lab_finish(&lab);
}
END_TEST

START_TEST(test_inactive)
{
	struct lab lab;
	struct peer peer;
	if (!has_ipv6())
		return;
	lab_start(&lab, RESET, true,
		(const char *const[]){ "reset.loss=none", "reset.family=4", NULL });
	ck_assert_int_eq(try_reset(&lab, "::1"), ECONNREFUSED);
	lab_set(&lab, "reset.inactive", "silent");
	peer_open(&peer, &lab, ENDPOINT_RESET, SOCK_DGRAM, "::1");
	peer_say(&peer, "RESET:20");
	lab_until(&lab, lab_seen(&lab, 0, EVENT_DROP, NULL, "the family is not served now",
				"\"n\":0") == 1);
	peer_close(&peer);
	lab_set(&lab, "reset.inactive", "closed");
	ck_assert_int_eq(try_reset(&lab, "::1"), ECONNREFUSED);
	ck_assert_int_eq(try_reset(&lab, "127.0.0.1"), 0);
	lab_finish(&lab);
}
END_TEST

/* Whether it could be done, and nothing else. */
START_TEST(test_only_asked)
{
	static const struct emulator_change good[] = { { "reset.delay", "50ms" },
		{ "reset.reorder", "25%" } };
	static const struct emulator_change bad[] = { { "reset.loss", "none" },
		{ "reset.reorder", "25%" } };
	struct lab lab;
	struct refused refused = { 0 };
	lab_start(&lab, RESET, false, NULL);
	ck_assert(emulator_can_change(lab.emulator, good, COUNT(good), lab_on_refused, &refused));
	ck_assert(!emulator_can_change(lab.emulator, bad, COUNT(bad), lab_on_refused, &refused));
	ck_assert_uint_eq(refused.count, 1);
	ck_assert_uint_eq(refused.i[0], 1);
	ck_assert_int_eq(refused.refusal[0], EMULATOR_BAD_VALUE);
	ck_assert_str_eq(lab_key(&lab, "reset.delay").value, "0");
	ck_assert_str_eq(lab_key(&lab, "reset.loss").value, "50%");
	ck_assert_str_eq(lab_key(&lab, "reset.loss").origin, "default");
	ck_assert_uint_eq(lab_seen(&lab, 0, EVENT_CHANGE, NULL, NULL, NULL), 0);
	lab_finish(&lab);
}
END_TEST

/* The line that is waited for comes after the new interval, not after the old one. */
START_TEST(test_interval)
{
	struct lab lab;
	lab_start(&lab, TV, false, (const char *const[]){ "tv.interval=1h", NULL });
	lab_until(&lab, lab_seen(&lab, 0, EVENT_LINE, NULL, NULL, NULL) == 1);
	lab_set(&lab, "tv.interval", "1ms");
	lab_until(&lab, lab_seen(&lab, 0, EVENT_LINE, NULL, NULL, NULL) >= 4);
	lab_finish(&lab);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("emulator_change");
	TCase *keys = tcase_create("keys"), *later = tcase_create("later"),
	      *chance = tcase_create("chance"), *now = tcase_create("now");
	TCase *const cases[] = { keys, later, chance, now };
	tcase_add_test(keys, test_between_two_commands);
	tcase_add_test(keys, test_floods);
	tcase_add_test(keys, test_in_the_middle_of_a_command);
	tcase_add_test(keys, test_all_or_nothing);
	tcase_add_test(keys, test_unset);
	tcase_add_test(keys, test_restore);
	tcase_add_test(keys, test_same);
	tcase_add_test(keys, test_checked_together);
	tcase_add_test(keys, test_only_asked);
	tcase_add_test(later, test_segments);
	tcase_add_test(later, test_times);
	tcase_add_loop_test(chance, test_loss_in_the_middle, 0, (int)COUNT(losses));
	tcase_add_test(chance, test_fates_to_come);
	tcase_add_test(now, test_family);
	tcase_add_test(now, test_inactive);
	tcase_add_test(now, test_interval);
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
