/* Profiles: the values of each one, that each value has a comment with its reason, and the errors
   for wrong names. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "servers/config/config.h"
#include "servers/config/keys.h"
#include "servers/config/profile.h"

static struct config *config, *standard;
static struct err err;
static char folder[64]; /* the current one during a test */

static const char *const names[] = { "handout", "epfl-2016", "epfl-2020", "quiet", "hard" };

static void set_up(void)
{
	snprintf(folder, sizeof folder, "/tmp/pmulab-profile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_ptr_nonnull(config = config_create());
	ck_assert_ptr_nonnull(standard = config_create());
}

static void tear_down(void)
{
	static const char *const files[] = { "mine.ini", "mine", "quiet", "quiet.ini" };
	config_destroy(config);
	config_destroy(standard);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(files[i]);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void file_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void load(const char *name)
{
	ck_assert_msg(profile_load(config, name, &err), "%s", err.text);
}

/* What was said for a key itself; "" where nothing was. In one of a few buffers that take turns. */
static const char *shown(const struct config *which, enum config_key key, enum endpoint_id scope)
{
	static char texts[4][CONFIG_VALUE_MAX];
	static unsigned turn;
	char *text = texts[turn++ % 4];
	const struct config_slot *slot = config_slot(which, key, scope);
	text[0] = '\0';
	if (slot->origin)
		config_value_format(&config_rows[key], &slot->value, text, CONFIG_VALUE_MAX);
	return text;
}

static bool is_said(enum config_key key, enum endpoint_id scope)
{
	const struct config_slot *slot = config_slot(config, key, scope);
	return slot->origin && strcmp(slot->origin, "default") != 0;
}

/* The names, in the order of the list. */
START_TEST(test_names)
{
	size_t count = sizeof names / sizeof *names;
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(profile_name(i), names[i]);
	ck_assert_ptr_null(profile_name(count));
}
END_TEST

START_TEST(test_list)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	profile_print_list(out);
	fclose(out);
	size_t count = 0;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), count++) {
		char start[32];
		snprintf(start, sizeof start, "%-9s  ", names[count]);
		ck_assert_msg(strncmp(line, start, 11) == 0, "%s", line);
		ck_assert_msg(strlen(line) > 40 && strlen(line) <= 100 && line[11] >= 'A' &&
				      line[11] <= 'Z',
			"%s", line);
	}
	ck_assert_uint_eq(count, sizeof names / sizeof *names);
	free(text);
}
END_TEST

START_TEST(test_loads_and_checks)
{
	load(names[_i]);
	ck_assert_msg(config_check(config, &err), "%s", err.text);
	for (int k = 0; k < KEY_COUNT; k++) {
		for (int s = ENDPOINT_NONE; s < ENDPOINT_COUNT; s++) {
			char start[32];
			if (!is_said((enum config_key)k, (enum endpoint_id)s))
				continue;
			const char *origin =
				config_slot(config, (enum config_key)k, (enum endpoint_id)s)
					->origin;
			snprintf(start, sizeof start, "%s.ini:", names[_i]);
			ck_assert_msg(strncmp(origin, start, strlen(start)) == 0, "%s", origin);
			ck_assert_int_ge(atoi(origin + strlen(start)), 3);
			/* It would begin wherever the program was started. */
			ck_assert_int_ne(config_rows[k].kind, KIND_PATH);
		}
	}
	/* Whatever the deployed station had: its datagrams stay here unless a person says
	   otherwise. */
	ck_assert(!is_said(KEY_TV_TTL, ENDPOINT_NONE) && !is_said(KEY_TV_INTERFACE, ENDPOINT_NONE));
}
END_TEST

