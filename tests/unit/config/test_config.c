/* The configuration: keys and values, which setting wins, files and their line numbers, and that a
   printed configuration reads back as the same. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servers/config/config.h"
#include "servers/config/keys.h"

static struct config *config;
static struct err err;
static char folder[64]; /* the current one during a test */

static void set_up(void)
{
	snprintf(folder, sizeof folder, "/tmp/pmulab-config-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("sub", 0700), 0);
	config = config_create();
	ck_assert_ptr_nonnull(config);
}

static void tear_down(void)
{
	static const char *const files[] = { "lab.ini", "sub/lab.ini", "sub/text", "empty" };
	config_destroy(config);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(files[i]);
	ck_assert_int_eq(rmdir("sub"), 0);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void file_write(const char *path, const char *data, size_t len)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

static void set(const char *key, const char *value)
{
	ck_assert_msg(config_set(config, key, value, "--set", &err), "%s", err.text);
}

/* The value as --print-config shows it, in one of a few buffers that take turns. */
static const char *shown(const char *name)
{
	static char texts[4][CONFIG_VALUE_MAX];
	static unsigned turn;
	char *text = texts[turn++ % 4];
	enum config_key key;
	enum endpoint_id scope;
	ck_assert_msg(config_key_find(name, &key, &scope), "%s", name);
	const struct config_slot *slot = config_slot(config, key, scope);
	config_value_format(&config_rows[key], &slot->value, text, CONFIG_VALUE_MAX);
	return text;
}

static char *printed(const struct config *which)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(out);
	config_print(which, out);
	fclose(out);
	return text;
}

START_TEST(test_table)
{
	for (int k = 0; k < KEY_COUNT; k++) {
		const struct config_row *row = &config_rows[k];
		ck_assert_msg(row->name && row->help && !strchr(row->name, '.'), "row %d", k);
		ck_assert_msg(row->standard || k == KEY_PORT, "%s", row->name);
		ck_assert_msg(!row->check == (row->kind != KIND_TEXT), "%s", row->name);
		ck_assert_msg(!row->range == (row->kind != KIND_TEXT), "%s", row->name);
		bool listed = !row->group;
		for (size_t g = 0; config_groups[g]; g++)
			listed |= row->group && strcmp(config_groups[g], row->group) == 0;
		ck_assert_msg(listed, "%s: its group is missing in config_groups", row->name);
		/* "pmu-wss.reply" must mean one thing. */
		for (int e = 0; e < ENDPOINT_COUNT; e++)
			for (int other = 0; other < k; other++)
				ck_assert_msg(strcmp(row->name, config_rows[other].name) != 0 ||
					!config_row_has(row, (enum endpoint_id)e) ||
					!config_row_has(&config_rows[other], (enum endpoint_id)e),
					"%s.%s is two keys", endpoint_table[e].name, row->name);
	}
}
END_TEST

START_TEST(test_endpoints)
{
	for (int e = 0; e < ENDPOINT_COUNT; e++) {
		ck_assert_ptr_nonnull(endpoint_table[e].name);
		ck_assert_ptr_nonnull(endpoint_table[e].ops);
		ck_assert_ptr_nonnull(endpoint_table[e].about);
		ck_assert_int_eq(endpoint_find(endpoint_table[e].name), e);
		int64_t port = config_integer(config, KEY_PORT, (enum endpoint_id)e);
		ck_assert_int_eq(port, endpoint_table[e].port);
	}
	ck_assert_int_eq(endpoint_find("pmu-"), ENDPOINT_NONE);
	ck_assert_int_eq(endpoint_find(""), ENDPOINT_NONE);
	ck_assert_int_eq(config_integer(config, KEY_PORT, ENDPOINT_PMU_WSS), 5008);
}
END_TEST

static const struct {
	const char *key, *text;
} defaults[] = {
	{ "udp-print.port", "5001" },
	{ "echo.port", "5002" },
	{ "pmu.port", "5003" },
	{ "reset.port", "5004" },
	{ "tv.port", "5005" },
	{ "pmu-ws.port", "5006" },
	{ "pmu-tls.port", "5007" },
	{ "pmu-wss.port", "5008" },
	{ "pmu.messages", "20" },
	{ "pmu.first", "1" },
	{ "pmu.flood", "57344" },
	{ "pmu.flood_text", "" },
	{ "pmu.rtt", "20ms" },
	{ "pmu.mss", "1460" },
	{ "pmu.speed", "1" },
	{ "pmu.idle", "300s" },
	{ "pmu.stall", "60s" },
	{ "pmu.connections", "12000" },
	{ "ws.reply", "binary" },
	{ "ws.fragment", "0" },
	{ "ws.ping", "off" },
	{ "tls.dir", "" },
	{ "tls.cert", "" },
	{ "tls.key", "" },
	{ "tls.legacy", "no" },
	{ "tls.handshake", "10s" },
	{ "echo.chunk", "16" },
	{ "echo.idle", "none" },
	{ "echo.connections", "12000" },
	{ "udp-print.loss", "none" },
	{ "udp-print.delay", "0" },
	{ "udp-print.jitter", "0" },
	{ "udp-print.duplicate", "0%" },
	{ "udp-print.reorder", "0%" },
	{ "udp-print.corrupt", "0%" },
	{ "reset.loss", "50%" },
	{ "reset.delay", "0" },
	{ "reset.jitter", "0" },
	{ "reset.duplicate", "0%" },
	{ "reset.reorder", "0%" },
	{ "reset.corrupt", "0%" },
	{ "tv.loss", "none" },
	{ "tv.delay", "0" },
	{ "tv.jitter", "0" },
	{ "tv.duplicate", "0%" },
	{ "tv.reorder", "0%" },
	{ "tv.corrupt", "0%" },
	{ "reset.family", "hour" },
	{ "reset.inactive", "closed" },
	{ "reset.direction", "request" },
	{ "reset.separator", "=" },
	{ "reset.only", "none" },
	{ "tv.group", "224.1.1.1" },
	{ "tv.interval", "1s" },
	{ "tv.id", "swcmTV" },
	{ "tv.text", "" },
	{ "tv.ttl", "0" },
	{ "tv.interface", "127.0.0.1" },
	{ "shutdown.grace", "2s" },
	{ "events.limit", "256MiB" },
};

START_TEST(test_default)
{
	ck_assert_str_eq(shown(defaults[_i].key), defaults[_i].text);
	/* What is shown is what may be said. */
	set(defaults[_i].key, defaults[_i].text);
	ck_assert_str_eq(shown(defaults[_i].key), defaults[_i].text);
}
END_TEST

START_TEST(test_defaults_are_complete)
{
	size_t count = 0;
	for (int k = 0; k < KEY_COUNT; k++)
		for (int s = ENDPOINT_NONE; s < ENDPOINT_COUNT; s++)
			count += config_slot(config, (enum config_key)k, (enum endpoint_id)s)
					 ->origin != NULL;
	ck_assert_uint_eq(sizeof defaults / sizeof *defaults, count);
}
END_TEST

static const struct {
	const char *key, *value, *text;
} good[] = {
	{ "pmu.messages", "0", "0" },
	{ "pmu.messages", "007", "7" },
	{ "pmu.messages", "1000000", "1000000" },
	{ "pmu.first", "1000000000", "1000000000" },
	{ "pmu.port", "65535", "65535" },
	{ "pmu-tls.port", "0", "0" },
	{ "pmu.mss", "0", "0" },
	{ "pmu.mss", "88", "88" },
	{ "pmu.flood", "57344", "57344" },
	{ "pmu.flood", "64KiB", "65536" },
	{ "pmu.flood", "1MiB", "1MiB" },
	{ "pmu.flood", "0.5 mib", "524288" },
	{ "pmu.flood", "1.5KiB", "1536" },
	{ "pmu.flood", "100B", "100" },
	{ "pmu.flood", "64MiB", "64MiB" },
	{ "events.limit", "2GiB", "2GiB" },
	{ "events.limit", "1536MiB", "1536MiB" },
	{ "events.limit", "0", "0" },
	{ "pmu.rtt", "0", "0" },
	{ "pmu.rtt", "0s", "0" },
	{ "pmu.rtt", "0.02", "20ms" },
	{ "pmu.rtt", ".02", "20ms" },
	{ "pmu.rtt", "20 ms", "20ms" },
	{ "pmu.rtt", "1500us", "1.5ms" },
	{ "pmu.rtt", "1us", "1us" },
	{ "pmu.rtt", "200ms", "200ms" },
	{ "pmu.idle", "300", "300s" },
	{ "pmu.idle", "5m", "300s" },
	{ "pmu.idle", "24h", "86400s" },
	{ "pmu.idle", "1.250s", "1.25s" },
	{ "pmu.idle", "1000000us", "1s" },
	{ "pmu.idle", "1.000001s", "1.000001s" },
	{ "pmu.idle", "none", "none" },
	{ "pmu.stall", "off", "none" },
	{ "ws.ping", "None", "off" },
	{ "ws.ping", "2s", "2s" },
	{ "pmu.speed", "0.001", "0.001" },
	{ "pmu.speed", "1000000", "1000000" },
	{ "pmu.speed", "2.50", "2.5" },
	{ "tls.legacy", "yes", "yes" },
	{ "tls.legacy", "TRUE", "yes" },
	{ "tls.legacy", "on", "yes" },
	{ "tls.legacy", "1", "yes" },
	{ "tls.legacy", "no", "no" },
	{ "tls.legacy", "false", "no" },
	{ "tls.legacy", "off", "no" },
	{ "tls.legacy", "0", "no" },
	{ "ws.reply", "text", "text" },
	{ "ws.reply", "Binary", "binary" },
	{ "tls.dir", "/a b/\xc3\xa9;#", "/a b/\xc3\xa9;#" },
	{ "reset.duplicate", "5%", "5%" },
	{ "reset.duplicate", "0.05", "5%" },
	{ "reset.duplicate", ".5", "50%" },
	{ "reset.corrupt", "100%", "100%" },
	{ "reset.corrupt", "1.0", "100%" },
	{ "tv.reorder", "0.0000001%", "0.0000001%" },
	{ "tv.reorder", "0", "0%" },
	{ "reset.loss", "none", "none" },
	{ "reset.loss", "30%", "30%" },
	{ "reset.loss", "burst:30%,4", "burst:30%,4" },
	{ "reset.loss", "list:1,2,5,max-run=1", "list:1,2,5,max-run=1" },
	{ "reset.delay", "50", "50s" },
	{ "reset.delay", "60s", "60s" },
	{ "reset.jitter", "20ms", "20ms" },
	{ "reset.jitter", "20ms,normal", "20ms,normal" },
	{ "reset.jitter", "20ms,uniform", "20ms,uniform" },
	{ "reset.family", "4", "4" },
	{ "reset.family", "both", "both" },
	{ "reset.family", "alternate:10s", "alternate:10s" },
	{ "reset.family", "alternate:500ms", "alternate:500ms" },
	{ "reset.inactive", "Silent", "silent" },
	{ "reset.direction", "both", "both" },
	{ "reset.separator", ":", ":" },
	{ "reset.only", "20", "20" },
	{ "reset.only", "86400", "86400" },
	{ "reset.only", "off", "none" },
	{ "tv.group", "239.255.0.1", "239.255.0.1" },
	{ "tv.id", "123456", "123456" },
	/* six bytes, not six characters */
	{ "tv.id", "\xc3\xa9\xc3\xa9\xc3\xa9", "\xc3\xa9\xc3\xa9\xc3\xa9" },
	{ "tv.interface", "10.9.0.1", "10.9.0.1" },
	/* for one endpoint */
	{ "pmu-wss.reply", "text", "text" },
	{ "pmu-wss.handshake", "3s", "3s" },
	{ "pmu-wss.fragment", "100", "100" },
	{ "pmu-tls.cert", "x.pem", "x.pem" },
	{ "pmu-ws.messages", "10", "10" },
};

START_TEST(test_good_value)
{
	set(good[_i].key, good[_i].value);
	ck_assert_str_eq(shown(good[_i].key), good[_i].text);
}
END_TEST

#define MESSAGES "is not a whole number from 0 to 1000000"
#define RTT "is not a duration from 0 to 200ms (units: us, ms, s, m, h; without one: s)"
#define IDLE                                                                                       \
	"is not a duration from 1ms to 86400s, or none (units: us, ms, s, m, h; without one: s)"
#define FLOOD "is not a number of bytes from 1 to 64MiB (units: KiB, MiB, GiB)"
#define PMU_HAS                                                                                    \
	"pmu has messages, first, flood, flood_text, rtt, mss, speed, idle, stall, connections, "  \
	"port"
#define SPEED "is not a factor from 0.001 to 1000000 (at most six decimals)"

static const struct {
	const char *key, *value, *error; /* behind "lab.ini:7: " */
} bad[] = {
	{ "pmu.messages", "abc", "pmu.messages: \"abc\" " MESSAGES },
	{ "pmu.messages", "", "pmu.messages: \"\" " MESSAGES },
	{ "pmu.messages", "20x", "pmu.messages: \"20x\" " MESSAGES },
	{ "pmu.messages", "20 30", "pmu.messages: \"20 30\" " MESSAGES },
	{ "pmu.messages", "1000001", "pmu.messages: \"1000001\" " MESSAGES },
	{ "pmu.messages", "-1", "pmu.messages: \"-1\" " MESSAGES },
	{ "pmu.messages", "+1", "pmu.messages: \"+1\" " MESSAGES },
	{ "pmu.messages", "1.0", "pmu.messages: \"1.0\" " MESSAGES },
	{ "pmu.messages", "0x10", "pmu.messages: \"0x10\" " MESSAGES },
	{ "pmu.messages", "1e3", "pmu.messages: \"1e3\" " MESSAGES },
	{ "pmu.messages", "99999999999999999999",
		"pmu.messages: \"99999999999999999999\" " MESSAGES },
	{ "pmu.messages", "18446744073709551636",
		"pmu.messages: \"18446744073709551636\" " MESSAGES },
	{ "pmu.messages", "none", "pmu.messages: \"none\" " MESSAGES },
	{ "pmu-ws.messages", "x", "pmu-ws.messages: \"x\" " MESSAGES },
	{ "pmu.messages", "a\n\x1b\"", "pmu.messages: \"a\\n\\x1b\\\"\" " MESSAGES },
	{ "pmu.port", "65536", "pmu.port: \"65536\" is not a whole number from 0 to 65535" },
	{ "pmu.mss", "87", "pmu.mss: \"87\" is not a whole number from 88 to 32767, or 0" },
	{ "pmu.flood", "0", "pmu.flood: \"0\" " FLOOD },
	{ "pmu.flood", "65MiB", "pmu.flood: \"65MiB\" " FLOOD },
	{ "pmu.flood", "64kB", "pmu.flood: \"64kB\" " FLOOD },
	{ "pmu.flood", "1.5", "pmu.flood: \"1.5\" " FLOOD },
	{ "pmu.flood", "9999999999999999GiB", "pmu.flood: \"9999999999999999GiB\" " FLOOD },
	{ "pmu.flood", "18014398509481985KiB", "pmu.flood: \"18014398509481985KiB\" " FLOOD },
	{ "pmu.rtt", "3", "pmu.rtt: \"3\" " RTT },
	{ "pmu.rtt", "201ms", "pmu.rtt: \"201ms\" " RTT },
	{ "pmu.rtt", "1.5us", "pmu.rtt: \"1.5us\" " RTT },
	{ "pmu.rtt", "1..5ms", "pmu.rtt: \"1..5ms\" " RTT },
	{ "pmu.rtt", ".ms", "pmu.rtt: \".ms\" " RTT },
	{ "pmu.rtt", "20msx", "pmu.rtt: \"20msx\" " RTT },
	{ "pmu.rtt", "none", "pmu.rtt: \"none\" " RTT },
	{ "pmu.rtt", "inf", "pmu.rtt: \"inf\" " RTT },
	{ "pmu.idle", "0", "pmu.idle: \"0\" " IDLE },
	{ "pmu.idle", "25h", "pmu.idle: \"25h\" " IDLE },
	{ "pmu.speed", "0", "pmu.speed: \"0\" " SPEED },
	{ "pmu.speed", "nan", "pmu.speed: \"nan\" " SPEED },
	{ "pmu.speed", "1.0000001", "pmu.speed: \"1.0000001\" " SPEED },
	{ "tls.legacy", "maybe", "tls.legacy: \"maybe\" is not yes or no" },
	{ "ws.reply", "bytes", "ws.reply: \"bytes\" is not one of binary|text" },
	{ "reset.duplicate", "5",
		"reset.duplicate: \"5\" could be percent or a fraction; write 5% or 0.05" },
	{ "reset.duplicate", "101%", "reset.duplicate: \"101%\" is over 100 %" },
	{ "reset.duplicate", "1.5",
		"reset.duplicate: \"1.5\" is over 1; write a percentage with %, as 30%" },
	{ "reset.duplicate", "x", "reset.duplicate: \"x\" is no share; write 30% or 0.3" },
	{ "reset.duplicate", "", "reset.duplicate: \"\" is no share; write 30% or 0.3" },
	{ "reset.loss", "30",
		"reset.loss: \"30\" could be percent or a fraction; write 30% or 0.3" },
	{ "reset.delay", "61s",
		"reset.delay: \"61s\" is not a duration from 0 to 60s (units: us, ms, s, m, h; "
		"without one: s)" },
	{ "reset.jitter", "61s",
		"reset.jitter: \"61s\" is not a jitter such as 20ms or 20ms,normal, at most 60 s" },
	{ "reset.family", "5",
		"reset.family: \"5\" is not hour, 4, 6, both or alternate:10s (from 0.1 to 86400 "
		"s)" },
	{ "reset.separator", "-", "reset.separator: \"-\" is not one of =|:" },
	{ "reset.only", "86401",
		"reset.only: \"86401\" is not a whole number from 0 to 86400, or none" },
	{ "tv.group", "ff02::1", "tv.group: \"ff02::1\" is not an IPv4 address such as 224.1.1.1" },
	{ "tv.group", "\x1b", "tv.group: \"\\x1b\" is not an IPv4 address such as 224.1.1.1" },
	{ "tv.interface", "lo", "tv.interface: \"lo\" is not an IPv4 address such as 127.0.0.1" },
	{ "tv.id", "swcm", "tv.id: \"swcm\" is not an ID of exactly 6 bytes, such as swcmTV" },
	{ "tv.id", "swcmTV1",
		"tv.id: \"swcmTV1\" is not an ID of exactly 6 bytes, such as swcmTV" },
	{ "tv.id", "\xc3\xa9",
		"tv.id: \"\xc3\xa9\" is not an ID of exactly 6 bytes, such as swcmTV" },
	/* keys */
	{ "pmu.mesages", "1", "pmu.mesages: no such key; did you mean pmu.messages?" },
	{ "pmu.messagse", "1", "pmu.messagse: no such key; did you mean pmu.messages?" },
	{ "Pmu.Messages", "1", "Pmu.Messages: no such key; did you mean pmu.messages?" },
	{ "PMU.MESSAGES", "1", "PMU.MESSAGES: no such key; did you mean pmu.messages?" },
	{ "pmu-ws.mesages", "1", "pmu-ws.mesages: no such key; did you mean pmu-ws.messages?" },
	{ "pmu_wss.port", "1", "pmu_wss.port: no such key; did you mean pmu-wss.port?" },
	{ "pmu.flood-text", "x", "pmu.flood-text: no such key; did you mean pmu.flood_text?" },
	{ "pmu.reply", "text", "pmu.reply: no such key; did you mean ws.reply?" },
	{ "shutdwon.grace", "1", "shutdwon.grace: no such key; did you mean shutdown.grace?" },
	{ "messages", "1", "messages: no such key; did you mean pmu.messages?" },
	{ "echo.messages", "1",
		"echo.messages: no such key; echo has chunk, idle, connections, port" },
	{ "pmu-tls.reply", "1", "pmu-tls.reply: no such key; did you mean pmu-ws.reply?" },
	{ "ws.port", "1", "ws.port: no such key; ws has reply, fragment, ping" },
	{ "pmu", "1", "pmu: no such key; " PMU_HAS },
	{ "pmu.reorder", "1%", "pmu.reorder: no such key; " PMU_HAS },
	{ "echo.delay", "1s", "echo.delay: no such key; echo has chunk, idle, connections, port" },
	{ "reset.los", "1%", "reset.los: no such key; did you mean reset.loss?" },
	{ "rest.loss", "1%", "rest.loss: no such key; did you mean reset.loss?" },
	{ "udp_print.loss", "1%", "udp_print.loss: no such key; did you mean udp-print.loss?" },
	{ "udp-print.family", "4",
		"udp-print.family: no such key; udp-print has port, loss, delay, jitter, "
		"duplicate, reorder, corrupt" },
	{ "shutdown.x", "1", "shutdown.x: no such key; shutdown has grace" },
	{ "foo.bar", "1", "foo.bar: no such key; pmulab serve --help shows them all" },
	{ "", "1", ": no such key; pmulab serve --help shows them all" },
	{ "pmu.", "1", "pmu.: no such key; " PMU_HAS },
	{ "pmu.messages.x", "1", "pmu.messages.x: no such key; did you mean pmu.messages?" },
	{ "an.unreasonably.long.key.that.has.more.than.sixty-four.characters.in.it", "1",
		"an.unreasonably.long.key.that.has.more.than.sixty-four.characters.in.it: no such "
		"key; pmulab serve --help shows them all" },
};

START_TEST(test_bad_value)
{
	char *before = printed(config), expected[sizeof err.text];
	snprintf(expected, sizeof expected, "lab.ini:7: %s", bad[_i].error);
	ck_assert(!config_set(config, bad[_i].key, bad[_i].value, "lab.ini:7", &err));
	ck_assert_str_eq(err.text, expected);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert(!config_set(config, bad[_i].key, bad[_i].value, "lab.ini:7", NULL));
	char *after = printed(config);
	ck_assert_str_eq(before, after);
	free(before);
	free(after);
}
END_TEST

START_TEST(test_long_value_is_cut_between_characters)
{
	char text[400] = "aaa";
	text[_i] = '\0';
	for (int i = 0; i < 150; i++)
		strcat(text, "\xc3\xa9");
	ck_assert(!config_set(config, "pmu.messages", text, "--set", &err));
	char *cut = strstr(err.text, "...\" " MESSAGES);
	ck_assert_ptr_nonnull(cut);
	ck_assert_int_eq((unsigned char)cut[-1], 0xa9);
	ck_assert_uint_lt(strlen(err.text), 160);
}
END_TEST

START_TEST(test_long_path)
{
	char path[CONFIG_PATH_MAX + 1];
	memset(path, 'x', sizeof path);
	path[CONFIG_PATH_MAX] = '\0';
	ck_assert(!config_set(config, "tls.dir", path, "--set", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "...\" is not a path of at most 1023 bytes"));
	path[CONFIG_PATH_MAX - 1] = '\0';
	set("tls.dir", path);
	ck_assert_str_eq(config_text(config, KEY_TLS_DIR, ENDPOINT_PMU_TLS), path);
}
END_TEST

static const struct {
	const char *assignment, *error; /* NULL: pmu.rtt is 5ms then */
} assignments[] = {
	{ "pmu.rtt=5ms", NULL },
	{ " pmu.rtt = 5ms ", NULL },
	{ "pmu.rtt", "--set: \"pmu.rtt\" is not KEY=VALUE" },
	{ "", "--set: \"\" is not KEY=VALUE" },
	{ "=5ms", "--set: \"=5ms\" is not KEY=VALUE" },
	{ "pmu.rtt=", "--set: pmu.rtt: \"\" " RTT },
	{ "pmu.rtt=5=6", "--set: pmu.rtt: \"5=6\" " RTT },
	{ "pmu.rrt=5ms", "--set: pmu.rrt: no such key; did you mean pmu.rtt?" },
};

START_TEST(test_assign)
{
	bool done = config_assign(config, assignments[_i].assignment, "--set", &err);
	ck_assert_int_eq(done, !assignments[_i].error);
	if (done)
		ck_assert_str_eq(shown("pmu.rtt"), "5ms");
	else
		ck_assert_str_eq(err.text, assignments[_i].error);
}
END_TEST

START_TEST(test_assign_keeps_equals)
{
	ck_assert(config_assign(config, "tls.dir=/a=b c", "--set", &err));
	ck_assert_str_eq(config_text(config, KEY_TLS_DIR, ENDPOINT_PMU_WSS), "/a=b c");
}
END_TEST

static int64_t messages(enum endpoint_id endpoint)
{
	return config_integer(config, KEY_PMU_MESSAGES, endpoint);
}

START_TEST(test_more_particular_wins)
{
	set("pmu-ws.messages", "10");
	set("pmu.messages", "15");
	ck_assert_int_eq(messages(ENDPOINT_PMU), 15);
	ck_assert_int_eq(messages(ENDPOINT_PMU_WS), 10);
	ck_assert_int_eq(messages(ENDPOINT_PMU_WSS), 15);
	set("pmu.messages", "16");
	set("pmu-ws.messages", "11");
	ck_assert_int_eq(messages(ENDPOINT_PMU), 16);
	ck_assert_int_eq(messages(ENDPOINT_PMU_TLS), 16);
	ck_assert_int_eq(messages(ENDPOINT_PMU_WS), 11);
}
END_TEST

START_TEST(test_group_and_endpoint_of_one_name)
{
	set("pmu.port", "1");
	set("echo.idle", "7s");
	ck_assert_int_eq(config_integer(config, KEY_PORT, ENDPOINT_PMU), 1);
	ck_assert_int_eq(config_integer(config, KEY_PORT, ENDPOINT_PMU_WS), 5006);
	ck_assert_double_eq(config_seconds(config, KEY_ECHO_IDLE, ENDPOINT_ECHO), 7);
	ck_assert_double_eq(config_seconds(config, KEY_PMU_IDLE, ENDPOINT_PMU), 300);
}
END_TEST

START_TEST(test_getters)
{
	set("pmu-wss.reply", "text");
	set("pmu-wss.legacy", "on");
	set("pmu.speed", "0.5");
	set("pmu.flood_text", "a");
	set("pmu-tls.flood_text", "b");
	ck_assert_int_eq(config_integer(config, KEY_WS_REPLY, ENDPOINT_PMU_WS), WS_REPLY_BINARY);
	ck_assert_int_eq(config_integer(config, KEY_WS_REPLY, ENDPOINT_PMU_WSS), WS_REPLY_TEXT);
	ck_assert_int_eq(config_integer(config, KEY_TLS_LEGACY, ENDPOINT_PMU_WSS), 1);
	ck_assert_int_eq(config_integer(config, KEY_TLS_LEGACY, ENDPOINT_PMU_TLS), 0);
	ck_assert_int_eq(config_integer(config, KEY_PMU_FLOOD, ENDPOINT_PMU), 57344);
	ck_assert_int_eq(config_integer(config, KEY_EVENTS_LIMIT, ENDPOINT_NONE), 256 << 20);
	ck_assert_double_eq(config_seconds(config, KEY_PMU_RTT, ENDPOINT_PMU), 0.02);
	ck_assert_double_eq(config_seconds(config, KEY_SHUTDOWN_GRACE, ENDPOINT_NONE), 2);
	ck_assert(isinf(config_seconds(config, KEY_ECHO_IDLE, ENDPOINT_ECHO)));
	ck_assert(isinf(config_seconds(config, KEY_WS_PING, ENDPOINT_PMU_WS)));
	ck_assert_double_eq(config_factor(config, KEY_PMU_SPEED, ENDPOINT_PMU_TLS), 0.5);
	ck_assert_str_eq(config_text(config, KEY_PMU_FLOOD_TEXT, ENDPOINT_PMU), "a");
	ck_assert_str_eq(config_text(config, KEY_PMU_FLOOD_TEXT, ENDPOINT_PMU_TLS), "b");
	ck_assert_str_eq(config_text(config, KEY_TLS_DIR, ENDPOINT_PMU_TLS), "");
}
END_TEST

START_TEST(test_load)
{
	static const char text[] = "\xef\xbb\xbf; a lab\r\n"
		"\r\n"
		"pmu.messages = 7\r\n"
		"  # another comment\n"
		"[ pmu-ws ] ; behind a section\n"
		"messages=8;9\n";
	file_write("lab.ini", text, sizeof text - 1);
	ck_assert(!config_load(config, "lab.ini", &err));
	ck_assert_str_eq(err.text, "lab.ini:6: pmu-ws.messages: \"8;9\" " MESSAGES);
	ck_assert_int_eq(messages(ENDPOINT_PMU), 7);

	static const char more[] = "[pmu-ws]\n"
		"messages=8\t;9\n"
		"\tmessages\t=\t9 # the later one\n"
		"[pmu]\n"
		"rtt = 5 ms\n"
		"[pmu]\n"
		"port = \"6003\"; quoted\n"
		"first = 0"; /* no line end */
	file_write("lab.ini", more, sizeof more - 1);
	ck_assert_msg(config_load(config, "lab.ini", &err), "%s", err.text);
	ck_assert_int_eq(messages(ENDPOINT_PMU_WS), 9);
	ck_assert_int_eq(messages(ENDPOINT_PMU), 7);
	ck_assert_str_eq(shown("pmu.rtt"), "5ms");
	ck_assert_str_eq(shown("pmu.port"), "6003");
	ck_assert_str_eq(shown("pmu.first"), "0");
}
END_TEST

static const struct {
	const char *line, *value; /* of tls.dir */
} paths[] = {
	{ "dir = /a b = c", "/a b = c" },
	{ "dir = /a#b;c", "/a#b;c" },
	{ "dir = /a #b", "/a" },
	{ "dir = /a\t;b", "/a" },
	{ "dir =", "" },
	{ "dir = ; nothing", "" },
	{ "dir = \"\"", "" },
	{ "dir = \"/a ;b # c \" ; d", "/a ;b # c " },
	{ "dir = \"/\\\"\\\\\\n\\r\\t\\x1b\xc3\xa9\"", "/\"\\\n\r\t\x1b\xc3\xa9" },
	{ "dir = /a\"b\"\\n", "/a\"b\"\\n" },
	{ "dir = x/y", "sub/x/y" }, /* from the file's folder */
	{ "dir = \" x\"", "sub/ x" },
	{ "dir = ../x", "sub/../x" },
};

START_TEST(test_path_in_file)
{
	char text[200], expected[200];
	snprintf(text, sizeof text, "[tls]\n%s\n", paths[_i].line);
	file_write("sub/lab.ini", text, strlen(text));
	ck_assert_msg(config_load(config, "sub/lab.ini", &err), "%s", err.text);
	ck_assert_str_eq(shown("tls.dir"), paths[_i].value);
	file_write("lab.ini", text, strlen(text));
	ck_assert_msg(config_load(config, "lab.ini", &err), "%s", err.text);
	const char *value = paths[_i].value;
	snprintf(expected, sizeof expected, "%s",
		strncmp(value, "sub/", 4) == 0 ? value + 4 : value);
	ck_assert_str_eq(shown("tls.dir"), expected);
}
END_TEST

#define TEXT(s) s, sizeof s - 1

static const struct {
	const char *text;
	size_t len;
	const char *error;
} bad_files[] = {
	{ TEXT("\n\n[pmu]\nmesages = 3\n"),
		"lab.ini:4: pmu.mesages: no such key; did you mean pmu.messages?" },
	{ TEXT("messages = 3\n"), "lab.ini:1: messages: no such key; did you mean pmu.messages?" },
	{ TEXT("[pum]\n"), "lab.ini:1: [pum]: no such section; did you mean pmu?" },
	{ TEXT("[]\n"), "lab.ini:1: []: no such section; pmulab serve --help shows them all" },
	{ TEXT("[weather]\n"),
		"lab.ini:1: [weather]: no such section; pmulab serve --help shows them all" },
	{ TEXT("[pmu\n"), "lab.ini:1: \"[pmu\" has no closing bracket" },
	{ TEXT("[pmu] x\n"), "lab.ini:1: \" x\" stands behind the section's name" },
	{ TEXT("#\r\n[pmu]\r\nmessages 3\r\n"),
		"lab.ini:3: \"messages 3\" is neither KEY = VALUE nor [SECTION]" },
	{ TEXT("[pmu]\n= 3"), "lab.ini:2: \"= 3\" is neither KEY = VALUE nor [SECTION]" },
	{ TEXT("[ws]\npmu.messages = 3"),
		"lab.ini:2: pmu.messages: inside [ws] a key stands without its group" },
	{ TEXT("[tls]\ndir = \"abc\n\""), "lab.ini:2: a quote without its end" },
	{ TEXT("[tls]\ndir = \"abc\\\""), "lab.ini:2: a quote without its end" },
	{ TEXT("[tls]\ndir = \"abc\" def"), "lab.ini:2: \" def\" stands behind the closing quote" },
	{ TEXT("[tls]\ndir = \"C:\\lab\""),
		"lab.ini:2: \"\\\\lab\\\"\" is no escape; a backslash in quotes is two" },
	{ TEXT("[tls]\ndir = \"\\x00\""),
		"lab.ini:2: \"\\\\x00\\\"\" is no escape; a backslash in quotes is two" },
	{ TEXT("\n[pmu]\nmess\0ages = 3"),
		"lab.ini:3: a NUL byte; this is not a text file in UTF-8" },
	{ TEXT("\n[pmu]\nport = 65536 ; too many"),
		"lab.ini:3: pmu.port: \"65536\" is not a whole number from 0 to 65535" },
};

START_TEST(test_bad_file)
{
	file_write("lab.ini", bad_files[_i].text, bad_files[_i].len);
	ck_assert(!config_load(config, "lab.ini", &err));
	ck_assert_str_eq(err.text, bad_files[_i].error);
	ck_assert_int_eq(err.status, STATUS_USAGE);
}
END_TEST

START_TEST(test_long_line)
{
	char text[4099];
	memset(text, ';', sizeof text);
	text[0] = '\n';
	text[4097] = '\n';
	file_write("lab.ini", text, sizeof text - 1);
	ck_assert_msg(config_load(config, "lab.ini", &err), "%s", err.text);
	text[4097] = ';';
	file_write("lab.ini", text, sizeof text);
	ck_assert(!config_load(config, "lab.ini", &err));
	ck_assert_str_eq(err.text, "lab.ini:2: a line of more than 4096 bytes");
	ck_assert_int_eq(err.status, STATUS_USAGE);
}
END_TEST

START_TEST(test_no_file)
{
	ck_assert(!config_load(config, "lab.ini", &err));
	ck_assert_str_eq(err.text, "lab.ini: cannot be read: No such file or directory");
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert(!config_load(config, "sub", &err));
	ck_assert_str_eq(err.text, "sub: cannot be read: Is a directory");
	char path[600];
	memset(path, 'x', sizeof path);
	memcpy(path + sizeof path - 8, "/lab\n.i", 8);
	ck_assert(!config_load(config, path, &err));
	ck_assert_msg(strncmp(err.text, "...xxx", 6) == 0, "%s", err.text);
	ck_assert_ptr_nonnull(strstr(err.text, "x/lab\\n.i: cannot be read: "));
}
END_TEST

START_TEST(test_load_text)
{
	static const char text[] =
		"; as in 2016\n[pmu]\nmessages = 15 ; as counted\n[tls]\ndir = x";
	ck_assert_msg(config_load_text(config, "epfl/2016.ini", text, &err), "%s", err.text);
	ck_assert_int_eq(messages(ENDPOINT_PMU), 15);
	ck_assert_str_eq(shown("tls.dir"), "x"); /* `name` is no folder */
	char *out = printed(config);
	ck_assert_ptr_nonnull(strstr(out, "\nmessages = 15  ; epfl/2016.ini:3\n"));
	free(out);
	ck_assert(config_load_text(config, "nothing", "", &err));
	ck_assert(!config_load_text(config, "epfl-2016.ini", "[pmu]\nfirst = 3\nmesages = 1\n",
		&err));
	ck_assert_str_eq(err.text,
		"epfl-2016.ini:3: pmu.mesages: no such key; did you mean pmu.messages?");
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_str_eq(shown("pmu.first"), "3");
}
END_TEST

START_TEST(test_print_says_where_from)
{
	static const char text[] = "\n[pmu]\nmessages = 15\n";
	file_write("lab.ini", text, sizeof text - 1);
	ck_assert(config_load(config, "lab.ini", &err));
	set("pmu-ws.messages", "10");
	char *out = printed(config);
	ck_assert_ptr_nonnull(strstr(out, "[pmu]\nport = 5003  ; default\n"
		"messages = 15  ; lab.ini:3\nfirst = 1  ; default\n"));
	ck_assert_ptr_nonnull(strstr(out, "\n\n[pmu-ws]\nport = 5006  ; default\n"
		"messages = 10  ; --set\n\n[pmu-tls]\n"));
	ck_assert_ptr_nonnull(strstr(out, "flood_text = \"\"  ; default\n"));
	/* of both that have the name */
	ck_assert_ptr_null(strstr(strstr(out, "[pmu]") + 1, "[pmu]"));
	free(out);
}
END_TEST

static const char *const odd_paths[] = { "", "/plain", "/a b", "/a ;b", "/a#b", "/#", " x", "x ",
	"\"x\"", "x\"y", "\\n", "/new\nline", "/esc\x1b[0m", "/caf\xc3\xa9", "relative", "/=", ";x",
	"/cr\r", "[x]" };

static char *without_origins(char *text)
{
	for (char *p = text; (p = strstr(p, "  ; "));)
		memmove(p, strchr(p, '\n'), strlen(strchr(p, '\n')) + 1);
	return text;
}

START_TEST(test_print_reads_back)
{
	set("tls.dir", odd_paths[_i]);
	set("pmu-tls.dir", "");
	set("pmu-wss.rtt", "1.25ms");
	set("pmu.speed", "0.333333");
	set("ws.ping", "1500us");
	set("pmu.idle", "none");
	set("pmu-wss.legacy", "yes");
	char *first = printed(config);
	file_write("sub/lab.ini", first, strlen(first));
	struct config *again = config_create();
	ck_assert_msg(config_load(again, "sub/lab.ini", &err), "%s", err.text);
	char *second = printed(again);
	ck_assert_str_eq(without_origins(first), without_origins(second));
	const char *dir = config_text(again, KEY_TLS_DIR, ENDPOINT_PMU_WSS);
	char expected[200];
	bool relative = odd_paths[_i][0] != '\0' && odd_paths[_i][0] != '/';
	snprintf(expected, sizeof expected, "%s%s%s", relative ? folder : "", relative ? "/" : "",
		odd_paths[_i]);
	ck_assert_str_eq(dir, expected);
	ck_assert_str_eq(config_text(again, KEY_TLS_DIR, ENDPOINT_PMU_TLS), "");
	ck_assert_double_eq(config_seconds(again, KEY_PMU_RTT, ENDPOINT_PMU_WSS), 0.00125);
	ck_assert_double_eq(config_factor(again, KEY_PMU_SPEED, ENDPOINT_PMU), 0.333333);
	config_destroy(again);
	free(first);
	free(second);
}
END_TEST

START_TEST(test_print_keys)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	config_print_keys(out);
	fclose(out);
	int lines = 0;
	size_t column = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		ck_assert_msg(strlen(line) <= 100, "%s", line);
		const char *help = strstr(line, config_rows[lines].help);
		ck_assert_msg(help, "%s", line);
		ck_assert_msg(lines == 0 || (size_t)(help - line) == column, "not aligned: %s",
			line);
		column = (size_t)(help - line);
		ck_assert_str_eq(help + strlen(config_rows[lines].help),
			lines == KEY_LOSS ? " (reset: 50%)" : "");
	}
	ck_assert_int_eq(lines, KEY_COUNT);
	free(text);
}
END_TEST