/* Each line says why: "key = value  ; reason". What it is stands in the first line. */
START_TEST(test_each_line_has_its_reason)
{
	char path[512], line[256];
	snprintf(path, sizeof path, "%s/%s.ini", PROFILES, names[_i]);
	FILE *file = fopen(path, "r");
	ck_assert_msg(file, "%s", path);
	unsigned number = 0;
	while (fgets(line, sizeof line, file)) {
		number++;
		ck_assert_msg(strlen(line) <= 121 && strchr(line, '\n'), "%s:%u", path, number);
		ck_assert_msg(number > 1 || (line[0] == ';' && line[1] == ' '), "%s:%u", path,
			number);
		if (line[0] == '\n' || line[0] == ';')
			continue;
		const char *reason = strstr(line, " ; ");
		ck_assert_msg(reason && strlen(reason) > (line[0] == '[' ? 9 : 12), "%s:%u: %s",
			path, number, line);
	}
	ck_assert_uint_gt(number, 10);
	fclose(file);
}
END_TEST

START_TEST(test_handout_changes_nothing)
{
	unsigned said = 0;
	load("handout");
	for (int k = 0; k < KEY_COUNT; k++) {
		for (int s = ENDPOINT_NONE; s < ENDPOINT_COUNT; s++) {
			enum config_key key = (enum config_key)k;
			enum endpoint_id scope = (enum endpoint_id)s;
			/* Nor is anything said for one endpoint that was not: it would win over a
			   file's pmu.messages. */
			ck_assert_msg(strcmp(shown(config, key, scope),
					      shown(standard, key, scope)) == 0,
				"%s of %d", config_rows[k].name, s);
			said += is_said(key, scope);
		}
	}
	ck_assert_uint_gt(said, 20);
}
END_TEST

/* All that the profiles say, but for `handout`. */
static const struct fact {
	const char *profile, *key, *value;
} facts[] = {
	{ "epfl-2016", "pmu.messages", "20" },
	{ "epfl-2016", "pmu.first", "0" },
	{ "epfl-2016", "pmu.flood", "1110" },
	{ "epfl-2016", "ws.reply", "binary" },
	{ "epfl-2016", "ws.fragment", "0" },
	{ "epfl-2016", "reset.loss", "85%" },
	{ "epfl-2016", "reset.family", "alternate:10s" },
	{ "epfl-2016", "reset.inactive", "closed" },
	{ "epfl-2016", "reset.separator", ":" },
	{ "epfl-2016", "tv.port", "5005" },
	{ "epfl-2016", "tv.id", "swcmTV" },
	{ "epfl-2020", "pmu.messages", "15" },
	{ "epfl-2020", "pmu.first", "0" },
	{ "epfl-2020", "pmu.flood", "57344" },
	{ "epfl-2020", "pmu-ws.messages", "10" },
	{ "epfl-2020", "pmu-wss.messages", "10" },
	{ "epfl-2020", "ws.reply", "binary" },
	{ "epfl-2020", "ws.fragment", "0" },
	{ "epfl-2020", "reset.loss", "50%" },
	{ "epfl-2020", "reset.family", "alternate:10s" },
	{ "epfl-2020", "reset.inactive", "closed" },
	{ "epfl-2020", "reset.only", "20" },
	{ "epfl-2020", "reset.separator", ":" },
	{ "epfl-2020", "tv.port", "10505" },
	{ "epfl-2020", "tv.id", "swcmTV" },
	{ "quiet", "udp-print.loss", "none" },
	{ "quiet", "reset.loss", "none" },
	{ "quiet", "reset.family", "both" },
	{ "quiet", "tv.loss", "none" },
	{ "hard", "pmu.messages", "37" },
	{ "hard", "pmu.first", "0" },
	{ "hard", "pmu.flood", "262144" },
	{ "hard", "pmu.rtt", "100ms" },
	{ "hard", "pmu.mss", "536" },
	{ "hard", "echo.chunk", "5" },
	{ "hard", "ws.fragment", "7" },
	{ "hard", "ws.ping", "500ms" },
	{ "hard", "reset.loss", "burst:30%,3" },
	{ "hard", "reset.direction", "both" },
	{ "hard", "reset.delay", "50ms" },
	{ "hard", "reset.jitter", "30ms" },
	{ "hard", "reset.duplicate", "5%" },
	{ "hard", "reset.reorder", "10%" },
	{ "hard", "reset.corrupt", "2%" },
	{ "hard", "reset.family", "alternate:10s" },
	{ "hard", "reset.inactive", "silent" },
	{ "hard", "udp-print.loss", "burst:10%,2" },
	{ "hard", "udp-print.duplicate", "5%" },
	{ "hard", "tv.loss", "burst:10%,3" },
	{ "hard", "tv.jitter", "300ms" },
	{ "hard", "tv.duplicate", "5%" },
};

enum { FACT_COUNT = sizeof facts / sizeof *facts };

START_TEST(test_facts)
{
	bool told[KEY_COUNT][1 + ENDPOINT_COUNT] = { 0 };
	load(names[_i]);
	for (const struct fact *fact = facts; fact < facts + FACT_COUNT; fact++) {
		enum config_key key;
		enum endpoint_id scope;
		if (strcmp(fact->profile, names[_i]) != 0)
			continue;
		ck_assert_msg(config_key_find(fact->key, &key, &scope), "%s", fact->key);
		ck_assert_msg(is_said(key, scope), "%s", fact->key);
		ck_assert_str_eq(shown(config, key, scope), fact->value);
		told[key][1 + scope] = true;
	}
	for (int k = 0; k < KEY_COUNT; k++)
		for (int s = ENDPOINT_NONE; s < ENDPOINT_COUNT; s++)
			ck_assert_msg(told[k][1 + s] ==
					      is_said((enum config_key)k, (enum endpoint_id)s),
				"%s of %d is no fact", config_rows[k].name, s);
}
END_TEST

/* As the endpoints get it. */
START_TEST(test_2020_over_each_carrier)
{
	static const enum endpoint_id tens[] = { ENDPOINT_PMU_WS, ENDPOINT_PMU_WSS };
	static const enum endpoint_id fifteens[] = { ENDPOINT_PMU, ENDPOINT_PMU_TLS };
	load("epfl-2020");
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(config_integer(config, KEY_PMU_MESSAGES, tens[i]), 10);
		ck_assert_int_eq(config_integer(config, KEY_PMU_MESSAGES, fifteens[i]), 15);
	}
}
END_TEST

START_TEST(test_later_ones_win)
{
	load("epfl-2020");
	file_write("mine.ini", "[pmu]\nmessages = 3\n[tv]\nport = 7000\n");
	ck_assert_msg(config_load(config, "mine.ini", &err), "%s", err.text);
	ck_assert_msg(config_assign(config, "reset.loss=none", "--set", &err), "%s", err.text);
	ck_assert_int_eq(config_integer(config, KEY_PMU_MESSAGES, ENDPOINT_PMU_TLS), 3);
	ck_assert_int_eq(config_integer(config, KEY_PORT, ENDPOINT_TV), 7000);
	ck_assert_str_eq(config_text(config, KEY_LOSS, ENDPOINT_RESET), "none");
	/* But the more particular one wins wherever it was said. */
	ck_assert_int_eq(config_integer(config, KEY_PMU_MESSAGES, ENDPOINT_PMU_WS), 10);
	ck_assert_msg(config_assign(config, "pmu-ws.messages=4", "--set", &err), "%s", err.text);
	ck_assert_int_eq(config_integer(config, KEY_PMU_MESSAGES, ENDPOINT_PMU_WS), 4);
}
END_TEST