START_TEST(test_json)
{
	set("pmu.messages", "15");
	set("pmu-wss.messages", "10");
	set("pmu.idle", "none");
	set("tls.dir", "/a\"b");
	char *text = config_json(config);
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "\"pmu.messages\":\"15\""));
	ck_assert_ptr_nonnull(strstr(text, "\"pmu-wss.messages\":\"10\""));
	ck_assert_ptr_nonnull(strstr(text, "\"pmu.idle\":\"none\""));
	ck_assert_ptr_nonnull(strstr(text, "\"tls.dir\":\"/a\\\"b\""));
	ck_assert_ptr_null(strstr(text, "\"pmu-ws.messages\""));
	ck_assert_int_eq(text[0], '{');
	ck_assert_int_eq(text[strlen(text) - 1], '}');
	free(text);
}
END_TEST

START_TEST(test_json_grows)
{
	char path[CONFIG_PATH_MAX];
	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = '\0';
	static const char *const keys[] = { "tls.dir", "tls.cert", "tls.key", "pmu.flood_text",
		"pmu-ws.flood_text", "pmu-wss.dir", "pmu-wss.cert", "pmu-wss.key",
		"pmu-wss.flood_text" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		set(keys[i], path);
	char *text = config_json(config);
	ck_assert_uint_gt(strlen(text), 9 * (CONFIG_PATH_MAX - 1));
	ck_assert_int_eq(text[strlen(text) - 1], '}');
	free(text);
}
END_TEST

static const struct {
	const char *key, *value;   /* set by "lab.ini:7" */
	const char *key2, *value2; /* NULL, or as well */
	const char *error;         /* NULL: fine */
} checks[] = {
	{ "tls.cert", "c", NULL, NULL,
		"lab.ini:7: tls.cert: a certificate without its key; set tls.key too" },
	{ "tls.key", "k", NULL, NULL,
		"lab.ini:7: tls.key: a key without its certificate; set tls.cert too" },
	{ "pmu-wss.cert", "c", NULL, NULL,
		"lab.ini:7: pmu-wss.cert: a certificate without its key; set pmu-wss.key too" },
	{ "pmu-tls.key", "c", NULL, NULL,
		"lab.ini:7: pmu-tls.key: a key without its certificate; set pmu-tls.cert too" },
	{ "tls.cert", "c", "tls.key", "k", NULL },
	{ "pmu-tls.cert", "c", "tls.key", "k",
		/* at pmu-wss */
		"lab.ini:7: tls.key: a key without its certificate; set tls.cert too" },
	{ "pmu.flood_text", "sub/text", NULL, NULL, NULL },
	{ "pmu.flood_text", "", NULL, NULL, NULL },
	{ "pmu.flood_text", "none", NULL, NULL,
		"lab.ini:7: pmu.flood_text: \"none\": No such file or directory" },
	{ "pmu-ws.flood_text", "sub", NULL, NULL,
		"lab.ini:7: pmu-ws.flood_text: \"sub\": not a regular file" },
	{ "pmu.flood_text", "/dev/zero", NULL, NULL,
		"lab.ini:7: pmu.flood_text: \"/dev/zero\": not a regular file" },
	{ "pmu.flood_text", "empty", NULL, NULL,
		"lab.ini:7: pmu.flood_text: \"empty\": the file is empty" },
};

START_TEST(test_check)
{
	file_write("sub/text", "Who's there?\n", 13);
	file_write("empty", "", 0);
	ck_assert(config_check(config, &err));
	ck_assert(config_set(config, checks[_i].key, checks[_i].value, "lab.ini:7", &err));
	if (checks[_i].key2)
		ck_assert(config_set(config, checks[_i].key2, checks[_i].value2, "lab.ini:7",
			&err));
	bool fine = config_check(config, &err);
	ck_assert_int_eq(fine, !checks[_i].error);
	if (!fine) {
		ck_assert_str_eq(err.text, checks[_i].error);
		ck_assert_int_eq(err.status, STATUS_USAGE);
	}
}
END_TEST

#define LOOP(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, test_table);
	tcase_add_test(tcase, test_endpoints);
	LOOP(tcase, test_default, defaults);
	tcase_add_test(tcase, test_defaults_are_complete);
	LOOP(tcase, test_good_value, good);
	LOOP(tcase, test_bad_value, bad);
	tcase_add_loop_test(tcase, test_long_value_is_cut_between_characters, 0, 3);
	tcase_add_test(tcase, test_long_path);
	LOOP(tcase, test_assign, assignments);
	tcase_add_test(tcase, test_assign_keeps_equals);
	tcase_add_test(tcase, test_more_particular_wins);
	tcase_add_test(tcase, test_group_and_endpoint_of_one_name);
	tcase_add_test(tcase, test_getters);
	tcase_add_test(tcase, test_load);
	LOOP(tcase, test_path_in_file, paths);
	LOOP(tcase, test_bad_file, bad_files);
	tcase_add_test(tcase, test_long_line);
	tcase_add_test(tcase, test_no_file);
	tcase_add_test(tcase, test_load_text);
	tcase_add_test(tcase, test_print_says_where_from);
	LOOP(tcase, test_print_reads_back, odd_paths);
	tcase_add_test(tcase, test_print_keys);
	tcase_add_test(tcase, test_json);
	tcase_add_test(tcase, test_json_grows);
	LOOP(tcase, test_check, checks);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