START_TEST(test_file)
{
	file_write("mine.ini", "[pmu]\nmessages = 3\n");
	load("mine.ini");
	ck_assert_int_eq(config_integer(config, KEY_PMU_MESSAGES, ENDPOINT_PMU), 3);
	file_write("mine", "[pmu]\nmessages = 4\n");
	load("./mine");
	ck_assert_int_eq(config_integer(config, KEY_PMU_MESSAGES, ENDPOINT_PMU), 4);
	/* A file of that name changes nothing about what a name means. */
	file_write("quiet", "[pmu]\nmessages = 5\n");
	load("quiet");
	ck_assert_int_eq(config_integer(config, KEY_PMU_MESSAGES, ENDPOINT_PMU), 4);
	ck_assert_str_eq(config_text(config, KEY_LOSS, ENDPOINT_RESET), "none");
	load("./quiet");
	ck_assert_int_eq(config_integer(config, KEY_PMU_MESSAGES, ENDPOINT_PMU), 5);
	file_write("quiet.ini", "[pmu]\nmesages = 5\n");
	ck_assert(!profile_load(config, "quiet.ini", &err));
	ck_assert_str_eq(err.text,
		"quiet.ini:2: pmu.mesages: no such key; did you mean pmu.messages?");
}
END_TEST

#define ALL                                                                                        \
	"handout, epfl-2016, epfl-2020, quiet and hard; a file has a slash in its name or ends "   \
	"in .ini"

static const struct {
	const char *name, *error;
} bad[] = {
	{ "epfl-2015",
		"--profile: \"epfl-2015\": no such profile; did you mean epfl-2016? "
		"There are " ALL },
	{ "epfl2020",
		"--profile: \"epfl2020\": no such profile; did you mean epfl-2020? "
		"There are " ALL },
	{ "Handout",
		"--profile: \"Handout\": no such profile; did you mean handout? There are " ALL },
	{ "hadr", "--profile: \"hadr\": no such profile; did you mean hard? There are " ALL },
	/* there is a file of that name */
	{ "mine", "--profile: \"mine\": no such profile; there are " ALL },
	{ "epfl", "--profile: \"epfl\": no such profile; there are " ALL },
	{ "", "--profile: \"\": no such profile; there are " ALL },
	{ "ini", "--profile: \"ini\": no such profile; there are " ALL },
	{ "none.ini", "none.ini: cannot be read: No such file or directory" },
	{ ".ini", ".ini: cannot be read: No such file or directory" },
	{ "./epfl-2016", "./epfl-2016: cannot be read: No such file or directory" },
	{ "epfl-2016.ini", "epfl-2016.ini: cannot be read: No such file or directory; "
			   "the built-in profile is epfl-2016, without .ini" },
};

START_TEST(test_bad_name)
{
	file_write("mine", "[pmu]\nmessages = 4\n");
	uint64_t version = config_version(config);
	ck_assert(!profile_load(config, bad[_i].name, &err));
	ck_assert_str_eq(err.text, bad[_i].error);
	ck_assert_int_eq(err.status, STATUS_USAGE);
	ck_assert_uint_eq(config_version(config), version);
}
END_TEST

START_TEST(test_long_name)
{
	char name[1000];
	memset(name, 'x', sizeof name);
	name[sizeof name - 1] = '\0';
	ck_assert(!profile_load(config, name, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "xx\": no such profile; there are " ALL));
}
END_TEST

#define LOOP(tcase, test, table) \
	tcase_add_loop_test(tcase, test, 0, (int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
	Suite *suite = suite_create("profile");
	TCase *tcase = tcase_create("profile");
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_list);
	LOOP(tcase, test_loads_and_checks, names);
	LOOP(tcase, test_each_line_has_its_reason, names);
	tcase_add_test(tcase, test_handout_changes_nothing);
	tcase_add_loop_test(tcase, test_facts, 1, (int)(sizeof names / sizeof *names));
	tcase_add_test(tcase, test_2020_over_each_carrier);
	tcase_add_test(tcase, test_later_ones_win);
	tcase_add_test(tcase, test_file);
	LOOP(tcase, test_bad_name, bad);
	tcase_add_test(tcase, test_long_name);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
